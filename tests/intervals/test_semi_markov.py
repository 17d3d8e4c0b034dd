"""SemiMarkov against a search through every segmentation, with densities integrated by SciPy."""

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from memodule.intervals import LabelledCurve, SemiMarkov
from memodule.intervals.base_line import above_base_line

MICRO, MACRO = "micro", "macro"
HEIGHT = {MICRO: (0.5, 0.2), MACRO: (0.3, 0.25)}
NOISE = 0.25


def random_curve(seed):
    """Four to nine samples; hypothesis' own arrays are mostly extremes and repeats, where little is close."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.4, 0.9, rng.integers(4, 10))


curves = st.integers(0, 10**6).map(random_curve)


def built(fit, **options):
    rule = SemiMarkov(
        noise=NOISE, micro_height=0.5, micro_height_sd=0.2, macro_height=0.3, macro_height_sd=0.25, **options
    )
    return fit(rule, rise=[1, 1, 2], fall=[1, 2, 3], macro=([2, 3], [2, 4]))


@functools.cache
def densities(kind, length):
    """Of the scores of one segment: with an expression of unknown height, and with none."""
    mean, sd = HEIGHT[kind]
    white = NOISE**2 * np.eye(length)
    return multivariate_normal(np.full(length, mean), white + sd**2), multivariate_normal(np.zeros(length), white)


def stands_out(scores, onset, length):
    """Whether a segment is higher than the base line and than half its length on either side; the base line is 0."""
    flank = max(1, length // 2)
    padded = np.pad(scores, flank)
    sides = padded[onset : onset + flank].mean(), padded[onset + flank + length :][:flank].mean()
    return scores[onset : onset + length].mean() > max(0.0, *sides)


def gain_of(rule, scores, kind, onset, length):
    """What one segment is worth, from the definition."""
    present, absent = densities(kind, length)
    part = scores[onset : onset + length]
    density, cost = rule.timing.duration, rule.penalty
    if kind == MACRO:
        density, cost = rule.timing.macro, rule.penalty / 2
    if not stands_out(scores, onset, length):
        return -np.inf
    shape = density.log_density(length) - density.log_density(density.median)
    return present.logpdf(part) - absent.logpdf(part) + (shape if rule.density == "log_normal" else 0.0) - cost


def lengths_of(density):
    """All lengths within 2.3 standard deviations."""
    return range(round(max(2.0, density.quantile(-2.3))), round(density.quantile(2.3)) + 1)


def best_by_enumeration(rule, curve, micros=None):
    """The largest gain of all segmentations, or of those with exactly these (onset, offset) micro-expressions."""
    scores = above_base_line(curve, rule.timing)
    taken = np.zeros(len(scores), dtype=bool)
    for onset, offset in micros or ():
        taken[onset : offset + 1] = True
    free = [(kind, k) for kind, k in kinds(rule) if micros is None or kind == MACRO]

    @functools.cache
    def rest(start):
        if start == len(scores):
            return 0.0
        if taken[start]:
            length = dict(micros)[start] - start + 1
            return gain_of(rule, scores, MICRO, start, length) + rest(start + length)
        fitting = [(k, n) for k, n in free if start + n <= len(scores) and not taken[start : start + n].any()]
        return max([rest(start + 1), *(gain_of(rule, scores, k, start, n) + rest(start + n) for k, n in fitting)])

    return rest(0)


def kinds(rule):
    """Every (kind, length) that may occur."""
    micro = itertools.product([MICRO], lengths_of(rule.timing.duration))
    return [*micro, *(itertools.product([MACRO], lengths_of(rule.timing.macro)) if rule.macro else ())]


@pytest.mark.parametrize("density", ["log_normal", "flat"])
@pytest.mark.parametrize("macro", [False, True])
@settings(max_examples=50)
@given(curve=curves, penalty=st.sampled_from([-0.5, 0.0, 0.5, 2.0]))
def test_it_finds_the_best_of_all_segmentations(fit, density, macro, curve, penalty):
    rule = built(fit, density=density, macro=macro, penalty=penalty)
    found = rule.detect(curve)
    micros = [(int(onset), int(offset)) for onset, _, offset in found.frames]
    assert best_by_enumeration(rule, curve, micros) == pytest.approx(best_by_enumeration(rule, curve), abs=1e-9)
    scores = above_base_line(curve, rule.timing)
    gains = [gain_of(rule, scores, MICRO, on, off - on + 1) + penalty for on, off in micros]
    assert found.confidence.tolist() == pytest.approx(gains, abs=1e-9)
    assert [int(apex) for _, apex, _ in found.frames] == [on + int(curve[on : off + 1].argmax()) for on, off in micros]


@pytest.mark.parametrize("density", ["log_normal", "flat"])
def test_a_larger_penalty_never_gives_more(fit, density):
    rng = np.random.default_rng(0)
    curve = np.convolve(rng.random(600) ** 4, np.ones(4) / 2, mode="same")
    rules = [built(fit, density=density, macro=False, penalty=float(p)) for p in np.linspace(-1, 12, 27)]
    counts = [len(rule.detect(curve)) for rule in rules]
    assert counts[0] > 20
    assert counts[-1] < counts[0] / 4
    assert (np.diff(counts) <= 0).all()


def bumps(length, *bumps, noise=0.02, seed=0):
    curve = noise * np.random.default_rng(seed).standard_normal(length)
    for onset, stop, height in bumps:
        curve[onset:stop] += height
    return curve


def test_a_macro_state_absorbs_a_long_bump_that_would_else_be_cut_to_pieces(fit):
    curve = bumps(600, (100, 120, 0.5), (300, 417, 0.5))
    options = {"noise": 0.2, "macro_height": 0.5, "macro_height_sd": 0.2}
    durations = {"rise": [8, 10, 12], "fall": [8, 10, 12], "macro": ([40, 60, 80], [40, 60, 80])}
    absorbed = fit(SemiMarkov(**options), **durations).select(curve)
    assert absorbed[:, [0, 2]].tolist() == [[100, 119]]
    cut = fit(SemiMarkov(macro=False, **options), **durations).select(curve)
    assert len(cut) > 1
    assert ((cut[:, 0] >= 298) & (cut[:, 2] <= 418)).sum() == len(cut) - 1


def test_without_labelled_macro_expressions_the_macro_state_is_idle(fit):
    curve = bumps(400, (100, 112, 0.6), (200, 260, 0.5))
    with_state, without = (fit(SemiMarkov(macro=m), rise=6, fall=6).select(curve) for m in (True, False))
    assert len(with_state)
    assert with_state.tolist() == without.tolist()


def test_the_duration_density_pulls_a_doubtful_boundary_towards_usual_lengths(fit):
    """A bump with a long weak tail: the flat density keeps the tail, the log-normal one holds it to be no part."""
    curve = bumps(400, (100, 121, 0.6), (121, 132, 0.32), noise=0.0)
    options = {"rise": 10, "fall": [5, 8, 10, 13, 20]}
    lengths = {}
    for density in ("log_normal", "flat"):
        rule = fit(SemiMarkov(density=density, macro=False, noise=0.4), **options)
        ((onset, _, offset),) = rule.select(curve)
        assert onset == 100
        lengths[density] = offset - onset + 1
    assert lengths == {"log_normal": 22, "flat": 32}  # the median is 21


def test_heights_and_noise_are_learned_from_labelled_curves(fit):
    rng = np.random.default_rng(3)
    curves, heights = [], []
    for _ in range(40):
        height = rng.normal(0.5, 0.1)
        heights.append(height)
        curve = 0.1 + 0.2 * rng.standard_normal(2000)
        curve[100:120] += height
        curve[300:400] += 0.15
        curves.append(LabelledCurve(curve, np.array([[100, 105, 119]]), np.array([[300, 340, 399]])))
    rule = fit(SemiMarkov(), rise=6, fall=14, macro=(40, 60)).calibrate(curves)
    assert rule.learned.micro == pytest.approx(np.mean(heights), abs=0.04)
    assert rule.learned.micro_sd == pytest.approx(np.hypot(0.1, 0.2 / np.sqrt(20)), abs=0.03)
    assert rule.learned.macro == pytest.approx(0.10, abs=0.03)  # its base line is three macro-expressions long
    assert rule.learned.noise == pytest.approx(0.2 * np.sqrt(2), rel=0.1)  # white noise, doubled in variance


@pytest.mark.parametrize("length", range(14, 33))
def test_a_bump_of_any_usual_length_is_one_interval(fit, length):
    """However loud it is: where its length were not tried, two intervals would share it."""
    curve = bumps(300, (100, 100 + length, 0.9), noise=0.0)
    rule = fit(SemiMarkov(penalty=0.1, noise=0.05), rise=10, fall=[5, 8, 10, 13, 20])
    assert rule.select(curve)[:, [0, 2]].tolist() == [[100, 99 + length]]
