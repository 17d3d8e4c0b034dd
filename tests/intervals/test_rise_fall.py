"""RiseFall recovers known steps, and its prior speaks where the scores do not."""

import numpy as np
import pytest

from memodule.intervals import RiseFall

RISES, FALLS = [6, 8, 8, 8, 10], [24, 30, 30, 30, 38]


def expression(rng, noise=0.1, onset=200, apex=208, offset=238, height=0.7):
    """A bump that jumps up at its onset and has lost half of its height where it jumps down."""
    curve = 0.1 + noise * rng.standard_normal(600)
    fall = np.clip((np.arange(onset, offset + 1) - apex) / (offset - apex), 0, 1)
    curve[onset : offset + 1] += height * (1 - 0.5 * fall)
    return curve


def test_an_asymmetric_step_is_recovered_under_noise(fit):
    """At 30 samples a second with the default smoothing; a lone peak + - k could not be right on both sides."""
    rule = fit(RiseFall(), rise=RISES, fall=FALLS, fps=30)
    errors = []
    for seed in range(20):
        found = rule.detect(expression(np.random.default_rng(seed)))
        onset, apex, offset = found.frames[np.argmax(found.confidence)].tolist()
        errors.append([onset - 200, offset - 238, (offset - apex) - (apex - onset)])
        assert found.confidence.max() == pytest.approx(0.54, abs=0.12)
    onset, offset, skew = np.array(errors).T
    assert np.abs(onset).mean() < 2
    assert np.abs(offset).mean() < 4
    assert (skew > 0).all()  # falls last longer than rises


@pytest.mark.parametrize("seed", range(8))
def test_the_step_removes_most_squared_error_by_definition(fit, seed):
    """Against every onset and offset that may be, with both errors summed sample by sample."""
    rng = np.random.default_rng(seed)
    curve = expression(rng, onset=40, apex=44, offset=52)[:100]
    rule = fit(RiseFall(prior=0.7, smooth_ms=3), rise=[3, 4, 4, 5], fall=[6, 8, 8, 11])
    ((onset, apex, offset),) = rule.select(curve)
    rise, fall = rule.timing.rise, rule.timing.fall
    longest = [round(density.quantile(2.0)) for density in (rise, fall)]
    around = np.arange(apex - 2 * longest[0], apex + 2 * longest[1] + 1)
    deviation = 1.4826 * np.median(np.abs(curve - np.median(curve)))

    def worth(on, off):
        inside, scores = (around >= on) & (around <= off), curve[around]
        step = np.where(inside, scores[inside].mean(), scores[~inside].mean())
        removed = ((scores - scores.mean()) ** 2).sum() - ((scores - step) ** 2).sum()
        return removed / (2 * deviation**2) + 0.7 * float(rise.log_density(apex - on) + fall.log_density(off - apex))

    every = {(apex - up, apex + down) for up in range(1, longest[0] + 1) for down in range(1, longest[1] + 1)}
    assert worth(onset, offset) == pytest.approx(max(worth(on, off) for on, off in every))


def weak(noise=0.02):
    """A step whose 8 samples before and behind are half as high: either boundary fits nearly as well."""
    curve = np.full(600, 0.1) + noise * np.random.default_rng(0).standard_normal(600)
    curve[200:230] += 0.6
    curve[192:200] += 0.3
    curve[214] += 0.3
    return curve


@pytest.mark.parametrize("rise", [14, 22])
def test_the_prior_pulls_an_ambiguous_onset_towards_the_fitted_rise(fit, rise):
    """The peak is at 214: a rise of 14 reaches 200, where the step is, and one of 22 also the half-high part."""
    rises = [rise - 1, rise, rise, rise + 1]
    onsets = {}
    for prior in (0.0, 200.0):
        rule = fit(RiseFall(prior=prior, smooth_ms=2), rise=rises, fall=[13, 15, 15, 17])
        found = rule.detect(weak())
        onsets[prior] = found.frames[np.argmax(found.confidence)][0]
    assert abs(onsets[200.0] - (214 - rise)) <= 1
    assert abs(onsets[200.0] - (214 - rise)) <= abs(onsets[0.0] - (214 - rise))


def test_without_prior_the_rise_of_training_does_not_matter_inside_the_tried_range(fit):
    found = [
        fit(RiseFall(prior=0.0, smooth_ms=2), rise=rises, fall=[13, 15, 15, 17]).select(weak())[0, 0]
        for rises in ([4, 14, 14, 50], [4, 10, 22, 50])
    ]
    assert abs(found[0] - found[1]) <= 2


def test_confidence_is_inside_minus_outside_and_steps_below_the_least_are_no_detection(fit):
    curve = np.full(600, 0.2)
    curve[200:220] += 0.5
    curve[205] += 1e-3
    options = {"rise": [5, 5, 4, 6], "fall": [14, 14, 13, 15]}
    found = fit(RiseFall(least=0.4, smooth_ms=1), **options).detect(curve)
    onset, _, offset = found.frames[0]
    inside = curve[onset : offset + 1].mean()
    outside = curve[onset - 20 : onset].mean()
    assert found.confidence[0] == pytest.approx(inside - outside, abs=0.03)
    assert len(fit(RiseFall(least=0.6, smooth_ms=1), **options).detect(curve)) == 0


def test_intervals_that_share_a_frame_leave_the_surer_one(fit):
    curve = np.full(600, 0.1)
    curve[200:220] += 0.7
    curve[226:246] += 0.5
    found = fit(RiseFall(least=0.1, smooth_ms=2), rise=[10, 20, 30], fall=[10, 20, 30]).detect(curve)
    assert (found.frames[1:, 0] > found.frames[:-1, 2]).all()
    assert found.confidence.max() >= 0.45
