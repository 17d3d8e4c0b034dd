"""Precision-recall curve and average precision against definitions written out, and their relation to matching."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memodule.metrics.functional import average_precision, match_intervals, operating_point, precision_recall_curve


@st.composite
def videos(draw):
    def side(most):
        rows = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), max_size=most))
        return [[onset, onset + length] for onset, length in rows]

    predicted, true = side(6), side(4)
    confidence = draw(st.lists(st.sampled_from([0.1, 0.2, 0.5, 0.9]), min_size=len(predicted), max_size=len(predicted)))
    return predicted, confidence, true


@given(st.lists(videos(), max_size=4))
def test_each_threshold_counts_its_own_predictions(parts):
    curve = precision_recall_curve(parts)
    assert curve.confidence.tolist() == sorted({c for _, values, _ in parts for c in values}, reverse=True)
    truths = sum(len(true) for *_, true in parts)
    for index, threshold in enumerate(curve.confidence):
        most = predicted = 0
        for frames, confidence, true in parts:
            kept = [frame for frame, value in zip(frames, confidence, strict=True) if value >= threshold]
            predicted += len(kept)
            most += int((match_intervals(kept, true) >= 0).sum())
        assert curve.predicted[index] == predicted
        assert most / 2 <= curve.tp[index] <= most  # greedy matchings are at least half as large as the largest
        assert curve.recall[index] == (curve.tp[index] / truths if truths else 0)
    assert (np.diff(curve.recall) >= 0).all()


@given(st.lists(videos(), max_size=4))
def test_average_precision_is_the_area_under_the_envelope(parts):
    curve = precision_recall_curve(parts)
    area, previous = 0.0, 0.0
    for recall in curve.recall:
        area += (recall - previous) * max(curve.precision[curve.recall >= recall], default=0)
        previous = recall
    assert average_precision(curve) == pytest.approx(area)
    assert 0 <= average_precision(curve) <= 1
    best = operating_point(curve)
    assert best is None if not len(curve.confidence) else best.f1 == pytest.approx(curve.f1.max())


def test_the_area_of_a_ranking_by_hand():
    """Hit, miss, hit, miss of three truths: recall 1/3 at precision 1, then 2/3 at 2/3."""
    predicted = [[0, 9], [100, 109], [20, 29], [200, 209]]
    curve = precision_recall_curve([(predicted, [0.9, 0.8, 0.7, 0.6], [[0, 9], [20, 29], [40, 49]])])
    assert curve.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    assert average_precision(curve) == pytest.approx(1 / 3 + 2 / 9)
    assert operating_point(curve) == pytest.approx((0.7, 2 / 3, 2 / 3, 2 / 3))


def test_confident_predictions_choose_first_and_take_the_next_best_truth():
    truths = [[10, 29], [16, 35]]
    both = precision_recall_curve([([[12, 31], [8, 27]], [0.4, 0.9], truths)])
    assert both.tp.tolist() == [1, 2]
    twice = precision_recall_curve([([[10, 29], [11, 30]], [0.9, 0.4], [[10, 29]])])
    assert twice.tp.tolist() == [1, 1]  # the second one finds the truth taken


def test_equal_confidences_are_one_point():
    curve = precision_recall_curve([([[0, 9], [50, 59]], [0.5, 0.5], [[0, 9]])])
    assert (curve.confidence.tolist(), curve.precision.tolist()) == ([0.5], [0.5])


def test_ties_of_f1_go_to_the_higher_threshold():
    curve = precision_recall_curve([([[0, 9], [50, 59], [70, 79], [90, 99]], [0.9, 0.8, 0.7, 0.6], [[0, 9], [90, 99]])])
    assert curve.f1[0] == curve.f1[3]
    assert operating_point(curve).confidence == 0.9


@pytest.mark.parametrize("confidence", [[0.5], [0.5, np.nan]])
def test_confidences_must_be_there(confidence):
    with pytest.raises(ValueError, match="finite confidences"):
        precision_recall_curve([([[0, 9], [10, 19]], confidence, [])])
