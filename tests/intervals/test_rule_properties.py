"""What holds for every rule: any curve gives ordered intervals inside the curve, with a finite confidence."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from memodule.datasets import Expression
from memodule.errors import UserError
from memodule.intervals import ChallengeRule, FixedWindow, PriorGuided

TRAINING = [
    Expression("s1", "a", "micro", onset, onset + rise, onset + rise + fall, emotion)
    for onset, rise, fall, emotion in [(10, 5, 9, "negative"), (90, 3, 30, "surprise"), (200, 7, 12, "positive")]
]
RULES = [FixedWindow(), PriorGuided(), ChallengeRule()]
RULES = [rule.fit(TRAINING, fps=30) for rule in RULES]
IDS = [type(rule).__name__ for rule in RULES]

scores = st.floats(0, 1, width=32)
garbage = st.one_of(scores, st.floats(), st.sampled_from([np.nan, np.inf, -np.inf, -1.0, 0.0, 1e308, -1e308]))
curves = st.integers(0, 90).flatmap(lambda n: arrays(np.float64, n, elements=garbage))
smooth_curves = arrays(np.float64, st.integers(40, 200), elements=scores).map(
    lambda curve: np.convolve(curve, np.ones(9) / 9, mode="same")
)


def check(found, length):
    frames, confidence = found.frames, found.confidence
    assert frames.shape == (len(confidence), 3)
    assert frames.dtype == np.int64
    assert np.isfinite(confidence).all()
    assert (frames[:, 0] <= frames[:, 1]).all()
    assert (frames[:, 1] <= frames[:, 2]).all()
    assert (frames >= 0).all()
    assert (frames < length).all()
    assert (np.diff(frames[:, 0]) >= 0).all()


@pytest.mark.parametrize("rule", RULES, ids=IDS)
@settings(max_examples=80, deadline=None)
@given(curve=curves)
def test_garbage_gives_defined_results(rule, curve):
    check(rule.detect(curve), len(curve))


@pytest.mark.parametrize("rule", RULES, ids=IDS)
@settings(max_examples=40, deadline=None)
@given(curve=smooth_curves)
def test_intervals_lie_inside_ordered(rule, curve):
    check(rule.detect(curve), len(curve))


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_flat_and_empty_curves(rule):
    assert len(rule.detect([])) == 0
    assert len(rule.detect(np.zeros(200))) == 0
    assert len(rule.detect(np.full(200, np.nan))) == 0
    check(rule.detect(np.ones(200)), 200)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_an_obvious_expression_is_found(rule):
    curve = np.full(300, 0.05)
    curve[150:172] = 0.9
    found = rule.detect(curve)
    assert len(found) == 1
    onset, apex, offset = found.frames[0]
    assert abs(onset - 150) <= 12
    assert abs(offset - 171) <= 12
    assert 148 <= apex <= 173


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_a_broken_sample_counts_as_zero(rule):
    curve = np.full(300, 0.05)
    curve[150:172] = 0.9
    zeroed, broken = curve.copy(), curve.copy()
    zeroed[40], broken[40] = 0.0, np.nan
    assert rule.select(broken).tolist() == rule.select(zeroed).tolist()


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_state_and_pickle_carry_the_prior(rule):
    curve = np.convolve(np.random.default_rng(0).random(400) ** 3, np.ones(7) / 7, mode="same")
    expected = rule.detect(curve)
    assert len(expected)
    revived = pickle.loads(pickle.dumps(rule))
    twin = type(rule)().load_state(rule.state())
    for other in (revived, twin):
        assert other.detect(curve).frames.tolist() == expected.frames.tolist()
        assert other.detect(curve).confidence.tolist() == expected.confidence.tolist()


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_training_without_micro_expressions_is_refused(rule):
    macro = Expression("s1", "a", "macro", 0, 10, 60, "")
    with pytest.raises(UserError, match="no micro-expression"):
        type(rule)().fit([macro], fps=30)


def test_a_rule_that_was_not_fitted_says_so():
    with pytest.raises(RuntimeError, match=r"PriorGuided has not been fitted: call \.fit"):
        PriorGuided().select(np.ones(50))
