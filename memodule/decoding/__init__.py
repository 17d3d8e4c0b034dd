"""Score curves -> intervals with emotions: curves, protocol, and a rule that is fitted, calibrated and applied."""
