"""Abstaining leaves videos without evidence empty, and its level is the operating point of the curves it saw."""

import numpy as np
import pytest

from memodule.intervals import Abstaining, FixedWindow, LabelledCurve, RelativeHeight, TwoLength
from memodule.intervals.evidence import best_level, hits
from memodule.metrics.functional import operating_point, precision_recall_curve

NONE = np.empty((0, 3), np.int64)


def labelled(rng, expressions, height=0.6, noise=0.1):
    curve = noise * rng.standard_normal(400)
    micro = np.array([[on, on + 5, on + 14] for on in expressions], np.int64).reshape(-1, 3)
    for on in expressions:
        curve[on : on + 15] += height
    return LabelledCurve(curve, micro)


@pytest.fixture
def curves():
    rng = np.random.default_rng(0)
    return [labelled(rng, [80, 250]) for _ in range(8)] + [labelled(rng, []) for _ in range(8)]


def test_the_published_threshold_always_fires_and_abstaining_does_not(fit, curves):
    published = fit(FixedWindow(), rise=5, fall=9)
    empty = [curve for curve in curves if not len(curve.micro)]
    assert all(len(published.detect(c.curve)) for c in empty)
    for evidence in ("confidence", "noise_floor"):
        rule = fit(Abstaining(FixedWindow(), evidence=evidence), rise=5, fall=9).calibrate(curves)
        assert sum(len(rule.detect(c.curve)) for c in empty) <= 1
        assert all(len(rule.detect(c.curve)) == 2 for c in curves if len(c.micro))


def test_a_flat_video_stays_empty(fit, curves):
    rule = fit(Abstaining(FixedWindow(), evidence="noise_floor"), rise=5, fall=9).calibrate(curves)
    flat = 0.3 + 0.01 * np.random.default_rng(1).standard_normal(400)
    assert len(rule.rule.detect(flat)) > 0
    assert len(rule.detect(flat)) == 0


def test_noise_floor_evidence_is_height_over_the_curves_own_noise(fit):
    """Nine samples of 1.2 over ground that is half 0 and half .2: median .1, absolute deviation .1."""
    curve = np.tile([0.0, 0.2], 200)
    curve[100:115] = 1.2
    rule = fit(Abstaining(FixedWindow(), evidence="noise_floor"), rise=5, fall=9)
    found = rule.detect(curve)
    (best,) = found.frames[found.confidence == found.confidence.max()]
    inside = curve[best[0] : best[2] + 1].mean() - np.median(curve)
    deviation = np.median(np.abs(curve - np.median(curve)))
    assert found.confidence.max() == pytest.approx(inside / (1.4826 * deviation))
    quiet = curve / 10  # neither the height nor the noise alone counts
    assert rule.detect(quiet).confidence.max() == pytest.approx(found.confidence.max())


def test_a_given_level_is_kept_and_calibration_leaves_it_alone(fit, curves):
    high = fit(Abstaining(FixedWindow(), least=5.0), rise=5, fall=9).calibrate(curves)
    assert not any(len(high.detect(c.curve)) for c in curves)
    rule = fit(Abstaining(RelativeHeight(least=0.05, smooth_ms=3, reach_ms=200), least=0.5), rise=5, fall=9)
    before = [rule.detect(c.curve).frames.tolist() for c in curves]
    assert all((rule.detect(c.curve).confidence >= 0.5).all() for c in curves)
    assert before == [rule.calibrate(curves).detect(c.curve).frames.tolist() for c in curves]


@pytest.mark.parametrize("inner", [TwoLength(least=0.05), RelativeHeight(least=0.1, smooth_ms=3, reach_ms=200)])
def test_the_level_is_the_operating_point_of_the_metrics(fit, inner):
    """What `memodule evaluate --details` would call the best threshold on the inner validation subjects."""
    rng = np.random.default_rng(4)
    curves = [labelled(rng, [60, 200], float(rng.uniform(0.1, 0.5)), noise=0.2) for _ in range(20)]
    rule = fit(Abstaining(inner), rise=5, fall=9)
    found = [rule.rule.detect(c.curve) for c in curves]
    ranking = precision_recall_curve((d.frames, d.confidence, c.micro) for d, c in zip(found, curves, strict=True))
    point = operating_point(ranking)
    assert 0 < point.f1 < 1
    assert rule.calibrate(curves).learned == point.confidence
    kept = [rule.detect(c.curve) for c in curves]
    tp = sum(int(hits(d.frames, d.confidence, c.micro).sum()) for d, c in zip(kept, curves, strict=True))
    assert tp / sum(map(len, kept)) == pytest.approx(point.precision)
    assert tp / 40 == pytest.approx(point.recall)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_has_a_larger_f1(seed):
    rng = np.random.default_rng(seed)
    confidence = [np.round(rng.random(n), 1) for n in (7, 0, 12)]
    hit = [rng.random(len(c)) < c for c in confidence]
    pooled, true = np.concatenate(confidence), np.concatenate(hit)

    def f1(level):
        return 2 * true[pooled >= level].sum() / ((pooled >= level).sum() + 20)

    best = best_level(confidence, hit, 20)
    assert f1(best.least) == max(f1(level) for level in pooled) == best.f1


def test_nothing_is_learned_where_nothing_is_found(fit):
    rule = fit(Abstaining(FixedWindow()), rise=5, fall=9)
    assert rule.calibrate([LabelledCurve(np.zeros(50), NONE)]).learned is None
    assert best_level([np.array([0.9])], [np.array([False])], 3) is None
