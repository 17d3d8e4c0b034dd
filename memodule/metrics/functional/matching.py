"""Which predicted interval finds which true one."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Frames = NDArray[np.int64]
"""(n, 2) onset, offset or (n, 3) onset, apex, offset; inclusive frames."""

Matching = Literal["one_to_one", "greedy"]


def as_frames(intervals: ArrayLike) -> Frames:
    """Intervals as an (n, 2) or (n, 3) int64 array; an empty list of any shape has no interval.

    Raises:
        ValueError: If the shape is another one or the frames are not whole numbers.
    """
    array: NDArray[Any] = np.asarray(intervals)
    if array.size == 0:
        return np.empty((0, 3), np.int64)
    if array.ndim != 2 or array.shape[1] not in (2, 3):
        raise ValueError(f"intervals have shape {array.shape}, not (n, 2) onset, offset or (n, 3) onset, apex, offset")
    if array.dtype.kind not in "iu":
        raise ValueError(f"intervals are {array.dtype}; frames are whole numbers")
    return array.astype(np.int64, copy=False)


def interval_iou(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of every pair of (n, 2|3) and (m, 2|3) intervals, in inclusive frames.

    An interval that ends before it starts (published labels hold some) holds no frame and overlaps nothing.

    Returns:
        (n, m) float64 in 0..1. As the quotient of two whole numbers it equals the literal .5, .3 … where it should.

    >>> interval_iou([[0, 9]], [[0, 19], [5, 14], [10, 12]]).round(3)
    array([[0.5  , 0.333, 0.   ]])
    """
    a, b = as_frames(first), as_frames(second)
    length_a = np.maximum(a[:, -1] - a[:, 0] + 1, 0)[:, None]
    length_b = np.maximum(b[:, -1] - b[:, 0] + 1, 0)[None, :]
    shared = np.minimum(a[:, -1][:, None], b[:, -1]) - np.maximum(a[:, 0][:, None], b[:, 0]) + 1
    shared = np.maximum(shared, 0)
    overlap: NDArray[np.float64] = shared / np.maximum(length_a + length_b - shared, 1)
    return overlap


def match_intervals(
    predicted: ArrayLike, true: ArrayLike, iou: float = 0.5, matching: Matching = "one_to_one"
) -> NDArray[np.int64]:
    """Match the predictions of one video with its true intervals; no truth is matched twice.

    "one_to_one" matches as many pairs as possible and, among those matchings, chooses the one with the largest sum of
    IoU; the order of rows does not matter. "greedy" is the published rule: predictions in the given order, each
    considering only its best truth (ties: the later row); if that one is taken or too far off, the prediction is a
    false alarm, even if another truth would do.

    Args:
        predicted: (n, 2) or (n, 3) frames of the predictions, inclusive.
        true: (m, 2) or (m, 3) frames of the truths, inclusive.

    Returns:
        (n,) int64: the row of the matched truth, -1 for a false alarm.

    >>> predicted, true = [[12, 31], [8, 27]], [[10, 29], [16, 35]]
    >>> match_intervals(predicted, true)
    array([1, 0])
    >>> match_intervals(predicted, true, matching="greedy")
    array([ 0, -1])
    """
    ours, theirs = as_frames(predicted), as_frames(true)
    if len(ours) == 0 or len(theirs) == 0:
        return np.full(len(ours), -1, np.int64)
    overlap = interval_iou(ours, theirs)
    match matching:
        case "one_to_one":
            return _most_pairs(overlap, iou, ours, theirs)
        case "greedy":
            return _first_come(overlap, iou)


def _most_pairs(overlap: NDArray[np.float64], iou: float, predicted: Frames, true: Frames) -> NDArray[np.int64]:
    """The largest matching; of several, the one with the largest sum of IoU."""
    match = np.full(len(overlap), -1, np.int64)
    allowed = overlap >= iou
    rows, columns = np.nonzero(allowed)
    if len(set(rows.tolist())) == len(set(columns.tolist())) == len(rows):  # the usual case: nothing to decide
        match[rows] = columns
        return match
    from scipy.optimize import linear_sum_assignment  # slow to import and rarely needed

    # Ties are decided in the order of frames, so that the order of rows cannot move a score.
    row_order = np.lexsort(predicted.T[::-1])
    column_order = np.lexsort(true.T[::-1])
    # A pair outweighs every sum of IoU, so that no pair is sacrificed for better overlaps elsewhere.
    weight = np.where(allowed, min(overlap.shape) + 1 + overlap, 0.0)[np.ix_(row_order, column_order)]
    rows, columns = linear_sum_assignment(weight, maximize=True)
    rows, columns = row_order[rows], column_order[columns]
    kept = allowed[rows, columns]
    match[rows[kept]] = columns[kept]
    return match


def _first_come(overlap: NDArray[np.float64], iou: float) -> NDArray[np.int64]:
    """The published rule: each prediction claims its best truth or none."""
    best = overlap.shape[1] - 1 - np.argmax(overlap[:, ::-1], axis=1)
    match = np.full(len(overlap), -1, np.int64)
    taken: set[int] = set()
    for row, column in enumerate(best.tolist()):
        if overlap[row, column] >= iou and column not in taken:
            match[row] = column
            taken.add(column)
    return match
