"""Overlapping intervals: how much they overlap, and which of them stay."""

import numpy as np
import numpy.typing as npt

from memodule.intervals.base import FloatArray, IntArray


def iou_with(frames: IntArray, row: IntArray) -> FloatArray:
    """(n,) intersection over union of each interval (n, 3) with one (3,), in inclusive frames, as in the metric."""
    shared = np.minimum(frames[:, 2], row[2]) - np.maximum(frames[:, 0], row[0]) + 1
    union = (frames[:, 2] - frames[:, 0] + 1) + (row[2] - row[0] + 1) - shared
    return np.where(shared > 0, shared / np.maximum(1, union), 0.0)


def strongest(frames: IntArray, confidence: FloatArray) -> npt.NDArray[np.bool_]:
    """(n,) which intervals (n, 3) stay if, of two that share a frame, the less certain is dropped (ties: the later)."""
    keep = np.zeros(len(frames), dtype=bool)
    free = np.ones(len(frames), dtype=bool)
    for index in np.argsort(-confidence, kind="stable"):
        if free[index]:
            keep[index] = True
            free &= (frames[:, 0] > frames[index, 2]) | (frames[:, 2] < frames[index, 0])
    return keep


def soften(frames: IntArray, confidence: FloatArray, least: float, width: float = 0.1) -> FloatArray:
    """Soft non-maximum suppression: the (n,) confidences that remain where intervals (n, 3) overlap.

    Each interval in turn, by remaining confidence, lowers every weaker one by exp(-IoU ** 2 / width) (Bodla et al.
    2017, Gaussian form). Intervals below `least` no longer take part.

    Args:
        width: How fast confidence decays with IoU squared; smaller is harder.
    """
    remaining = confidence.copy()
    waiting = remaining >= least
    while waiting.any():
        index = int(np.argmax(np.where(waiting, remaining, -np.inf)))
        waiting[index] = False
        remaining[waiting] *= np.exp(-(iou_with(frames[waiting], frames[index]) ** 2) / width)
        waiting &= remaining >= least
    return remaining
