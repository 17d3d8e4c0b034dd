"""Numbers that distinguish true intervals from false ones, and the threshold that separates them best.

Intervals are (n, 3) onset, apex, offset in samples of the curve (T,), inclusive.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from memodule.intervals.base import FloatArray, IntArray
from memodule.intervals.overlap import iou_with
from memodule.intervals.timing import LogNormal

_SMALLEST: Final = 1e-6

_AGREED: Final = 0.05
"""Disagreement of windows, in units of the score, below which they agree as well as can be."""


def heights(curve: FloatArray, frames: IntArray) -> FloatArray:
    """(n,) mean score inside each interval, above the curve's median."""
    onsets, stops = frames[:, 0], frames[:, 2] + 1
    return _means(curve - np.median(curve), onsets, stops)


def agreement(curve: FloatArray, frames: IntArray, spread: FloatArray | None) -> FloatArray:
    """(n, 1) height of each interval per disagreement of the windows inside it; 0 where that is not known.

    Args:
        spread: (T,) standard deviation of overlapping windows, NaN where it is not known; None if it never is.
    """
    if spread is None:
        return np.zeros((len(frames), 1))
    onsets, stops = frames[:, 0], frames[:, 2] + 1
    known = _means(np.isfinite(spread).astype(np.float64), onsets, stops)
    inside = _means(np.nan_to_num(spread), onsets, stops) / np.maximum(known, _SMALLEST)
    return np.where(known > 0, heights(curve, frames) / (inside + _AGREED), 0.0)[:, None]


def evolution(curve: FloatArray, frames: IntArray) -> FloatArray:
    """How the score rises into each interval and falls out of it.

    Flanks are half an interval long; whatever is outside the curve counts as its median.

    Returns:
        (n, 6): mean inside minus the higher flank; minus the mean flank; the first of these relative to the height, and
        times the root of the length; the higher of the more distant surroundings; the middle half minus the whole.
    """
    scores = curve - np.median(curve)
    onsets, stops = frames[:, 0], frames[:, 2] + 1
    length = stops - onsets
    flank = np.maximum(1, length // 2)
    inside, before, after = _inside_and_flanks(scores, frames)
    far = np.maximum(
        _means(scores, onsets - 2 * length, onsets - flank), _means(scores, stops + flank, stops + 2 * length)
    )
    core = _means(scores, onsets + length // 4, stops - length // 4)
    contrast = inside - np.maximum(before, after)
    return np.stack(
        [
            contrast,
            inside - (before + after) / 2,
            contrast / (np.abs(inside) + 0.05),
            contrast * np.sqrt(length),
            far,
            core - inside,
        ],
        axis=1,
    )


def standing(curve: FloatArray, frames: IntArray, above: FloatArray) -> FloatArray:
    """How each interval compares with the others of its curve, so that the curve's gain does not matter.

    Args:
        above: (T,) the curve above its base line.

    Returns:
        (n, 6): of the contrast to the higher flank, and of the mean inside above the base line, each: in units of the
        standard deviation of the curve, as a share of the largest, and the logarithm of its rank.
    """
    inside, before, after = _inside_and_flanks(curve, frames)
    columns = []
    for values in (inside - np.maximum(before, after), _means(above, frames[:, 0], frames[:, 2] + 1)):
        ranks = np.argsort(np.argsort(-values, kind="stable"), kind="stable")
        largest = max(_SMALLEST, float(values.max(initial=0.0)))
        columns += [values / max(_SMALLEST, float(above.std())), np.maximum(values / largest, -1.0), np.log1p(ranks)]
    return np.stack(columns, axis=1)


def duration(frames: IntArray, density: LogNormal) -> FloatArray:
    """(n, 2): distance of each log-length from the usual one in standard deviations, and its square."""
    z = np.log((frames[:, 2] - frames[:, 0] + 1) / density.median) / density.spread
    return np.stack([z, z * z], axis=1)


def hits(frames: IntArray, confidence: FloatArray, truth: IntArray, iou: float = 0.5) -> npt.NDArray[np.bool_]:
    """(n,) whether each interval finds a true one; more certain intervals choose first, and no truth counts twice."""
    found = np.zeros(len(frames), dtype=bool)
    free = truth
    for index in np.argsort(-confidence, kind="stable"):
        overlap = iou_with(free, frames[index])
        if overlap.size and overlap.max() >= iou:
            found[index] = True
            free = np.delete(free, int(np.argmax(overlap)), axis=0)
    return found


class OperatingPoint(NamedTuple):
    """The smallest confidence that counts, and the F1 that it gives."""

    least: float
    f1: float


def best_level(
    confidence: Sequence[FloatArray], hit: Sequence[npt.NDArray[np.bool_] | FloatArray], truths: int
) -> OperatingPoint | None:
    """The operating point of the largest F1 pooled over curves; None if no interval is a hit.

    Args:
        confidence: (n,) per curve.
        hit: (n,) per curve: whether each interval is a hit, or the probability of it.
        truths: Number of true intervals on all curves.
    """
    certain = np.concatenate([np.empty(0), *confidence])
    order = np.argsort(-certain, kind="stable")
    true = np.cumsum(np.concatenate([np.zeros(0), *hit])[order])
    if not true.size or not true[-1]:
        return None
    f1 = 2 * true / (np.arange(1, len(true) + 1) + truths)
    last = np.append(np.diff(certain[order]) != 0, True)  # equal confidences stay together
    best = int(np.argmax(np.where(last, f1, -1.0)))
    return OperatingPoint(float(certain[order][best]), float(f1[best]))


def _inside_and_flanks(scores: FloatArray, frames: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(n,) mean scores inside each interval, and of half its length before and after."""
    onsets, stops = frames[:, 0], frames[:, 2] + 1
    flank = np.maximum(1, (stops - onsets) // 2)
    before, after = _means(scores, onsets - flank, onsets), _means(scores, stops, stops + flank)
    return _means(scores, onsets, stops), before, after


def _means(scores: FloatArray, starts: IntArray, stops: IntArray) -> FloatArray:
    """Mean of scores[start:stop] per row, 0 outside the curve; 0 where stop <= start."""
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    total = sums[np.clip(stops, 0, len(scores))] - sums[np.clip(starts, 0, len(scores))]
    return np.where(stops > starts, total / np.maximum(1, stops - starts), 0.0)
