"""Ablations without training: the saved curves of a finished study, decoded under every variant of a grid."""
