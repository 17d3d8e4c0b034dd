"""RelativeHeight on triangles, whose prominence and crossings can be computed by hand."""

import numpy as np
import pytest

from memodule.intervals import RelativeHeight

UNSMOOTHED = 1e-6
"""Milliseconds: next to no smoothing."""


def triangle(length, *peaks):
    """(place, height, samples up, samples down) of each; the highest wins where they overlap."""
    curve, at = np.zeros(length), np.arange(length)
    for place, height, up, down in peaks:
        side = np.where(at <= place, (at - place + up) / up, (place + down - at) / down)
        curve = np.maximum(curve, height * np.clip(side, 0, None))
    return curve


def rule(fit, **options):
    return fit(RelativeHeight(smooth_ms=UNSMOOTHED, reach_ms=400, **options), rise=10, fall=10)


@pytest.mark.parametrize(
    ("share", "frames"), [(0.25, [45, 50, 60]), (0.33, [44, 50, 63]), (0.5, [40, 50, 70]), (0.75, [35, 50, 80])]
)
def test_boundaries_stand_at_the_share_of_the_peaks_own_prominence(fit, share, frames):
    """Up in 20 samples, down in 40: a quarter of the way down lies 5 before and 10 behind the peak.

    A third lies between samples: those inside, which are still above, are the first and last."""
    curve = triangle(200, (50, 0.8, 20, 40))
    found = rule(fit, share=share).detect(curve)
    assert found.frames.tolist() == [frames]
    assert found.confidence.tolist() == pytest.approx([0.8])


def test_a_strong_expression_does_not_widen_or_hide_a_weak_one(fit):
    strong = triangle(400, (60, 0.9, 20, 20))
    both = triangle(400, (60, 0.9, 20, 20), (250, 0.4, 20, 20))
    weak = rule(fit, share=0.5).select(both)[1].tolist()
    assert weak == [240, 250, 260]  # as wide as the strong one, measured by its own height
    assert rule(fit, share=0.5).select(strong).tolist() == [[50, 60, 70]]
    assert rule(fit, share=0.5, least=0.5).select(both).tolist() == [[50, 60, 70]]


def test_prominence_is_measured_from_the_saddle_and_not_from_the_ground(fit):
    """A shoulder of .6 behind a saddle of .35 has prominence .25 and ends half of that below its top."""
    curve = triangle(300, (100, 0.9, 36, 36), (140, 0.6, 60, 60))
    saddle = int(np.argmin(curve[100:140])) + 100
    expected = curve[140] - curve[saddle]
    found = rule(fit, share=0.5, least=0.05).detect(curve)
    assert found.confidence.tolist() == pytest.approx([0.9, expected])
    onset, apex, offset = found.frames[1]
    level = curve[140] - expected / 2
    assert apex == 140
    assert curve[onset] >= level > curve[onset - 1]
    assert curve[offset] >= level > curve[offset + 1]


def test_of_intervals_that_share_a_frame_the_most_prominent_stays(fit):
    curve = triangle(300, (100, 0.9, 36, 36), (140, 0.6, 60, 60))
    ((onset, apex, offset),) = rule(fit, share=1.0, least=0.05).select(curve)
    assert apex == 100
    assert onset <= 66
    assert offset >= 140


def test_a_video_without_a_prominent_peak_stays_empty(fit):
    noise = 0.1 * np.random.default_rng(0).random(1000)
    assert len(rule(fit, least=0.2).select(noise)) == 0


def test_the_reach_bounds_the_surroundings(fit):
    """A small bump on a wide hill: near by it stands out by .3, over the whole hill by .8."""
    curve = triangle(1000, (500, 0.5, 400, 400)) + triangle(1000, (500, 0.3, 10, 10))
    near, far = (
        fit(RelativeHeight(smooth_ms=UNSMOOTHED, reach_ms=ms, least=0.1), rise=10, fall=10).detect(curve)
        for ms in (40, 2000)
    )
    assert near.confidence[0] == pytest.approx(0.3 + 0.5 * 20 / 400, abs=0.01)
    assert far.confidence[0] == pytest.approx(0.8, abs=0.01)


def test_options_in_milliseconds_follow_the_frame_rate(fit):
    """At 500 samples a second the same smoothing spans half as many samples."""
    curve = triangle(400, (100, 0.8, 20, 20))
    at_1000, at_500 = (
        fit(RelativeHeight(smooth_ms=8, reach_ms=400), rise=10, fall=10, fps=fps).detect(curve) for fps in (1000, 500)
    )
    assert at_1000.confidence[0] == pytest.approx(0.8 - 0.8 / 20 * 8 * np.sqrt(2 / np.pi), abs=0.01)
    assert at_500.confidence[0] == pytest.approx(0.8 - 0.8 / 20 * 4 * np.sqrt(2 / np.pi), abs=0.01)
