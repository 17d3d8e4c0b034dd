import numpy as np
import pytest

from memodule.sensitivity.statistics import fit_curve, roc_area, share_of


def test_wilson_s_interval():
    share = share_of(np.array([True] * 3 + [False] * 27), np.zeros(30, int))
    assert (share.count, share.found) == (30, 3)
    assert (share.low, share.high) == (pytest.approx(0.0346, abs=1e-3), pytest.approx(0.2562, abs=1e-3))


def test_recordings_that_differ_widen_the_interval():
    found = np.array([True] * 20 + [False] * 20)
    alike, apart = np.arange(40) % 4, np.arange(40) // 10
    single = share_of(found, np.zeros(40, int))
    assert share_of(found, alike) == single
    assert share_of(found, apart).low < single.low - 0.15


def test_no_movement_says_nothing():
    nothing = share_of(np.zeros(0, bool), np.zeros(0, int))
    assert (nothing.low, nothing.high, nothing.count) == (0, 1, 0)
    assert np.isnan(nothing.share)


def test_the_curve_recovers_size_and_guess():
    rng = np.random.default_rng(1)
    size = 0.5 * 8 ** rng.random(600)
    share = 0.1 + 0.9 / (1 + (1.6 / size) ** 4)
    found = rng.random(600) < share
    fitted = fit_curve(size, found, 0.1, np.zeros(600, int))
    true = 1.6 * ((0.4 / 0.9) / (1 - 0.4 / 0.9)) ** (1 / 4)  # where the share is .5
    assert fitted.threshold == pytest.approx(true, rel=0.1)
    assert fitted.low < true < fitted.high
    assert fitted.at(np.array([fitted.threshold]))[0] == pytest.approx(0.5)
    assert abs(fitted.at(size) - share).max() < 0.1


@pytest.mark.parametrize(("found", "guess"), [(False, 0.0), (True, 0.0), (False, 0.6)])
def test_a_threshold_beyond_the_tried_sizes_is_not_known(found, guess):
    size = np.geomspace(0.5, 4, 40)
    fitted = fit_curve(size, np.full(40, found), guess, np.zeros(40, int))
    assert fitted.threshold is None


def test_roc_area():
    rng = np.random.default_rng(0)
    assert roc_area(rng.normal(1, 1, 4000), rng.normal(0, 1, 4000)) == pytest.approx(0.76, abs=0.02)
    assert roc_area(np.ones(3), np.zeros(5)) == 1
    assert np.isnan(roc_area(np.ones(3), np.zeros(0)))
