"""Calibrated learns which evidence speaks for an expression, from nothing but labelled curves."""

import dataclasses
import itertools

import numpy as np
import pytest

from memodule.emotions import NEUTRAL
from memodule.intervals import Abstaining, Calibrated, LabelledCurve, RelativeHeight, build_rule, describe_rule
from memodule.intervals.logistic import Logistic

EVIDENCE = ("temporal_evolution", "duration", "class_distribution", "within_video")


def proposing():
    return RelativeHeight(least=0.1, smooth_ms=2, reach_ms=200)


def curves(seed, *, true_height=0.5, false_height=0.5, true_length=16, false_length=16, neutral=(0.5, 0.5), count=30):
    """Each with two bumps that are expressions and two that are none; `neutral` inside the ones and the others."""
    rng = np.random.default_rng(seed)
    labelled = []
    for _ in range(count):
        curve, micro = 0.02 * rng.standard_normal(600), []
        probabilities = np.full((600, 5), 0.05)
        probabilities[:, NEUTRAL] = 0.8
        for place, true in enumerate(rng.permutation([True, True, False, False])):
            length = int((true_length if true else false_length) * rng.uniform(0.8, 1.25))
            onset = 60 + 130 * place
            height = (true_height if true else false_height) * rng.uniform(0.7, 1.3)
            ramp = np.interp(np.arange(length), [0, length / 3, length - 1], [0.6, 1, 0.6])
            curve[onset : onset + length] += height * ramp
            share = float(np.clip(neutral[0 if true else 1] + 0.15 * rng.standard_normal(), 0.05, 0.95))
            probabilities[onset : onset + length] = [*[(1 - share) / 4] * 4, share]
            if true:
                micro.append([onset, onset + length // 3, onset + length - 1])
        labelled.append(LabelledCurve(curve, np.array(micro), probabilities=probabilities))
    return labelled


OFF = dict.fromkeys(EVIDENCE, False)


def learned(fit, data, **options):
    rule = fit(Calibrated([proposing()], **(OFF | options)), rise=[5, 6, 4, 5], fall=[10, 12, 8, 11])
    return rule.calibrate(data)


def f1(rule, data):
    tp = found = 0
    for c in data:
        frames = rule.detect(c.curve, c.probabilities, c.known, c.spread).frames
        found += len(frames)
        tp += sum(any(on <= apex <= off for on, _, off in frames) for _, apex, _ in c.micro)
    return 2 * tp / (found + sum(len(c.micro) for c in data))


def test_a_higher_score_speaks_for_an_expression(fit):
    rule = learned(fit, curves(0, true_height=0.7, false_height=0.3))
    assert len(rule.learned.weights) == 1
    assert rule.learned.weights[0] > 0.5
    assert f1(rule, curves(1, true_height=0.7, false_height=0.3)) > 0.9


def test_an_unusual_duration_speaks_against_it(fit):
    """Columns: height, deviation from the usual log-length, its square. Long bumps are none, equal in height."""
    train, test = curves(0, false_length=70), curves(1, false_length=70)
    rule = learned(fit, train, duration=True)
    assert rule.learned.weights[1] + rule.learned.weights[2] < -0.5
    assert f1(rule, test) > 0.9
    assert f1(learned(fit, train), test) < 0.8  # without the prior nothing tells them apart


def disagreed(data):
    """The same curves; windows disagree about the bumps that are no expressions, and about a gap that is not known."""
    some = []
    for c in data:
        spread = np.where(c.curve > 0.15, 0.4, 0.02)
        for onset, _, offset in c.micro:
            spread[onset : offset + 1] = 0.02
        spread[:60] = np.nan
        known = np.ones(600, bool)
        known[20:40] = False
        some.append(dataclasses.replace(c, spread=spread, known=known))
    return some


def test_windows_that_disagree_speak_against_it(fit):
    """Also around a gap, and for a rule inside another one; without a spread the evidence weighs nothing."""
    train, test = disagreed(curves(0)), disagreed(curves(1))
    rule = learned(fit, train, agreement=True)
    assert rule.learned.weights[1] > 0.5
    assert f1(rule, test) > 0.9
    assert f1(learned(fit, train), test) < 0.8
    assert learned(fit, curves(0), agreement=True).learned.weights[1] == 0
    inside = fit(Abstaining(Calibrated([proposing()], **OFF, agreement=True)), rise=[5, 6, 4, 5], fall=[10, 12, 8, 11])
    assert f1(inside.calibrate(train), test) > 0.9


def test_neutral_frames_speak_against_it(fit):
    """Columns: height, log-odds of an expression against neutral, how clear the first emotion is."""
    train, test = curves(0, neutral=(0.3, 0.8)), curves(1, neutral=(0.3, 0.8))
    rule = learned(fit, train, class_distribution=True)
    assert rule.learned.weights[1] > 0.5
    assert f1(rule, test) > 0.9
    assert f1(learned(fit, train), test) < 0.8


def test_confidence_is_the_probability_of_the_logistic_formula(fit):
    data = curves(0, true_height=0.6, false_height=0.4)
    rule = learned(fit, data)
    model = rule.learned
    for c in data[:5]:
        found = rule.detect(c.curve, c.probabilities)
        heights = [c.curve[on : off + 1].mean() - np.median(c.curve) for on, _, off in found.frames]
        odds = model.bias + model.weights[0] * (np.array(heights) - model.means[0]) / model.deviations[0]
        assert found.confidence.tolist() == pytest.approx((1 / (1 + np.exp(-odds))).tolist())
        assert (found.confidence >= rule.threshold).all()


def test_every_prior_brings_its_own_columns_and_no_other(fit):
    data = curves(0)
    columns = {
        options: len(learned(fit, data, **dict(zip(EVIDENCE, options, strict=True))).learned.weights)
        for options in itertools.product((False, True), repeat=4)
    }
    for (evolution, duration, classes, video), count in columns.items():
        assert count == 1 + 6 * evolution + 2 * duration + (evolution and duration) + 2 * classes + 6 * video


def test_a_given_level_is_used_instead_of_the_chosen_one(fit):
    data = curves(0, true_height=0.6, false_height=0.4)
    found = [sum(len(learned(fit, data, least=level).detect(c.curve)) for c in data) for level in (0.1, 0.5, 0.95)]
    assert found[0] > found[1] > found[2]


def test_what_an_older_version_learned_still_decodes(fit):
    data = curves(0, true_height=0.6, false_height=0.4)
    rule = learned(fit, data, temporal_evolution=True)
    older = describe_rule(rule)
    del older["init_args"]["within_video"], older["state"]["true"], older["state"]["false"]
    read = build_rule(older, "checkpoint")
    assert read.detect(data[0].curve).frames.tolist() == rule.detect(data[0].curve).frames.tolist() != []


def test_before_calibration_it_is_the_first_of_its_rules(fit):
    (c, *_) = curves(0)
    rule = fit(Calibrated([proposing()]), rise=5, fall=10)
    assert rule.detect(c.curve).frames.tolist() == rule.rules[0].detect(c.curve).frames.tolist()


def test_the_logistic_fit_is_the_minimum_of_its_penalised_loss():
    rng = np.random.default_rng(0)
    evidence = rng.standard_normal((200, 3)) * [1, 10, 0.1] + [0, 5, -1]
    happened = rng.random(200) < 1 / (1 + np.exp(-evidence[:, 0]))
    model = Logistic.fit(evidence, happened)
    scaled = (evidence - np.array(model.means)) / np.array(model.deviations)

    def loss(bias, weights):
        odds = bias + scaled @ weights
        return np.logaddexp(0, np.where(happened, -odds, odds)).sum() + 0.5 * (weights**2).sum()

    best = loss(model.bias, np.array(model.weights))
    for axis in range(4):
        for step in (-0.01, 0.01):
            moved = np.array([model.bias, *model.weights])
            moved[axis] += step
            assert loss(moved[0], moved[1:]) > best
    assert model.weights[0] > 3 * max(abs(w) for w in model.weights[1:])
