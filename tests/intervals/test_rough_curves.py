"""Rules of ours on curves as real networks give them: drifting, of any gain, with correlated noise, with dips."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from memodule.datasets import Expression
from memodule.intervals import (
    Calibrated,
    EventBoxes,
    LabelledCurve,
    RelativeHeight,
    RiseFall,
    SemiMarkov,
    TwoLength,
)
from memodule.metrics.functional import match_intervals

RATE = 30.0
LENGTH = 1200
MEDIAN = 13


def expressions(rng, count=4):
    """(count, 3) onset, apex, offset of expressions far from each other and from the ends."""
    onsets = np.sort(rng.choice(np.arange(60, LENGTH - 60, 60), count, replace=False)) + rng.integers(0, 20, count)
    lengths = rng.integers(10, 17, count)
    return np.stack([onsets, onsets + lengths // 3, onsets + lengths - 1], axis=1).astype(np.int64)


def rough(seed, height=0.5, noise=0.08, count=4):
    """A labelled curve with bumps, half of whose noise is smooth over 100 ms."""
    rng = np.random.default_rng(seed)
    micro = expressions(rng, count)
    smooth = gaussian_filter1d(rng.standard_normal(LENGTH), 3)
    curve = 0.2 + noise * np.sqrt(0.5) * (rng.standard_normal(LENGTH) + smooth / smooth.std())
    for onset, _, offset in micro:
        curve[onset : offset + 1] += height * rng.uniform(0.7, 1.3)
    return LabelledCurve(curve, micro)


TRAINING = [*(rough(seed) for seed in range(20)), *(rough(seed, count=0) for seed in range(20, 30))]
"""Videos with and without an expression, as in the data sets: from the former alone a rule that compares within a video
learns that each has some."""

TEST = [rough(seed) for seed in range(100, 106)]
LABELS = [
    Expression("s", str(i), "micro", *(int(frame) for frame in row), "negative")
    for i, labelled in enumerate(TRAINING)
    for row in labelled.micro
]


def all_three():
    return [TwoLength(), RiseFall(), RelativeHeight()]


BUILT = {
    "RelativeHeight": RelativeHeight,
    "RiseFall": RiseFall,
    "TwoLength": TwoLength,
    "EventBoxes": EventBoxes,
    "SemiMarkov": SemiMarkov,
    "Calibrated": lambda: Calibrated(all_three()),
}
FITTED = {name: build().fit(LABELS, fps=RATE).calibrate(TRAINING) for name, build in BUILT.items()}
UNCALIBRATED = {name: build().fit(LABELS, fps=RATE) for name, build in BUILT.items()}


def f1(rule, data):
    hits = found = 0
    for labelled in data:
        frames = rule.select(labelled.curve)
        hits += int((match_intervals(frames, labelled.micro) >= 0).sum())
        found += len(frames)
    return 2 * hits / (found + sum(len(labelled.micro) for labelled in data))


def agreement(rule, curves, changed):
    """Share of detections that have a counterpart of IoU .5, pooled over curves."""
    pairs = [(rule.select(curve), rule.select(other)) for curve, other in zip(curves, changed, strict=True)]
    shared = sum(int((match_intervals(before, after) >= 0).sum()) for before, after in pairs)
    return 2 * shared / max(1, sum(len(before) + len(after) for before, after in pairs))


@pytest.mark.parametrize("name", FITTED)
def test_it_finds_most_expressions_on_rough_curves(name):
    assert f1(FITTED[name], TEST) > 0.8


@pytest.mark.parametrize("rules", [FITTED, UNCALIBRATED], ids=["calibrated", "uncalibrated"])
@pytest.mark.parametrize("name", FITTED)
def test_a_dip_is_never_an_expression(name, rules):
    curve = np.random.default_rng(0).normal(0.55, 0.03, 300)
    curve[150:162] = 0.10
    frames = rules[name].select(curve)
    assert not ((frames[:, 0] <= 161) & (frames[:, 2] >= 150)).any()
    curve[150:162] = 0.95
    frames = rules[name].select(curve)
    assert ((frames[:, 0] <= 156) & (frames[:, 2] >= 155)).sum() == 1


@pytest.mark.parametrize("name", FITTED)
def test_a_constant_changes_no_detection(name):
    for labelled in TEST:
        lifted = labelled.curve + 0.25
        assert FITTED[name].select(lifted).tolist() == FITTED[name].select(labelled.curve).tolist()


@pytest.mark.parametrize("name", FITTED)
def test_a_slow_drift_hardly_changes_a_detection(name):
    """The height of an expression within ten durations, up and down again."""
    drift = 0.25 * (1 - np.cos(2 * np.pi * np.arange(LENGTH) / (20 * MEDIAN)))
    before = [labelled.curve for labelled in TEST]
    assert agreement(FITTED[name], before, [curve + drift for curve in before]) > 0.85


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("name", ["RelativeHeight", "TwoLength", "EventBoxes"])
def test_gain_does_not_change_a_level_relative_to_the_curve(name, factor):
    """Before calibration a level is relative to the curve's spread, whatever the network's gain."""
    for labelled in TEST:
        found = UNCALIBRATED[name].select(labelled.curve)
        assert len(found)
        assert UNCALIBRATED[name].select(factor * labelled.curve).tolist() == found.tolist()


@pytest.mark.parametrize("name", FITTED)
def test_calibration_on_curves_of_another_gain_gives_the_same_detections(name):
    """A network whose scores are half as high needs no other settings."""
    halved = [LabelledCurve(labelled.curve / 2, labelled.micro) for labelled in TRAINING]
    rule = BUILT[name]().fit(LABELS, fps=RATE).calibrate(halved)
    before = [labelled.curve for labelled in TEST]
    pairs = [(FITTED[name].select(curve), rule.select(curve / 2)) for curve in before]
    shared = sum(int((match_intervals(one, other) >= 0).sum()) for one, other in pairs)
    assert 2 * shared / sum(len(one) + len(other) for one, other in pairs) > 0.9


@pytest.mark.parametrize("name", FITTED)
def test_coloured_noise_alone_gives_few_false_alarms(name):
    """At most one a minute, on ten curves of 40 seconds."""
    empty = [rough(seed, count=0).curve for seed in range(200, 210)]
    minutes = len(empty) * LENGTH / RATE / 60
    assert sum(len(FITTED[name].select(curve)) for curve in empty) / minutes <= 1.0


def test_levels_are_learned_in_the_unit_that_fits():
    """Curves whose gain differs by a factor of up to eight have no level in common, but a share of their spread."""
    rng = np.random.default_rng(1)
    gains = np.exp(rng.uniform(0, np.log(8), len(TRAINING)))
    data = [
        LabelledCurve(gain * labelled.curve, labelled.micro) for gain, labelled in zip(gains, TRAINING, strict=True)
    ]
    rule = TwoLength().fit(LABELS, fps=RATE).calibrate(data)
    assert rule.learned.unit != "score"
    assert f1(rule, data) > f1(TwoLength(least=0.3).fit(LABELS, fps=RATE), data)


def test_confidence_is_calibrated():
    """Of the detections on new curves about as many are hits as their confidence says, from many subjects and few."""
    hard = [rough(seed, height=0.15) for seed in range(40)]
    new = [rough(seed, height=0.15) for seed in range(300, 340)]
    for curves in (hard, hard[:12]):
        rule = Calibrated(all_three()).fit(LABELS, fps=RATE).calibrate(curves)
        found = [rule.detect(labelled.curve) for labelled in new]
        hits = sum(int((match_intervals(d.frames, c.micro) >= 0).sum()) for d, c in zip(found, new, strict=True))
        confidence = np.concatenate([d.confidence for d in found])
        assert len(confidence) > 30
        assert confidence.mean() == pytest.approx(hits / len(confidence), abs=0.12)


def test_too_few_proposals_leave_it_uncalibrated_and_it_says_why():
    rule = Calibrated(all_three()).fit(LABELS, fps=RATE).calibrate(TRAINING[:1])
    assert rule.learned is not None
    rule.calibrate([LabelledCurve(TRAINING[0].curve, TRAINING[0].micro[:1])])
    assert rule.learned is None
    assert "true" in rule.uncalibrated
    assert rule.select(TEST[0].curve).tolist() == rule.rules[0].select(TEST[0].curve).tolist()
