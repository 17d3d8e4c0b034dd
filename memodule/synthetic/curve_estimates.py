"""The `ScoreModel` that imitates the score curves of a network.

Estimates are plain moments, each of one property alone, so that every parameter can be traced to what it was read from.
How well the whole model imitates the network is for a comparison of `curve_statistics` to show.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label, median_filter
from scipy.optimize import nnls
from scipy.special import expit

from memodule.datasets.catalog import Catalog, Kind
from memodule.errors import UserError
from memodule.intervals.base import FloatArray, IntArray, LabelledCurve
from memodule.intervals.robust import robust_deviation
from memodule.synthetic.curve_statistics import (
    Curves,
    autocovariance,
    samples_inside,
    simulated_statistics,
    statistics_of,
)
from memodule.synthetic.score_curves import Output, ScoreModel, memory

_TIMES_MS: Final = (0.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 2000.0, 5000.0, 15000.0)
"""Time constants that the noise may be composed of."""

_LOCAL_S: Final = 6.0
"""The local level is the running median over so many seconds: expressions are shorter, and drift is slower."""

_SPIKE_SDS: Final = 3.0
"""A spike rises above the local level by so many robust standard deviations."""

_LEAST_SD: Final = 0.1
"""A video's noise is at least this part of the usual: where most scores are cut off at 0, there seems to be none."""

_CORRECTIONS: Final = 4
"""Rounds of simulation and correction."""

_SIZE: Final = "mean of video sds"
_AREA: Final = "ROC area within videos"
"""The statistics that are corrected, apart from the median."""

_LOWEST_BASE: Final = 0.01
"""Medians below it (of linear outputs, even negative ones) count as this much where logarithms are taken."""

_TOP: Final = {"micro": 90, "macro": 50}
"""The height inside an interval is this percentile: bumps do not quite fill short ones, and break up in long ones."""

_HEIGHT_SPREAD: Final = 0.3
"""Assumed: standard deviation of the heights of the bumps that there are, in units of their mean."""


def estimate_score_model(
    curves: Curves, catalog: Catalog, frame_step: int = 1, output: Output = "sigmoid"
) -> ScoreModel:
    """A model of the curves of one network.

    Moments of the curves give all parameters at first. Curves are then simulated over the same labels to correct what
    depends on everything: the baseline by the median, the share of missed micro-expressions by the ROC area, and all
    sizes (of noise and bumps, by one factor) by the standard deviation within videos.
    Where there are no labelled macro-expressions, whatever the network says about them counts as spikes and noise.
    Not estimated but left at plain values: `fade`, `blur_ms` and everything about classes.

    Args:
        catalog: The videos of the curves, of one frame rate, and their labels.
        frame_step: Source frames per sample.
        output: The last layer of the network.

    Raises:
        UserError: If no video is longer than a few seconds, or none contains a labelled micro-expression.
    """
    rate = catalog.videos[0].fps / frame_step
    blank = ScoreModel(output=output, fade=0.2)
    videos = [_Video.of(blank.latent(one.curve), one, rate) for one in curves.values() if len(one.curve) > 2 * rate]
    if not any(len(video.micro) for video in videos):
        raise UserError("no labelled micro-expression on these curves: heights of bumps cannot be estimated")
    least = _LEAST_SD * float(np.median([video.sd for video in videos]))
    videos = [dataclasses.replace(video, sd=max(video.sd, least)) for video in videos]
    subjects = [key[0] for key, one in curves.items() if len(one.curve) > 2 * rate]
    model = _with_spikes(_with_noise(blank, videos, rate), videos, rate)
    model = _with_traits(_with_heights(model, videos), videos, subjects)
    wanted = statistics_of(curves, rate)
    for _ in range(_CORRECTIONS):
        model = _corrected(model, wanted, simulated_statistics(model, catalog, frame_step))
    return model


def _corrected(model: ScoreModel, wanted: Mapping[str, float], found: Mapping[str, float]) -> ScoreModel:
    """A model whose curves are closer in median, size and ROC area."""
    base = model.base * wanted["50 % quantile"] / max(found["50 % quantile"], 1e-6)
    shown = (1 - model.missed) * max(wanted[_AREA] - 0.5, 0.0) / max(found[_AREA] - 0.5, 1e-3)
    larger = float(np.clip(wanted[_SIZE] / max(found[_SIZE], 1e-6), 0.5, 2.0))
    sizes = ("noise", "amplitude", "amplitude_sd", "macro_leak", "distractor_height")
    return dataclasses.replace(
        model,
        base=float(np.clip(base, 1e-3, 0.9)),
        missed=float(1 - np.clip(shown, 0.0, 1.0)),
        **{name: larger * getattr(model, name) for name in sizes},
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Video:
    """Latent scores of one video: above the local level, the level, and which samples are unlabelled."""

    latent: FloatArray
    above: FloatArray
    quiet: NDArray[np.bool_]
    sd: float
    micro: IntArray
    macro: IntArray

    @classmethod
    def of(cls, latent: FloatArray, labelled: LabelledCurve, rate: float) -> "_Video":
        quiet = ~(samples_inside(labelled.micro, len(latent)) | samples_inside(labelled.macro, len(latent)))
        quiet = quiet if quiet.any() else np.ones(len(latent), bool)
        at = np.arange(len(latent))
        level = median_filter(np.interp(at, at[quiet], latent[quiet]), round(_LOCAL_S * rate), mode="nearest")
        above = latent - level
        return cls(latent, above, quiet, max(robust_deviation(above[quiet]), 1e-9), labelled.micro, labelled.macro)

    @property
    def calm(self) -> FloatArray:
        """Latent scores without what rises or falls far from the local level, labelled or not."""
        limit = _SPIKE_SDS * self.sd
        kept = np.where(self.quiet, np.clip(self.above, -limit, limit), np.clip(self.above, -self.sd, self.sd))
        return np.asarray(self.latent - self.above + kept)


def _with_noise(model: ScoreModel, videos: Sequence[_Video], rate: float) -> ScoreModel:
    """Size and memory: the mixture of exponentials that comes closest to the videos' mean autocovariance.

    A video's own mean takes away the variance that the mean of so many samples of a part would have.
    """
    lags = sorted({round(at) for at in np.geomspace(1, 5 * rate, 24)} | {0})
    calm = [video.calm / video.sd for video in videos]
    seen = np.mean([[autocovariance(curve, lag) for lag in lags] for curve in calm], axis=0)
    length = float(np.mean([len(curve) for curve in calm]))
    kept = np.array([memory(ms, rate) for ms in _TIMES_MS])
    lost = np.array([_variance_of_mean(one, length) for one in kept])
    shares, _ = nnls(kept[None] ** np.array(lags)[:, None] - lost, seen)
    size = float(np.median([video.sd for video in videos]) * np.sqrt(shares.sum()))
    parts = [(ms, share) for ms, share in zip(_TIMES_MS, shares / shares.sum(), strict=True) if share > 0.005]
    times, weights = zip(*parts, strict=True)
    weights = tuple(round(float(weight), 3) for weight in weights)
    return dataclasses.replace(model, noise=size, noise_ms=times, noise_shares=weights)


def _variance_of_mean(kept: float, length: float) -> float:
    """Variance of the mean of an autoregression of variance 1 over so many samples."""
    return float((1 + kept) / (1 - kept) - 2 * kept * (1 - kept**length) / (length * (1 - kept) ** 2)) / length


def _with_spikes(model: ScoreModel, videos: Sequence[_Video], rate: float) -> ScoreModel:
    """Rate, height and duration of what rises above the noise without a label.

    Heights are exponential, so those above a limit exceed it by their mean. What falls below the local level as far is
    noise, and as much is taken off what rises.
    """
    up, down = ([_excursions(video, sign) for video in videos] for sign in (1, -1))
    count = sum(map(len, up)) - sum(map(len, down))
    if count <= 0:
        return model
    excess, area = (sum(e[i] for v in up for e in v) - sum(e[i] for v in down for e in v) for i in (0, 1))
    height = max(excess / count, 1e-3)
    minutes = sum(int(video.quiet.sum()) for video in videos) / rate / 60
    limit = _SPIKE_SDS * float(np.median([video.sd for video in videos]))
    return dataclasses.replace(
        model,
        distractors=float(count / minutes * np.exp(min(limit / height, 1.0))),
        distractor_height=float(height),
        distractor_ms=float(1000 / rate * max(area / excess, 2.0)) if excess > 0 else model.distractor_ms,
    )


def _excursions(video: _Video, sign: int) -> list[tuple[float, int]]:
    """How far (beyond the limit) unlabelled samples depart from the local level on one side; that times how long."""
    beyond = sign * video.above - _SPIKE_SDS * video.sd
    runs, _ = label((beyond > 0) & video.quiet)
    return [
        (float(beyond[run].max()), float(beyond[run].max()) * (run.stop - run.start)) for (run,) in find_objects(runs)
    ]


def _with_heights(model: ScoreModel, videos: Sequence[_Video]) -> ScoreModel:
    """Heights of labelled bumps from mean and variance of what rises there beyond what rises anywhere.

    Of two moments come the height of those that there are and the share of those that are missed.
    """
    rng = np.random.default_rng(0)
    first, second = _moments(videos, "micro", rng)
    spread = 1 + _HEIGHT_SPREAD**2
    amplitude = max(second / (first * spread), first) if first > 0 else model.amplitude
    missed = 1 - max(first, 0.0) / amplitude
    macro = max(_moments(videos, "macro", rng)[0], 0.0)
    return dataclasses.replace(
        model, amplitude=amplitude, amplitude_sd=_HEIGHT_SPREAD * amplitude, missed=missed, macro_leak=macro
    )


def _moments(videos: Sequence[_Video], kind: Kind, rng: np.random.Generator) -> tuple[float, float]:
    """First and second moment of heights: the top inside an interval, less that at random places."""
    here, there = [], []
    for video in videos:
        for onset, _, offset in video.micro if kind == "micro" else video.macro:
            inner = video.above[onset + 1 : offset]
            room = len(video.above) - len(inner)
            if len(inner) < 1 or room < 1:
                continue
            here.append(float(np.percentile(inner, _TOP[kind])))
            for start in rng.integers(room, size=20):
                place = slice(start, start + len(inner))
                if video.quiet[place].all():
                    there.append(float(np.percentile(video.above[place], _TOP[kind])))
    if not here or not there:
        return 0.0, 0.0
    mean = float(np.mean(here) - np.median(there))  # where spikes are rare, none is at the median place
    return mean, mean**2 + max(float(np.var(here) - np.var(there)), 0.0)


def _with_traits(model: ScoreModel, videos: Sequence[_Video], subjects: Sequence[str]) -> ScoreModel:
    """Baseline and gain, and how they spread between subjects and between the videos of a subject."""
    middle = np.array([float(np.median(video.latent[video.quiet])) for video in videos])
    sigmoid = model.output == "sigmoid"
    bases = np.log(np.clip(expit(middle) if sigmoid else middle, 1e-4 if sigmoid else _LOWEST_BASE, 1.0))
    gains = np.log([video.sd for video in videos])
    around = bases - bases.mean()
    slope = float(around @ gains / max(around @ around, 1e-12)) if len(videos) > 2 else 0.0
    left = gains - gains.mean() - slope * around
    return dataclasses.replace(
        model,
        base=float(np.exp(bases.mean())),
        base_spread=_components(around, subjects),
        gain_spread=_components(left, subjects),
        gain_by_base=slope,
    )


def _components(values: FloatArray, subjects: Sequence[str]) -> tuple[float, float]:
    """Standard deviations between subjects and within them."""
    groups = [values[np.array(subjects) == subject] for subject in dict.fromkeys(subjects)]
    freedom = sum(len(group) - 1 for group in groups)
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / freedom if freedom else 0.0
    return float(np.sqrt(max(float(values.var()) - within, 0.0))), float(np.sqrt(within))
