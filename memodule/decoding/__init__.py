"""Score curves -> intervals with emotions: curves, protocol, and a decoder that is fitted, calibrated and applied."""
