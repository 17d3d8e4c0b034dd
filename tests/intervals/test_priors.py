"""The paper's three priors: each switched off alone changes what it should and nothing else."""

import itertools

import numpy as np
import pytest

from memodule.intervals import FixedWindow, PriorGuided

RISE, FALL = 10, 10
BUMPS = ((60, 66, 84), (200, 208, 232), (310, 350, 390))


@pytest.fixture
def curve():
    """Three bumps of different length on a quiet ground; the last one reaches farther than 5 * 6 samples."""
    at = np.arange(450)
    ground = 0.02 * (1 + np.sin(at / 7))
    for onset, apex, offset in BUMPS:
        ground += 0.8 * np.interp(at, [onset, apex, offset], [0, 1, 0])
    return ground


@pytest.fixture
def probabilities():
    """The second bump is neutral, the others are an emotion."""
    shares = np.tile([0.1, 0.1, 0.1, 0.1, 0.6], (450, 1))
    shares[55:90] = shares[305:395] = [0.7, 0.1, 0.1, 0.0, 0.1]
    return shares


def guided(fit, rise=RISE, fall=FALL, fps=1000, **options):
    return fit(PriorGuided(**options), rise=rise, fall=fall, fps=fps)


def test_temporal_evolution_moves_boundaries_and_nothing_else(fit, curve):
    on, off = (guided(fit, temporal_evolution=switch).detect(curve) for switch in (True, False))
    assert len(on) == len(off) == 3
    assert on.confidence.tolist() == off.confidence.tolist()
    fixed = fit(FixedWindow(), rise=RISE, fall=FALL).select(curve)
    assert off.frames[:, [0, 2]].tolist() == fixed[:, [0, 2]].tolist()  # peak +- k
    for (onset, apex, offset), (first, top, last) in zip(on.frames, BUMPS, strict=True):
        assert apex == top
        assert abs(onset - first) <= 6  # where the score passes the mean
        assert abs(offset - last) <= 8
    assert len(set((on.frames[:, 2] - on.frames[:, 0]).tolist())) == 3  # lengths differ, as the bumps' do


def test_duration_is_the_half_window_and_nothing_else(fit, curve):
    """Off, k is 200 ms: 6 samples at 30 per second, whatever the training expressions."""
    for rise, fall in ((10, 10), (20, 30)):
        off = guided(fit, rise=rise, fall=fall, fps=30, duration=False)
        same = fit(PriorGuided(half_window=6), rise=1, fall=1)
        assert off.select(curve).tolist() == same.select(curve).tolist()
        on = guided(fit, rise=rise, fall=fall, fps=30)
        assert on.timing.half_window == (rise + fall + 1) // 2
        fitted = fit(PriorGuided(half_window=(rise + fall + 1) // 2), rise=1, fall=1)
        assert on.select(curve).tolist() == fitted.select(curve).tolist()
    assert guided(fit, fps=30).select(curve).tolist() != guided(fit, fps=30, duration=False).select(curve).tolist()


def test_class_distribution_drops_neutral_intervals_and_nothing_else(fit, curve, probabilities):
    on, off = (guided(fit, class_distribution=switch).detect(curve, probabilities) for switch in (True, False))
    assert len(off) == 3
    assert on.frames.tolist() == off.frames[[0, 2]].tolist()
    assert on.confidence.tolist() == off.confidence[[0, 2]].tolist()
    assert guided(fit, class_distribution=True).select(curve).tolist() == off.frames.tolist()  # idle without


def test_every_prior_makes_a_difference_whatever_the_others(fit, curve, probabilities):
    found = {
        switches: guided(
            fit, fps=30, temporal_evolution=switches[0], duration=switches[1], class_distribution=switches[2]
        )
        .detect(curve, probabilities)
        .frames.tolist()
        for switches in itertools.product([False, True], repeat=3)
    }
    for switches, frames in found.items():
        for prior in range(3):
            other = tuple(not on if index == prior else on for index, on in enumerate(switches))
            assert frames != found[other], (switches, prior)
