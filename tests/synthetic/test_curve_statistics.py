"""Simulated curves are like those of the networks that they imitate, and a model can be read off curves.

The numbers of the networks were printed by `experiments/benchmarks/curve_statistics.py`; docs/simulated-curves.md says
of which curves.
"""

import dataclasses
import itertools

import numpy as np
import pytest

from memodule.datasets import Catalog, Expression, Video
from memodule.errors import UserError
from memodule.intervals import LabelledCurve
from memodule.synthetic.curve_estimates import estimate_score_model
from memodule.synthetic.curve_statistics import LAGS_MS, roc_area, simulated_statistics, statistics_of
from memodule.synthetic.score_curves import ScoreModel, simulate_curves

TARGETS = {
    "demo": {
        "autocorrelation after 35 ms": (0.888, 0.05),
        "autocorrelation after 70 ms": (0.771, 0.08),
        "autocorrelation after 175 ms": (0.450, 0.12),
        "autocorrelation after 350 ms": (0.128, 0.12),
        "autocorrelation after 700 ms": (-0.031, 0.1),
        "5 % quantile": (0.003, 0.005),
        "25 % quantile": (0.006, 0.01),
        "50 % quantile": (0.011, 0.01),
        "75 % quantile": (0.043, 0.1),
        "95 % quantile": (0.916, 0.1),
        "mean of video means": (0.121, 0.04),
        "sd of video means": (0.061, 0.04),
        "mean of video sds": (0.246, 0.04),
        "sd of video sds": (0.071, 0.04),
        "ROC area": (0.829, 0.05),
        "ROC area within videos": (0.834, 0.05),
    },
    "published_network": {
        "autocorrelation after 35 ms": (0.598, 0.06),
        "autocorrelation after 70 ms": (0.474, 0.06),
        "autocorrelation after 175 ms": (0.262, 0.06),
        "autocorrelation after 350 ms": (0.175, 0.06),
        "autocorrelation after 700 ms": (0.116, 0.06),
        "5 % quantile": (0.0, 0.01),
        "25 % quantile": (0.077, 0.04),
        "50 % quantile": (0.175, 0.06),
        "75 % quantile": (0.380, 0.1),
        "95 % quantile": (0.662, 0.2),
        "mean of video means": (0.237, 0.06),
        "sd of video means": (0.181, 0.07),
        "mean of video sds": (0.094, 0.015),
        "sd of video sds": (0.043, 0.015),
        "ROC area": (0.565, 0.04),
        "ROC area within videos": (0.602, 0.03),
    },
}
"""Statistics of the networks' curves, and how far simulated ones may be from them."""


def timelines(subjects: int, videos: int, seconds: int, fps: int, micro: int, macro: int) -> Catalog:
    """Expressions at random places, micro-expressions of .3 to .5 s and macro-expressions of .8 to 1.6 s."""
    rng = np.random.default_rng(0)
    keys = [(f"s{subject}", f"v{video}") for subject, video in itertools.product(range(subjects), range(videos))]
    places = [(*key, int((0.5 + 1.9 * slot) * fps)) for key in keys for slot in range(int(seconds / 1.9))]
    expressions = []
    for number, place in enumerate(rng.permutation(len(places))[: micro + macro]):
        subject, video, onset = places[place]
        short = number < micro
        frames = int(rng.uniform(0.3, 0.5) * fps) if short else int(rng.uniform(0.8, 1.6) * fps)
        span = (onset, onset + frames // 2, min(onset + frames, seconds * fps - 1))
        expressions.append(Expression(subject, video, "micro" if short else "macro", *span, "others" if short else ""))
    return Catalog(tuple(Video(*key, "none", float(fps), seconds * fps) for key in keys), tuple(expressions))


def demo_like() -> Catalog:
    """As many subjects, videos and expressions as in the demo."""
    return timelines(8, 4, 10, 30, 58, 27)


def samm_like() -> Catalog:
    """As in the published curves: 29 subjects with 79 videos of 20 s on average, 159 micro-expressions."""
    return timelines(29, 3, 20, 200, 159, 0)


@pytest.mark.parametrize(("level", "catalog", "step"), [("demo", demo_like, 1), ("published_network", samm_like, 7)])
def test_simulated_curves_agree_with_those_of_the_network(level, catalog, step):
    found = simulated_statistics(ScoreModel.level(level), catalog(), step)
    wrong = {name: (found[name], *wanted) for name, wanted in TARGETS[level].items()
             if not abs(found[name] - wanted[0]) <= wanted[1]}  # fmt: skip
    assert not wrong
    assert list(found) == list(TARGETS[level])


def test_other_noise_would_not_agree():
    """The tolerances are tight enough to refuse white noise, and bumps that are seen twice as well."""
    model = ScoreModel.level("published_network")
    white = dataclasses.replace(model, noise_ms=(0.0,), noise_shares=(1.0,))
    clear = dataclasses.replace(model, missed=0.1)
    for changed, name in ((white, "autocorrelation after 35 ms"), (clear, "ROC area within videos")):
        wanted, tolerance = TARGETS["published_network"][name]
        assert abs(simulated_statistics(changed, samm_like(), 7, range(3))[name] - wanted) > tolerance


@pytest.mark.parametrize(
    ("level", "catalog", "step", "rough"), [("demo", demo_like, 1, 0.8), ("between", samm_like, 7, 0.35)]
)
def test_a_model_is_found_again_on_its_own_curves(level, catalog, step, rough):
    """Sizes only roughly where the output saturates: noise, spikes and bumps then add to the same few large scores."""
    labels, model = catalog(), ScoreModel.level(level)
    curves = simulate_curves(labels, model, frame_step=step, seed=5)
    found = estimate_score_model(curves, labels, step, model.output)
    assert found.noise == pytest.approx(model.noise, rel=rough)
    assert found.base == pytest.approx(model.base, rel=0.5)
    assert found.base_spread[0] == pytest.approx(model.base_spread[0], rel=0.6)
    assert found.amplitude * (1 - found.missed) == pytest.approx(model.amplitude * (1 - model.missed), rel=rough)
    wanted = statistics_of(curves, labels.videos[0].fps / step)
    again = simulated_statistics(found, labels, step, range(4))
    for name in [f"autocorrelation after {ms} ms" for ms in LAGS_MS[:4]] + ["ROC area within videos"]:
        assert again[name] == pytest.approx(wanted[name], abs=0.08), name


def test_the_roc_area_counts_pairs():
    scores = np.array([0.1, 0.4, 0.4, 0.9])
    assert roc_area(scores, np.array([False, True, False, True])) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert np.isnan(roc_area(scores, np.zeros(4, bool)))


def test_statistics_of_a_known_curve():
    """An alternation is its own opposite one sample on; micro-expressions on its high samples are told apart."""
    curve = np.tile([0.2, 0.6], 200)
    one = LabelledCurve(curve, np.array([[1, 1, 1], [3, 3, 3]]))
    found = statistics_of({("s", "v"): one}, rate=1000 / 35)
    assert found["autocorrelation after 35 ms"] == pytest.approx(-1, abs=0.01)
    assert found["autocorrelation after 70 ms"] == pytest.approx(1, abs=0.01)
    assert found["50 % quantile"] == pytest.approx(0.4, abs=0.21)
    assert (found["mean of video means"], found["mean of video sds"]) == pytest.approx((0.4, 0.2))
    assert found["ROC area"] == pytest.approx((200 + 198 / 2) / 398)


def test_without_micro_expressions_there_is_nothing_to_estimate_heights_from():
    labels = demo_like()
    none = Catalog(labels.videos, tuple(e for e in labels.expressions if e.kind == "macro"))
    with pytest.raises(UserError, match="no labelled micro-expression"):
        estimate_score_model(simulate_curves(none, ScoreModel.level("demo")), none)
