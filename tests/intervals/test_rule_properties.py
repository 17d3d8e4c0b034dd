"""What holds for every rule: any curve gives ordered intervals inside the curve, with a finite confidence."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from memodule.datasets import Expression
from memodule.errors import UserError
from memodule.intervals import (
    Abstaining,
    Calibrated,
    ChallengeRule,
    ClassPrior,
    FixedWindow,
    LabelledCurve,
    PriorGuided,
    RelativeHeight,
    RiseFall,
    SemiMarkov,
    TwoLength,
    build_rule,
    describe_rule,
)

TRAINING = [
    Expression("s1", "a", "micro", onset, onset + rise, onset + rise + fall, emotion)
    for onset, rise, fall, emotion in [(10, 5, 9, "negative"), (90, 3, 30, "surprise"), (200, 7, 12, "positive")]
]
MACRO = Expression("s1", "a", "macro", 250, 270, 330, "")


def noise(rng, length):
    return 0.3 * np.convolve(rng.random(length) ** 3, np.ones(7) / 7, mode="same")


def training_curves():
    """Curves with bumps on and beside labelled expressions, so that every rule has something to learn."""
    rng = np.random.default_rng(5)
    curves = []
    for _ in range(8):
        curve = noise(rng, 300)
        micro = np.array([[30, 35, 48], [120, 126, 150]]) + rng.integers(-8, 8)
        for onset, _, offset in micro:
            curve[onset : offset + 1] += 0.7
        for onset in (70, 190, 210, 230):
            curve[onset : onset + 12] += rng.uniform(0.1, 0.3)
        probabilities = np.full((300, 5), 0.1)
        probabilities[:, 4] = 0.6
        curves.append(LabelledCurve(curve, micro, np.array([[188, 200, 245]]), probabilities, np.array([0, 2])))
    return curves


def fitted(rule, calibrated=False):
    rule.fit([*TRAINING, MACRO], fps=30)
    return rule.calibrate(training_curves()) if calibrated else rule


def pair():
    return [RiseFall(least=0.1), RelativeHeight(least=0.1)]


RULES = {
    "FixedWindow": fitted(FixedWindow()),
    "PriorGuided": fitted(PriorGuided()),
    "PriorGuided, no evolution": fitted(PriorGuided(temporal_evolution=False)),
    "PriorGuided, no duration": fitted(PriorGuided(duration=False)),
    "ChallengeRule": fitted(ChallengeRule()),
    "RelativeHeight": fitted(RelativeHeight()),
    "RiseFall": fitted(RiseFall()),
    "RiseFall, no prior": fitted(RiseFall(prior=0.0)),
    "TwoLength": fitted(TwoLength()),
    "TwoLength, given": fitted(TwoLength(lengths_ms=(300, 900))),
    "SemiMarkov": fitted(SemiMarkov()),
    "SemiMarkov, flat": fitted(SemiMarkov(density="flat", penalty=-1.0)),
    "SemiMarkov, calibrated": fitted(SemiMarkov(), True),
    "Abstaining": fitted(Abstaining(PriorGuided())),
    "Abstaining, calibrated": fitted(Abstaining(SemiMarkov(penalty=1.0), evidence="noise_floor"), True),
    "Calibrated": fitted(Calibrated(pair())),
    "Calibrated, calibrated": fitted(Calibrated(pair()), True),
    "ClassPrior": fitted(ClassPrior(PriorGuided())),
}
IDS = list(RULES)
RULES = list(RULES.values())

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
@settings(max_examples=80)
@given(curve=curves)
def test_garbage_gives_defined_results(rule, curve):
    check(rule.detect(curve), len(curve))


@pytest.mark.parametrize("rule", RULES, ids=IDS)
@settings(max_examples=40)
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
    curve = noise(np.random.default_rng(2), 300)
    curve[150:172] += 0.8
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


CURVE = noise(np.random.default_rng(0), 400)
CURVE[100:125] += 0.7
PROBABILITIES = np.random.default_rng(1).dirichlet(np.ones(5), 400)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
@settings(max_examples=25)
@given(curve=curves, seed=st.integers(0, 9))
def test_broken_probabilities_give_defined_results(rule, curve, seed):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(5), len(curve))
    probabilities[:: seed + 2] = [np.nan, np.inf, -np.inf, 1e300, 0.0]
    found = rule.detect(curve, probabilities)
    check(found, len(curve))
    if found.emotions is not None:
        assert found.emotions.shape == (len(found),)
        assert np.isin(found.emotions, range(5)).all()


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_pickle_and_json_carry_the_prior(rule):
    expected = rule.detect(CURVE, PROBABILITIES)
    assert len(expected)
    described = json.loads(json.dumps(describe_rule(rule), allow_nan=False))
    for twin in (pickle.loads(pickle.dumps(rule)), build_rule(described, "checkpoint")):
        found = twin.detect(CURVE, PROBABILITIES)
        assert found.frames.tolist() == expected.frames.tolist()
        assert found.confidence.tolist() == expected.confidence.tolist()
        assert (found.emotions is None) == (expected.emotions is None)
        if found.emotions is not None:
            assert found.emotions.tolist() == expected.emotions.tolist()


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_a_rule_that_is_described_without_state_has_learned_nothing(rule):
    described = describe_rule(rule)
    del described["state"]
    with pytest.raises(RuntimeError, match="has not been fitted"):
        build_rule(described, "grid").select(CURVE)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_durations_follow_the_frame_rate(rule):
    """The same labels and curve at twice the frames and half the step give the same intervals."""
    doubled = [dataclasses.replace(e, onset=2 * e.onset, apex=2 * e.apex, offset=2 * e.offset) for e in TRAINING]
    doubled.append(dataclasses.replace(MACRO, onset=500, apex=540, offset=660))
    described = {k: v for k, v in describe_rule(rule).items() if k != "state"}
    one, two = build_rule(described, "one"), build_rule(described, "two")
    one.fit([*TRAINING, MACRO], fps=30)
    two.fit(doubled, fps=60, frame_step=2)
    assert one.select(CURVE).tolist() == two.select(CURVE).tolist()


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_calibration_without_anything_to_learn_from_keeps_the_rule_working(rule):
    described = {k: v for k, v in describe_rule(rule).items() if k != "state"}
    fresh, learned = (fitted(build_rule(described, "grid")) for _ in range(2))
    empty = LabelledCurve(np.zeros(50), np.empty((0, 3), np.int64))
    for curves in ([], [empty]):
        assert len(learned.calibrate(curves).select(CURVE))
    assert learned.calibrate([]).select(CURVE).tolist() == fresh.select(CURVE).tolist()


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_a_rule_that_learns_from_curves_says_so_until_it_has_seen_labelled_ones(rule):
    described = {k: v for k, v in describe_rule(rule).items() if k != "state"}
    fresh = fitted(build_rule(described, "grid"))
    assert (fresh.uncalibrated is not None) == fresh.learns_from_curves
    assert (fresh.calibrate([]).uncalibrated is not None) == fresh.learns_from_curves
    assert fresh.calibrate(training_curves()).uncalibrated is None
    again = build_rule(describe_rule(fresh), "stored")
    assert again.calibration == fresh.calibration
    assert again.uncalibrated is None


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_training_without_micro_expressions_is_refused(rule):
    described = {k: v for k, v in describe_rule(rule).items() if k != "state"}
    with pytest.raises(UserError, match="no micro-expression"):
        build_rule(described, "grid").fit([MACRO], fps=30)


def test_a_rule_that_was_not_fitted_says_so():
    with pytest.raises(RuntimeError, match=r"PriorGuided has not been fitted: call \.fit"):
        PriorGuided().select(np.ones(50))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PriorGuided(half_window=2.5), "intervals.half_window: 2.5 "),
        (lambda: PriorGuided(half_window=4, duration=False), "it is the duration prior"),
        (lambda: PriorGuided(threshold=1.2), "intervals.threshold: 1.2 "),
        (lambda: RelativeHeight(least=0), "intervals.least: 0 is not above 0"),
        (lambda: RiseFall(prior=np.nan), "intervals.prior: nan "),
        (lambda: TwoLength(lengths_ms=(300, -1)), "intervals.lengths_ms: -1 is not above 0"),
        (lambda: SemiMarkov(density="gamma"), "'gamma' .*log_normal, flat"),
        (lambda: SemiMarkov(penalty="3"), "intervals.penalty: '3' "),
        (lambda: Abstaining("PriorGuided"), "'PriorGuided' .*selection rule"),
        (lambda: Abstaining(PriorGuided(), evidence="height"), "'height' .*confidence, noise_floor"),
        (lambda: Calibrated([]), "needs at least one rule"),
        (lambda: build_rule({"class_path": "memodule.intervals.Best"}, "grid.yaml"), "grid.yaml: .*Best "),
        (lambda: build_rule({"class_path": "memodule.intervals.RiseFall", "init_args": {"p": 1}}, "g"), "g: .*'p'"),
    ],
)
def test_impossible_options_are_refused_in_one_line(build, message):
    with pytest.raises(UserError, match=message) as caught:
        build()
    assert "\n" not in str(caught.value)
