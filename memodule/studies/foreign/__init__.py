"""Score curves of other systems: files -> samples -> curves in sampled frames -> a study."""
