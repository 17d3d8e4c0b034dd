"""Training one fold: Lightning's command line, settings, and the checkpoints that a fold leaves."""
