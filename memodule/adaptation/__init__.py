"""Adapting trained weights to one's own recordings, without labels.

Expressions of known size and timing are injected into the recordings' own windows, and training continues on them:
their motion, noise and failing flow become the background that expressions must stand out from. What `blocks` holds
back says when to stop; `material` makes windows into training batches, `training` is the loop, `checkpoint` writes the
weights with the record of whom they have seen, and `cross_fitting` spots a recording by weights that never saw the part
they score.
"""
