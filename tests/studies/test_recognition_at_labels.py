"""Recognition of the labelled intervals, counted by hand."""

from pathlib import Path

import numpy as np
import pytest

from memodule.datasets import Catalog, Expression, Video
from memodule.decoding.curves import VideoCurve
from memodule.decoding.protocol import MEGC
from memodule.metrics.functional import bootstrap
from memodule.studies.recognition_at_labels import scores_at_labels, tally_at_labels

STEP = 7
NEGATIVE, POSITIVE, SURPRISE, OTHERS, NEUTRAL = range(5)


def micro(subject, onset, offset, emotion):
    """An expression in sampled frames."""
    return Expression(subject, "v", "micro", onset * STEP + 3, None, offset * STEP + 5, emotion)


def catalog(*expressions):
    subjects = sorted({e.subject for e in expressions})
    return Catalog(tuple(Video(s, "v", Path("none"), 200.0, 700) for s in subjects), expressions, "hand")


def curve(subject, *said, length=100):
    """Every frame is neutral; where (first, last, class) says so, that class comes second."""
    logits = np.full((length, 5), -3.0, np.float32)
    logits[:, NEUTRAL] = 4.0
    for first, last, emotion in said:
        logits[first : last + 1, emotion] = -1.0
    return VideoCurve(subject, "v", np.zeros(length, np.float32), logits, 200.0, STEP)


def test_the_frames_of_every_labelled_interval_vote_without_neutral():
    labels = catalog(micro("a", 10, 20, "positive"), micro("a", 40, 60, "surprise"), micro("b", 5, 15, "negative"))
    curves = [
        curve("a", (11, 18, POSITIVE), (41, 48, POSITIVE), (49, 58, SURPRISE)),  # 10 of 18 voters say surprise
        curve("b", (6, 13, SURPRISE), (0, 5, NEGATIVE), (14, 30, NEGATIVE)),  # only frames 6 .. 13 vote
    ]
    tallies = tally_at_labels(curves, labels)
    assert set(tallies) == {"a", "b"}
    assert (tallies["a"].tp, tallies["a"].fp, tallies["a"].fn) == (2, 0, 0)
    assert np.argwhere(tallies["a"].confusion).tolist() == [[POSITIVE, POSITIVE], [SURPRISE, SURPRISE]]
    assert np.argwhere(tallies["b"].confusion).tolist() == [[NEGATIVE, SURPRISE]]
    twice = tally_at_labels(curves * 2, labels)  # a second seed
    assert (twice["a"].confusion == 2 * tallies["a"].confusion).all()


def test_without_a_voter_there_is_no_answer():
    labels = catalog(micro("a", 10, 13, "others"), micro("a", 96, 99, "positive"), micro("b", 30, 32, "negative"))
    tallies = tally_at_labels([curve("a", (0, 99, OTHERS), length=90), curve("b", (0, 99, NEGATIVE))], labels)
    assert tallies["a"].confusion[OTHERS].tolist() == [0, 0, 0, 1, 0]  # frame 11 is its only voter
    assert tallies["a"].confusion[POSITIVE].tolist() == [0, 0, 0, 0, 1]  # behind the curve's end
    assert tallies["b"].confusion[NEGATIVE].tolist() == [1, 0, 0, 0, 0]  # too short for inner frames: all vote


def test_scores_are_those_of_recognition_beside_the_majority_emotion():
    labels = catalog(
        *(micro("a", 12 * i, 12 * i + 10, name) for i, name in enumerate(["negative", "negative", "positive"])),
        *(micro("b", 12 * i, 12 * i + 10, name) for i, name in enumerate(["negative", "surprise", "others"])),
    )
    said = curve("a", (0, 22, NEGATIVE), (24, 34, POSITIVE)), curve("b", (0, 34, SURPRISE))
    tallies = tally_at_labels(said, labels)
    scores = scores_at_labels(tallies, MEGC)
    assert scores["support"] == 5  # `others` is not scored
    assert (scores["uar"], scores["precision"]) == pytest.approx(((2 / 3 + 1 + 1) / 3, (1 + 1 + 1 / 2) / 3))
    assert scores["uf1"] == pytest.approx((0.8 + 1 + 2 / 3) / 3)
    assert scores["majority"]["uar"] == pytest.approx(1 / 3)
    assert scores["majority"]["uf1"] == pytest.approx(2 * 3 / (3 + 5) / 3)
    assert scores["ci"]["f1"] == list(bootstrap(tallies, MEGC)["recog_f1"])
    assert sum(map(sum, scores["confusion"])) == 6


def test_nothing_labelled_is_zero_and_no_error():
    scores = scores_at_labels({}, MEGC)
    assert (scores["f1"], scores["support"], scores["majority"]["f1"]) == (0, 0, 0)
