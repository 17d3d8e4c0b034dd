"""A fast rise and a slower fall: onset and offset fitted to the score under a prior of each."""

import dataclasses
from typing import Final

import numpy as np

from memodule.intervals.base import Detections, FloatArray, IntArray, SelectionRule
from memodule.intervals.checks import check_number, check_positive
from memodule.intervals.overlap import strongest
from memodule.intervals.peaks import prominent_peaks
from memodule.intervals.robust import robust_deviation
from memodule.intervals.timing import LogNormal

_WIDE: Final = 2.0
"""Rises and falls up to this many standard deviations above their median are tried."""

_STEP: Final = 1.15
"""Ratio of neighbouring rises or falls that are tried."""

_LEAST_NOISE: Final = 1e-3


@dataclasses.dataclass
class RiseFall(SelectionRule):
    """Each peak becomes the interval that explains the scores around it best, given how long MEs rise and fall.

    Around a peak, every onset and offset within the usual rise and fall is tried as a step up and down: its worth is
    the squared error that the step removes from a flat line, over twice the noise's variance, plus `prior` times the
    log-density of its rise and of its fall (log-normal, fitted on training expressions). The best step wins. Confidence
    is the step's height: mean inside minus mean outside. Of intervals that share a frame the most certain stays.

    No published counterpart.

    Attributes:
        least: Smallest step height of a detection, in units of the score.
        prior: Weight of the duration prior; 0 switches it off.
        smooth_ms: Standard deviation of the Gaussian that smooths the curve before the search for peaks.
    """

    least: float = 0.3
    prior: float = 1.0
    smooth_ms: float = 100.0

    def __post_init__(self) -> None:
        check_positive("least", self.least)
        check_number("prior", self.prior)
        check_positive("smooth_ms", self.smooth_ms)

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        from scipy.ndimage import gaussian_filter1d

        timing = self._fitted()
        smoothed = gaussian_filter1d(curve, timing.samples(self.smooth_ms), mode="nearest")
        rises, falls = _tried(timing.rise), _tried(timing.fall)
        peaks, _ = prominent_peaks(smoothed, self.least / 2, 2 * int(falls[-1]) + 1)
        if not peaks.size:
            return Detections.none()
        prior = timing.rise.log_density(rises)[:, None] + timing.fall.log_density(falls)[None, :]
        frames, height = _best_steps(curve, peaks, rises, falls, self.prior * prior)
        certain = height >= self.least
        found = Detections.of(frames[certain], height[certain])
        return found.where(strongest(found.frames, found.confidence))


def _best_steps(
    curve: FloatArray, peaks: IntArray, rises: IntArray, falls: IntArray, log_prior: FloatArray
) -> tuple[IntArray, FloatArray]:
    """(p, 3) the best step around each peak, and (p,) its height; -inf if no step fits into the curve.

    Surroundings reach twice the longest rise to the left and twice the longest fall to the right of the peak.
    """
    sums = np.concatenate([[0.0], np.cumsum(curve)])
    noise = max(_LEAST_NOISE, robust_deviation(curve)) ** 2
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
    worth = np.where(fits & (height > 0), removed / (2 * noise) + log_prior, -np.inf).reshape(len(peaks), -1)
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
