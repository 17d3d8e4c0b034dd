"""Injection and recovery: how large a movement must be to be found in a recording, without any label.

`movements` plans movements of known size; `recordings` are what they are added to, in the images or in the measured
features; `counting` says which of them the spotter found; `statistics` and `summary` make shares and one sentence of
that; `trials` runs it all. `study` does the same for the folds of a study.
"""
