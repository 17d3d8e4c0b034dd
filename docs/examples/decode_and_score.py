"""Score curves from anywhere: fit a selection rule, decode, score, and compare two rules. No network is involved.

python docs/examples/decode_and_score.py
"""

import numpy as np

from memodule.datasets import Expression
from memodule.intervals import FixedWindow, PriorGuided
from memodule.metrics.functional import match_intervals, spotting_scores

FPS, FRAME_STEP = 30.0, 1

# What is known about the training subjects: labelled expressions, in source frames, both ends inclusive.
training = [
    Expression("anna", "1", "micro", onset=100, apex=105, offset=112, emotion="negative"),
    Expression("ben", "1", "micro", onset=40, apex=46, offset=54, emotion="surprise"),
]

# A score curve of another subject's video (600 sampled frames) with two movements in it, and where they really are.
rng = np.random.default_rng(0)
truth = np.array([[150, 156, 163], [420, 427, 434]])
curve = 0.05 + 0.02 * rng.standard_normal(600)
for onset, _, offset in truth:
    curve[onset : offset + 1] += 0.8 * np.hanning(offset - onset + 1)

for rule in (FixedWindow(), PriorGuided()):
    rule.fit(training, fps=FPS, frame_step=FRAME_STEP)
    found = rule.select(curve)  # (n, 3): onset, apex, offset in sampled frames
    ends = found[:, [0, 2]] * FRAME_STEP
    matched = match_intervals(ends, truth[:, [0, 2]])  # index of the matched truth, -1 for a false alarm
    hits = int((matched >= 0).sum())
    scores = spotting_scores(hits, len(found) - hits, len(truth) - hits)
    print(f"{type(rule).__name__}: {found.tolist()}, F1 {scores['f1']:.2f}")
