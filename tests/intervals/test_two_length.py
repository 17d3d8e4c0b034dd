"""TwoLength: contrast and soft-NMS by hand."""

import numpy as np
import pytest

from memodule.intervals import TwoLength
from memodule.intervals.overlap import soften
from memodule.intervals.timing import two_lengths_of


def boxes(length, *parts):
    curve = np.zeros(length)
    for first, last, height in parts:
        curve[first : last + 1] = height
    return curve


def test_both_lengths_are_found_where_they_fit(fit):
    """Ten samples and forty; the contrast of a box that fits exactly is its height."""
    rule = fit(TwoLength(), rise=[4, 20], fall=[5, 19])
    assert rule.timing.lengths == (10, 40)
    found = rule.detect(boxes(400, (100, 109, 0.6), (250, 289, 0.5)))
    rows = dict(zip(found.confidence.round(6).tolist(), found.frames[:, [0, 2]].tolist(), strict=True))
    assert rows[0.6] == [100, 109]
    assert rows[0.5] == [250, 289]
    assert not any(on < 100 or 109 < on < 240 or off > 300 for on, _, off in found.frames)


def test_contrast_is_the_mean_inside_minus_the_higher_flank(fit):
    """Flanks are the 5 samples on either side; the higher one holds .2 throughout."""
    rule = fit(TwoLength(lengths_ms=(10, 10)), rise=5, fall=4)
    found = rule.detect(boxes(200, (95, 99, 0.1), (100, 109, 0.7), (110, 114, 0.2)))
    assert found.frames[:, [0, 2]].tolist() == [[100, 109]]
    assert found.confidence.tolist() == pytest.approx([0.7 - 0.2])


def test_overlapping_proposals_decay_by_the_documented_formula():
    frames = np.array([[0, 4, 9], [5, 9, 14], [0, 9, 19], [100, 104, 109]])
    remaining = soften(frames, np.array([0.9, 0.8, 0.7, 0.3]), least=0.01)
    # By remaining confidence: the first; then the third (IoU .5 with the first), then the last, then the second.
    third = 0.7 * np.exp(-(0.5**2) / 0.1)
    second_by_first = 0.8 * np.exp(-((1 / 3) ** 2) / 0.1)
    assert second_by_first > third
    expected = [0.9, second_by_first, third * np.exp(-((10 / 20) ** 2) / 0.1), 0.3]
    assert remaining.tolist() == pytest.approx(expected)


def test_proposals_of_both_lengths_weaken_each_other(fit):
    """Forty samples of .4 hold ten of 1.0 (IoU .25): contrasts of .55 and .6 before, the weaker one decays."""
    rule = fit(TwoLength(least=0.2, lengths_ms=(10, 40)), rise=5, fall=5)
    curve = boxes(400, (100, 139, 0.4))
    curve[115:125] = 1.0
    found = rule.detect(curve)
    rows = dict(zip(map(tuple, found.frames[:, [0, 2]].tolist()), found.confidence.tolist(), strict=True))
    assert rows == {(115, 124): pytest.approx(0.6), (100, 139): pytest.approx(0.55 * np.exp(-(0.25**2) / 0.1))}


def test_proposals_that_fell_below_the_least_weaken_nobody():
    frames = np.array([[0, 4, 9], [1, 5, 10], [8, 12, 17]])
    first, second = np.exp(-((9 / 11) ** 2) / 0.1), np.exp(-((2 / 18) ** 2) / 0.1)
    remaining = soften(frames, np.array([0.9, 0.5, 0.4]), least=0.1)
    assert remaining.tolist() == pytest.approx([0.9, 0.5 * first, 0.4 * second])
    assert 0.5 * first < 0.1  # gone before it could touch the third


@pytest.mark.parametrize("least", [0.2, 0.45])
def test_what_remains_above_the_least_is_detected(fit, least):
    """Two boxes of length 10 side by side: apart they stand, together with the longer length they compete."""
    rule = fit(TwoLength(least=least), rise=[4, 20], fall=[5, 19])
    found = rule.detect(boxes(400, (100, 109, 0.6), (300, 309, 0.4)))
    assert (found.confidence >= least).all()
    assert [100, 109] in found.frames[:, [0, 2]].tolist()
    assert ([300, 309] in found.frames[:, [0, 2]].tolist()) == (least < 0.4)


def test_the_apex_is_the_largest_score_inside(fit):
    curve = boxes(200, (100, 109, 0.6))
    curve[107] = 0.9
    ((onset, apex, offset),) = fit(TwoLength(lengths_ms=(10, 10)), rise=5, fall=4).select(curve)
    assert (onset, apex, offset) == (100, 107, 109)


def test_the_fitted_lengths_reach_iou_half_with_the_most_durations():
    rng = np.random.default_rng(0)
    spread = np.geomspace(8, 110, 40).astype(int)
    durations = np.concatenate([spread, rng.integers(30, 34, 20), [900]])  # most crowded at one length
    lengths = two_lengths_of(durations)

    def reached(pair):
        iou = [max(min(d, a) / max(d, a) for a in pair) for d in durations.tolist()]
        return sum(value >= 0.5 for value in iou)

    best = max(reached((a, b)) for a in range(5, 80) for b in range(a, 120))
    assert reached(lengths) == best == 60
