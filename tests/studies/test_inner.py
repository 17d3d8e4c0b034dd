"""Inner validation subjects are counted with a calibrated rule, which none of them has calibrated itself."""

import numpy as np
import pytest

from memodule.datasets import Catalog, Expression, Video
from memodule.decoding.curves import VideoCurve
from memodule.decoding.fitted import FittedDecoder
from memodule.decoding.protocol import Protocol
from memodule.intervals import Abstaining, PriorGuided
from memodule.studies.inner import inner_tallies

LENGTH, TRUE, FALSE = 200, 40, 130
"""Frames of a video, and the middles of its expression and of a bump that is none."""


def bumps(subject: str, true: float, false: float) -> VideoCurve:
    frames = np.arange(LENGTH)
    score = sum(h * np.exp(-(((frames - at) / 5) ** 2)) for h, at in ((true, TRUE), (false, FALSE)))
    return VideoCurve(subject, "a", score.astype(np.float32), np.zeros((LENGTH, 5), np.float32), 30.0, 1)


def catalog(subjects) -> Catalog:
    videos = tuple(Video(subject, "a", f"{subject}.avi", 30.0, LENGTH) for subject in subjects)
    return Catalog(videos, tuple(Expression(s, "a", "micro", TRUE - 7, TRUE, TRUE + 7, "negative") for s in subjects))


def counts(curves):
    """(hits, false alarms) by subject under a rule that learns a level of confidence."""
    labels = catalog([curve.subject for curve in curves])
    rule = Abstaining(PriorGuided(threshold=0.1)).fit(labels.expressions, fps=30.0)
    found = inner_tallies(FittedDecoder(rule, Protocol()), curves, labels)
    assert rule.learned is None  # left as it was
    return {subject: (tally["tp"], tally["fp"]) for subject, tally in found.items()}


def test_each_subject_is_decoded_by_the_rule_as_the_others_calibrate_it():
    """The level of two is found between .4 and .9: it hides the low bump of the third, and its low expression."""
    strong = [bumps("s1", 0.9, 0.4), bumps("s2", 0.9, 0.4)]
    assert counts([*strong, bumps("s3", 0.9, 0.4)]) == {"s1": (1, 0), "s2": (1, 0), "s3": (1, 0)}
    weak = counts([*strong, bumps("s3", 0.3, 0.2)])
    assert weak["s3"] == (0, 0)  # its own level would have let both through, or the expression alone


def test_a_single_subject_is_decoded_without_calibration():
    assert counts([bumps("s1", 0.9, 0.4)]) == {"s1": (1, 1)}


@pytest.mark.parametrize("curves", [[], [bumps("s1", 0.9, 0.4)] * 2])
def test_rules_that_learn_nothing_are_counted_as_they_are(curves):
    labels = catalog(["s1"])
    rule = PriorGuided(threshold=0.1).fit(labels.expressions, fps=30.0)
    tallies = inner_tallies(FittedDecoder(rule, Protocol()), curves, labels)
    assert {subject: tally["tp"] for subject, tally in tallies.items()} == ({"s1": 2} if curves else {})
