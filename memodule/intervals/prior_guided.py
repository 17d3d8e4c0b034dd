"""The paper's interval selection: boundaries follow the rise and fall of the score around each peak."""

import dataclasses

import numpy as np

from memodule.errors import UserError
from memodule.intervals.base import Detections, FloatArray, IntArray, SelectionRule
from memodule.intervals.checks import check_half_window, check_share
from memodule.intervals.class_prior import is_expression
from memodule.intervals.peaks import box_mean, first_within, last_within, peaks_above, relative_threshold

_RISING = 1.5
"""Inside the first guess a boundary may be where the score rises through mean / 1.5 (published constant)."""

_REACH = 5
"""An interval may extend to 5 * k_p on either side of its peak (published constant)."""


_UNFITTED_MS = 200.0
"""Half window without the duration prior: the constant (6 frames at 30 fps) of the published code for unknown
durations."""


@dataclasses.dataclass
class PriorGuided(SelectionRule):
    """Peaks as in `FixedWindow`, boundaries by how the raw score rises to and falls from the peak.

    Each peak starts as peak +- k_p inside the curve. The onset moves in to the first rising sample above mean / 1.5,
    then out to where two consecutive samples are below the mean, at most 5 * k_p from the peak; the offset likewise on
    the other side. The apex is the largest raw score in between. Of overlapping intervals the earlier stays. Confidence
    is the smoothed score at the peak.

    Reproduces interval strategy 1 of the published code, and works where that raises an error: on curves shorter than
    2 * k_p the smoothed curve keeps the length of the raw one. Each of the paper's three priors has a switch. The
    published code uses the first two for its intervals and applies the third when it scores (`Protocol.filter_neutral`
    here), so it is off by default.

    Attributes:
        half_window: k_p in samples; None uses half of the training expressions' median duration.
        threshold: How far from mean to maximum a peak must reach, 0..1.
        nms_iou: Intervals are dropped that overlap an earlier one by this much (hull IoU, lengths without + 1), or
            whose apex is within k_p of its apex.
        temporal_evolution: Boundaries follow rise and fall. Off: they stay at peak +- k_p.
        duration: k_p is fitted to durations. Off: it is 200 ms, whatever the expressions.
        class_distribution: Drop intervals inside which neutral outweighs the emotions together; no effect without
            probabilities.
    """

    half_window: int | None = None
    threshold: float = 0.55
    nms_iou: float = 0.2
    temporal_evolution: bool = True
    duration: bool = True
    class_distribution: bool = False

    def __post_init__(self) -> None:
        check_half_window(self.half_window)
        check_share("threshold", self.threshold)
        check_share("nms_iou", self.nms_iou)
        if self.half_window is not None and not self.duration:
            raise UserError("intervals.half_window: it is the duration prior; leave it null if duration is false")

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        k = self._half_window()
        smoothed = box_mean(curve, k)
        peaks = peaks_above(smoothed, relative_threshold(smoothed, self.threshold), k)
        if not peaks.size:
            return Detections.none()
        onsets, offsets = _boundaries(curve, peaks, k) if self.temporal_evolution else _window(curve, peaks, k)
        apexes = [on + int(np.argmax(curve[on : off + 1])) for on, off in zip(onsets, offsets, strict=True)]
        found = Detections.of(np.stack([onsets, apexes, offsets], axis=1), smoothed[peaks])
        found = found.where(_earliest(found.frames, self.nms_iou, k))
        if self.class_distribution and probabilities is not None:
            found = found.where(is_expression(found.frames, probabilities))
        return found

    def _half_window(self) -> int:
        if self.half_window is not None:
            return self.half_window
        timing = self._fitted()
        return timing.half_window if self.duration else max(1, round(timing.samples(_UNFITTED_MS)))


def _window(curve: FloatArray, peaks: IntArray, k: int) -> tuple[IntArray, IntArray]:
    """Peak +- k inside the curve."""
    return np.maximum(0, peaks - k), np.minimum(len(curve) - 1, peaks + k)


def _boundaries(curve: FloatArray, peaks: IntArray, k: int) -> tuple[IntArray, IntArray]:
    """Onset and offset (inclusive) of each peak."""
    mean = curve.mean()
    here, after, low = curve[:-1], curve[1:], curve < mean
    rising = ((after > here) & (after > mean / _RISING)).nonzero()[0]  # the sample before the risen one
    falling = ((here > after) & (here > mean / _RISING)).nonzero()[0]
    quiet = (low[:-1] & low[1:]).nonzero()[0]  # the earlier of two samples below the mean
    left, right = _window(curve, peaks, k)
    onsets = first_within(rising, left, peaks - 2, left)
    offsets = last_within(falling, peaks + 1, right - 1, right - 1) + 1
    onsets = last_within(quiet, peaks - _REACH * k - 1, onsets - 2, onsets - 2) + 2
    offsets = first_within(quiet, offsets + 1, peaks + _REACH * k, offsets + 1) - 1
    return onsets, offsets


def _earliest(frames: IntArray, iou: float, k: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows (sorted by onset) stay: those that do not collide with a row kept before them."""
    keep = np.zeros(len(frames), dtype=bool)
    kept: list[tuple[int, int, int]] = []
    for row, (onset, apex, offset) in enumerate(frames.tolist()):
        if all(_hull_iou(onset, offset, a, c) < iou and abs(apex - b) > k for a, b, c in kept):
            keep[row] = True
            kept.append((onset, apex, offset))
    return keep


def _hull_iou(onset: int, offset: int, other_onset: int, other_offset: int) -> float:
    """Overlap over common hull, lengths without + 1 (published code; not the metric's IoU)."""
    overlap = max(0, min(offset, other_offset) - max(onset, other_onset))
    hull = max(offset, other_offset) - min(onset, other_onset)
    return overlap / hull if hull else 0.0
