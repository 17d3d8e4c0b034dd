"""What score curves are like, real or simulated, in numbers that can be published where curves cannot."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from memodule.datasets.catalog import Catalog, VideoKey
from memodule.intervals.base import FloatArray, IntArray, LabelledCurve
from memodule.synthetic.score_curves import ScoreModel, simulate_curves

Curves = Mapping[VideoKey, LabelledCurve]
"""The curves of several subjects, all with the same number of samples per second."""

LAGS_MS: Final = (35, 70, 175, 350, 700)
"""Distances at which the autocorrelation is compared: 1, 2, 5, 10 and 20 samples of SAMM in the published protocol."""


def statistics_of(curves: Curves, rate: float) -> dict[str, float]:
    """What curves are like, by name of the property.

    Scores are cut off at 0 and 1 first. Autocorrelations are those of each video around its own mean, averaged over
    videos. The ROC area is that of samples inside labelled micro-expressions against all others, over all videos, and
    as the mean of the areas of the videos that contain any.

    Args:
        rate: Samples per second.
    """
    scores = [np.clip(one.curve, 0.0, 1.0) for one in curves.values()]
    inside = [samples_inside(one.micro, len(one.curve)) for one in curves.values()]
    found = {f"autocorrelation after {ms} ms": _autocorrelation(scores, ms * rate / 1000) for ms in LAGS_MS}
    every = np.concatenate(scores)
    found |= {f"{share} % quantile": float(np.percentile(every, share)) for share in (5, 25, 50, 75, 95)}
    means, deviations = (np.array([one(score) for score in scores]) for one in (np.mean, np.std))
    found["mean of video means"], found["sd of video means"] = float(means.mean()), float(means.std())
    found["mean of video sds"], found["sd of video sds"] = float(deviations.mean()), float(deviations.std())
    found["ROC area"] = roc_area(every, np.concatenate(inside))
    own = [roc_area(*pair) for pair in zip(scores, inside, strict=True) if pair[1].any() and not pair[1].all()]
    found["ROC area within videos"] = float(np.mean(own)) if own else float("nan")
    return found


def roc_area(scores: FloatArray, positive: NDArray[np.bool_]) -> float:
    """Chance that a positive sample has a higher score than another one, ties counting half; nan without either."""
    hits, others = int(positive.sum()), int((~positive).sum())
    if not hits or not others:
        return float("nan")
    return float((rankdata(scores)[positive].sum() - hits * (hits + 1) / 2) / (hits * others))


def simulated_statistics(
    model: ScoreModel, catalog: Catalog, frame_step: int, seeds: Sequence[int] = range(8)
) -> dict[str, float]:
    """`statistics_of` curves that a model gives over these labels, averaged over seeds."""
    rate = catalog.videos[0].fps / frame_step
    drawn = [statistics_of(simulate_curves(catalog, model, frame_step=frame_step, seed=seed), rate) for seed in seeds]
    return {name: float(np.mean([one[name] for one in drawn])) for name in drawn[0]}


def samples_inside(frames: IntArray, length: int) -> NDArray[np.bool_]:
    """(T,) whether a sample belongs to one of the intervals (onset, apex, offset)."""
    inside = np.zeros(length, bool)
    for onset, _, offset in frames:
        inside[onset : offset + 1] = True
    return inside


def autocovariance(values: FloatArray, lag: int) -> float:
    """Around the mean of the values."""
    around = values - values.mean()
    return float(around[lag:] @ around[: len(around) - lag] / (len(around) - lag)) if lag < len(around) else 0.0


def _autocorrelation(curves: Sequence[FloatArray], lag: float) -> float:
    """Mean over curves at a distance in samples, between whole ones by interpolation; constant curves are left out."""
    below = int(lag)
    curves = [curve for curve in curves if len(curve) > 2 * (below + 1) and curve.std() > 0]
    pairs = np.array([[autocovariance(curve, at) / curve.var() for at in (below, below + 1)] for curve in curves])
    return float(np.interp(lag, (below, below + 1), pairs.mean(axis=0))) if len(pairs) else float("nan")
