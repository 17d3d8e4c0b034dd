"""A fast rise and a slower fall: onset and offset fitted to the score under a prior of each."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from typing_extensions import override

from memodule.intervals.base import Detections, FloatArray, IntArray, LabelledCurve
from memodule.intervals.checks import check_number, check_positive
from memodule.intervals.level import FAINT, Level, TallRule
from memodule.intervals.noise import contrast_noise, misfit_noise
from memodule.intervals.overlap import strongest
from memodule.intervals.peaks import prominent_peaks
from memodule.intervals.timing import LogNormal

_WIDE: Final = 2.0
"""Rises and falls up to this many standard deviations above their median are tried."""

_STEP: Final = 1.15
"""Ratio of neighbouring rises or falls that are tried."""

_LEAST_NOISE: Final = 1e-3


@dataclasses.dataclass
class RiseFall(TallRule):
    """Each peak becomes the interval that explains the scores around it best, given how long MEs rise and fall.

    Around a peak, every onset and offset within the usual rise and fall is tried as a step up and down: its worth is
    the squared error that the step removes from a flat line, over twice the noise's variance, plus `prior` times the
    log-density of its rise and of its fall (log-normal, fitted on training expressions). The best step wins. Confidence
    is the step's height: mean inside minus mean outside. Of intervals that share a frame the most certain stays.

    Noise is what steps do not explain around true expressions, learned in `calibrate`; before it, how far sums of the
    curve are from those next to them. Quiet frames would not do: where a network is sure, theirs is nearly 0, and the
    duration prior would decide nothing.

    No published counterpart.

    Attributes:
        least: Smallest step height of a detection, in units of the score; None lets `calibrate` choose, see `TallRule`.
        prior: Weight of the duration prior; 0 switches it off.
        smooth_ms: Standard deviation of the Gaussian that smooths the curve before the search for peaks.
        learned: The level that `calibrate` chose.
        noise: Standard deviation per sample that `calibrate` learned, correlation included.
    """

    least: float | None = None
    prior: float = 1.0
    smooth_ms: float = 100.0

    learned: Level | None = dataclasses.field(default=None, init=False)
    noise: float | None = dataclasses.field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.least is not None:
            check_positive("least", self.least)
        check_number("prior", self.prior)
        check_positive("smooth_ms", self.smooth_ms)

    @property
    @override
    def learns_from_curves(self) -> bool:
        return self.least is None or self.prior != 0

    @override
    def _calibrate(self, curves: Sequence[LabelledCurve]) -> None:
        self.noise = misfit_noise(curves, self._fitted().half_window)
        super()._calibrate(curves)

    @override
    def state(self) -> dict[str, Any]:
        return super().state() | {"noise": self.noise}

    @override
    def load_state(self, state: Mapping[str, Any]) -> Self:
        self.noise = state.get("noise")
        return super().load_state(state)

    @override
    def candidates(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        from scipy.ndimage import gaussian_filter1d

        timing = self._fitted()
        smoothed = gaussian_filter1d(curve, timing.samples(self.smooth_ms), mode="nearest")
        rises, falls = _tried(timing.rise), _tried(timing.fall)
        faint = FAINT * float(smoothed.std())
        peaks, _ = prominent_peaks(smoothed, faint, 2 * int(falls[-1]) + 1)
        if not peaks.size:
            return Detections.none()
        noise = contrast_noise(curve, timing.half_window) if self.noise is None else self.noise
        prior = timing.rise.log_density(rises)[:, None] + timing.fall.log_density(falls)[None, :]
        frames, height = _best_steps(curve, peaks, rises, falls, self.prior * prior, max(_LEAST_NOISE, noise))
        tall = height > 0
        found = Detections.of(frames[tall], height[tall])
        return found.where(strongest(found.frames, found.confidence))


def _best_steps(
    curve: FloatArray, peaks: IntArray, rises: IntArray, falls: IntArray, log_prior: FloatArray, noise: float
) -> tuple[IntArray, FloatArray]:
    """(p, 3) the best step around each peak, and (p,) its height; -inf if no step fits into the curve.

    Surroundings reach twice the longest rise to the left and twice the longest fall to the right of the peak.
    """
    sums = np.concatenate([[0.0], np.cumsum(curve)])
    first = np.maximum(0, peaks - 2 * rises[-1])[:, None, None]
    end = np.minimum(len(curve), peaks + 2 * falls[-1] + 1)[:, None, None]
    onsets = peaks[:, None, None] - rises[None, :, None]
    stops = peaks[:, None, None] + falls[None, None, :] + 1
    fits = (onsets >= 0) & (stops <= len(curve))
    inside = sums[np.minimum(stops, len(curve))] - sums[np.maximum(onsets, 0)]
    length = stops - onsets
    rest = np.maximum(1, (end - first) - length)
    height = inside / length - (sums[end] - sums[first] - inside) / rest
    removed = height**2 * length * rest / (length + rest)
    worth = np.where(fits & (height > 0), removed / (2 * noise**2) + log_prior, -np.inf).reshape(len(peaks), -1)
    best = worth.argmax(axis=1)
    rise, fall = rises[best // len(falls)], falls[best % len(falls)]
    tall = np.where(
        np.isfinite(worth.max(axis=1)), height.reshape(len(peaks), -1)[np.arange(len(peaks)), best], -np.inf
    )
    return np.stack([peaks - rise, peaks, peaks + fall], axis=1), tall


def _tried(density: LogNormal) -> IntArray:
    """Rises or falls to try, in samples: evenly spaced logarithms up to two standard deviations above the median."""
    longest = max(2.0, density.quantile(_WIDE))
    count = 2 + round(np.log(longest) / np.log(_STEP))
    return np.unique(np.rint(np.geomspace(1, longest, count)).astype(np.int64))
