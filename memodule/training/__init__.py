"""Training one fold: Lightning's command line, dry runs, and the checkpoints that a fold leaves."""
