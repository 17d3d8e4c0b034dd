"""Timing errors in milliseconds."""

import numpy as np
import pytest

from memodule.metrics.functional import match_intervals, summarize_timing, timing_errors


def test_errors_of_matched_pairs_in_milliseconds():
    predicted, true = [[100, 110, 120], [10, 14, 29], [300, 310, 320]], [[12, 15, 30], [99, 112, 125]]
    errors = timing_errors(predicted, true, match_intervals(predicted, true), fps=30)
    assert errors == pytest.approx(np.array([[1, -2, -5], [-2, -1, -1]]) * 1000 / 30)


def test_a_sampled_frame_lasts_longer():
    assert timing_errors([[3, 5]], [[4, 5]], [0], fps=200 / 7)[0, 0] == pytest.approx(-35)


@pytest.mark.parametrize(("predicted", "true"), [([[1, -1, 9]], [[1, 5, 9]]), ([[1, 5, 9]], [[1, 9]])])
def test_an_unknown_apex_gives_no_error_of_the_apex(predicted, true):
    summary = summarize_timing(timing_errors(predicted, true, [0], fps=30))
    assert summary["apex"] == {"pairs": 0}
    assert summary["onset"] == {"pairs": 1, "bias": 0, "mae": 0}


def test_without_pairs_there_is_nothing_to_average():
    errors = timing_errors([[1, 9]], [], [-1], fps=30)
    assert errors.shape == (0, 3)
    assert summarize_timing(errors) == {name: {"pairs": 0} for name in ("onset", "apex", "offset")}


def test_bias_has_a_sign_and_the_mean_error_has_none():
    assert summarize_timing([[-10, 0, 4], [30, 0, 4]])["onset"] == {"pairs": 2, "bias": 10, "mae": 20}
