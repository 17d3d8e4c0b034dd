"""Trained folds applied to videos that they have not seen: ensembles and challenge submissions."""
