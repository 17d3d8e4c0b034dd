"""Samples without a score decide nothing, in any rule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memodule.datasets import Expression
from memodule.intervals import LabelledCurve, SemiMarkov
from memodule.intervals.base import Detections, SelectionRule
from memodule.intervals.unknown import Bridged

from .test_rule_properties import CURVE, IDS, RULES

PROBABILITIES = np.random.default_rng(3).dirichlet(np.ones(5), len(CURVE))


def with_gap(place, length, seed=0):
    """The curve with `length` unknown samples before sample `place`, whose scores and classes are rubbish."""
    rng = np.random.default_rng(seed)
    curve = np.insert(CURVE, place, rng.choice([0.0, 1.0, 50.0, np.nan], length) if length else [])
    rubbish = np.tile([0.0, 0.0, 1.0, 0.0, 0.0], (length, 1))
    probabilities = np.concatenate([PROBABILITIES[:place], rubbish, PROBABILITIES[place:]])
    known = np.ones(len(curve), dtype=bool)
    known[place : place + length] = False
    return curve, probabilities, known


def values(found: Detections, shift=0):
    emotions = None if found.emotions is None else found.emotions.tolist()
    return (found.frames + shift).tolist(), found.confidence.tolist(), emotions


@pytest.mark.parametrize("length", [1, 30, 5000])
@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_a_blank_part_at_the_ends_changes_no_detection(rule, length):
    alone = rule.detect(CURVE, PROBABILITIES)
    curve, probabilities, known = with_gap(0, length)
    assert values(rule.detect(curve, probabilities, known)) == values(alone, length)
    curve, probabilities, known = with_gap(len(CURVE), length)
    assert values(rule.detect(curve, probabilities, known)) == values(alone)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_how_long_the_gap_is_changes_nothing(rule):
    place, (short, long) = len(CURVE) // 2, (400, 4000)
    found = []
    for length in (short, long):
        curve, probabilities, known = with_gap(place, length, seed=length)
        detections = rule.detect(curve, probabilities, known)
        frames = detections.frames.copy()
        frames[frames[:, 1] >= place] -= length
        found.append((frames.tolist(), detections.confidence.tolist()))
        for onset, apex, offset in np.clip(detections.frames, 0, len(curve) - 1):
            assert known[onset] and known[apex] and known[offset]  # noqa: PT018
    assert found[0] == found[1]


def test_without_any_known_sample_nothing_is_found():
    assert len(RULES[0].detect(CURVE, None, np.zeros(len(CURVE), dtype=bool))) == 0


def test_a_mask_without_a_gap_is_no_mask():
    known = np.ones(len(CURVE), dtype=bool)
    for rule in RULES:
        assert values(rule.detect(CURVE, PROBABILITIES, known)) == values(rule.detect(CURVE, PROBABILITIES))


class Everywhere(SelectionRule):
    """A rule of one's own that sees what it is given, and finds an interval around every tenth sample."""

    def _detect(self, curve, probabilities):
        self.seen = curve
        apexes = np.arange(5, len(curve), 10)
        return Detections.of(np.stack([apexes - 7, apexes, apexes + 7], axis=1), np.ones(len(apexes)))


@settings(max_examples=60, deadline=None)
@given(known=st.lists(st.booleans(), min_size=1, max_size=150).filter(any))
def test_intervals_stay_in_the_stretch_of_their_apex(known):
    known = np.repeat(np.array(known), 3)
    rule = Everywhere()
    curve = np.where(known, 0.25, 9.0)
    for onset, apex, offset in rule.detect(curve, None, known).frames.tolist():
        assert 0 <= apex < len(curve)
        assert known[max(0, onset) : offset + 1].all()
    assert rule.seen.tolist() == [0.25] * len(rule.seen)  # unknown scores are never seen


def test_a_bridge_leads_from_one_side_to_the_other():
    known = np.array([False, True, True, False, False, False, False, True, True, False])
    bridged = Bridged.of(np.array([9, 1, 1, 9, 9, 9, 9, 4, 4, 9.0]), None, known, longest=2)
    assert bridged.places.tolist() == [1, 2, -1, -1, 7, 8]
    assert bridged.curve.tolist() == [1, 1, 2, 3, 4, 4]


def test_calibration_does_not_see_unknown_samples():
    """A rule learns the same whether unknown rubbish is in a curve or cut off, and forgets expressions in it."""
    training = [Expression("s", "a", "micro", 10, 15, 10 + d, "negative") for d in (12, 13, 14)]
    rng = np.random.default_rng(0)
    clean, dirty = [], []
    for _ in range(6):
        curve = 0.1 * rng.standard_normal(300)
        curve[100:113] += 0.6
        micro = np.array([[100, 104, 112]])
        clean.append(LabelledCurve(curve, micro))
        longer, known = np.concatenate([np.full(200, 7.0), curve]), np.arange(500) >= 200
        dirty.append(LabelledCurve(longer, np.concatenate([[[50, 55, 60]], micro + 200]), known=known))
    states = [SemiMarkov().fit(training, fps=30).calibrate(curves).state() for curves in (clean, dirty)]
    assert states[0] == states[1]
    assert states[0]["calibration"]["micro"] == 6


def test_an_interval_may_leave_the_video_but_not_what_is_known():
    curve, known = np.zeros(40), np.arange(60) < 40
    assert Everywhere().select(curve)[[0, -1]].tolist() == [[-2, 5, 12], [28, 35, 42]]
    behind = Everywhere().detect(np.append(curve, np.ones(20)), None, known).frames
    assert behind[[0, -1]].tolist() == [[-2, 5, 12], [28, 35, 39]]
    before = Everywhere().detect(np.append(np.ones(20), curve), None, known[::-1]).frames
    assert before[[0, -1]].tolist() == [[20, 25, 32], [48, 55, 62]]
