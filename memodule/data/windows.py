"""Sampled frames <-> half-overlapping windows: slice, label, stitch.

A video of N sampled frames gives W = N // (k / 2) - 1 windows of k frames (none if N < k); window w covers the sampled
frames from w * k / 2 to w * k / 2 + k, exclusive, and a score curve has (W + 1) * k / 2 values (published code; paper
section on data preparation). The last N mod k / 2 frames are in none of them: training leaves them out, as the
published code does, and `memodule extract` adds a window for them, filled up with the last frame, which is scored.

With several phases, windows begin at more places: window w at w * k / 2 / phases, rounded down. So every phases-th
window belongs to the same phase, and these are half a window apart.
"""

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from memodule.datasets.catalog import Expression
from memodule.emotions import EMOTIONS, NEUTRAL

Stitching = Literal["tail", "mean", "published"]


def window_starts(windows: int, length: int, phases: int = 1) -> NDArray[np.int64]:
    """First sampled frame of each of `windows` windows.

    >>> window_starts(5, 30, 2).tolist()
    [0, 7, 15, 22, 30]
    """
    return np.arange(windows) * (length // 2) // phases


def window_count(frames: int, length: int, phases: int = 1) -> int:
    """Number of windows, of even length, in a video of `frames` sampled frames; 0 if it is shorter than a window.

    >>> window_count(29, 30), window_count(30, 30), window_count(44, 30), window_count(45, 30)
    (0, 1, 1, 2)
    """
    return -(-(frames - length + 1) * phases // (length // 2)) if frames >= length else 0


def curve_length(windows: int, length: int, phases: int = 1) -> int:
    """Number of sampled frames that the stitched windows cover; 0 without windows."""
    return int(window_starts(windows, length, phases)[-1]) + length if windows else 0


def slice_windows(values: NDArray[Any], length: int, phases: int = 1) -> NDArray[Any]:
    """Cut per-frame values (N, ...) into windows (W, length, ...), length even; rows after the last window are dropped.

    The inverse of `stitch` for any function of the frame.
    """
    starts = window_starts(window_count(len(values), length, phases), length, phases)
    windows: NDArray[Any] = values[starts[:, None] + np.arange(length)]
    return windows


def stitch(
    windows: NDArray[Any], mode: Stitching = "tail", batch_size: int | None = None, offset: int = 0, phases: int = 1
) -> NDArray[Any]:
    """Join overlapping windows into one curve (n, ...), empty without windows.

    Args:
        windows: (W, k) scores or (W, k, classes) logits of one video's windows, in order.
        mode: "tail" takes the first window in full and the second half of each later one, which has seen the most past;
            of several phases, the mean of their curves. "mean" averages all windows that cover a frame. "published"
            does what the published code does: a window is written in full when it opens a batch, otherwise only its
            second half, over zeros; so a video that starts inside a batch begins with k / 2 zeros, and the result
            depends on the batch size.
        batch_size: Windows per batch of the published code ("published" only).
        offset: Windows of the same subject before this video ("published" only).
        phases: In how many places windows begin within half a window.

    Raises:
        ValueError: If "published" has no batch size, or several phases.

    >>> stitch(np.array([[1, 1, 1, 1], [2, 2, 3, 3]]))
    array([1, 1, 1, 1, 3, 3])
    """
    match mode:
        case "tail" if phases == 1:
            return _tail(windows)
        case "tail":
            starts = window_starts(phases, windows.shape[1], phases).tolist()
            curves = [(start, _tail(windows[phase::phases])) for phase, start in enumerate(starts)]
            return _mean([(start, curve) for start, curve in curves if len(curve)], windows, phases)[0]
        case "mean":
            return _mean(_halves(windows, phases), windows, phases)[0]
        case "published":
            if phases > 1:
                raise ValueError("published stitching knows a single phase")
            return _published(windows, batch_size, offset)


def window_spread(windows: NDArray[np.float32], phases: int = 1) -> NDArray[np.float32] | None:
    """How much the windows that cover a sample disagree about it.

    Args:
        windows: (W, k) scores of one video's windows, in order.

    Returns:
        (n,) standard deviation of their scores, NaN where a single window covers a sample; None where all are so.
    """
    if len(windows) < 2:
        return None
    scores = windows.astype(np.float64)
    mean, covered = _mean(_halves(scores, phases), scores, phases)
    square = _mean(_halves(scores**2, phases), scores, phases)[0]
    variance = np.maximum(square - mean**2, 0.0) * covered / np.maximum(covered - 1, 1)
    return np.where(covered > 1, np.sqrt(variance), np.nan).astype(np.float32)


def _tail(windows: NDArray[Any]) -> NDArray[Any]:
    """The first of the windows of one phase in full, then the second half of each later one."""
    count, length, *rest = windows.shape
    curve = np.zeros((curve_length(count, length), *rest), windows.dtype)
    curve[:length] = windows[0] if count else 0
    curve[length:] = windows[1:, length // 2 :].reshape(-1, *rest)
    return curve


def _halves(windows: NDArray[Any], phases: int) -> list[tuple[int, NDArray[Any]]]:
    """The first halves of all windows of each phase, joined, and the second halves, each with its first frame."""
    _, length, *rest = windows.shape
    parts = []
    for phase, start in enumerate(window_starts(phases, length, phases).tolist()):
        own = windows[phase::phases]
        parts += [
            (start, own[:, : length // 2].reshape(-1, *rest)),
            (start + length // 2, own[:, length // 2 :].reshape(-1, *rest)),
        ]
    return parts


def _mean(
    parts: Iterable[tuple[int, NDArray[Any]]], windows: NDArray[Any], phases: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The mean of all parts that cover a frame, and how many do: both (n, ...) for the frames of `windows`."""
    count, length, *rest = windows.shape
    total = np.zeros((curve_length(count, length, phases), *rest), windows.dtype)
    covered = np.zeros(len(total), np.int64)
    for start, part in parts:
        total[start : start + len(part)] += part
        covered[start : start + len(part)] += 1
    total /= covered.reshape(-1, *(1 for _ in rest))
    return total, covered


def _published(windows: NDArray[Any], batch_size: int | None, offset: int) -> NDArray[Any]:
    if batch_size is None:
        raise ValueError("published stitching needs the batch size of the published run")
    count, length, *rest = windows.shape
    half = length // 2
    curve = np.zeros((curve_length(count, length), *rest), windows.dtype)
    for index, window in enumerate(windows):
        start = 0 if (offset + index) % batch_size == 0 else half
        curve[index * half + start : index * half + length] = window[start:]
    return curve


def label_frames(
    expressions: Iterable[Expression], frames: int, frame_step: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Pseudo labels of every sampled frame of one video.

    Between onset and offset, both excluded, the score is 1 and the emotion is the expression's; elsewhere the score is
    0 and the emotion neutral. A later expression overwrites an earlier one; one shorter than two sampled frames leaves
    no trace (published code).

    Args:
        expressions: The video's expressions to be spotted, in the order of the labels.
        frames: Number of sampled frames N.

    Returns:
        Score target (N,) float32, 0 or 1, and emotion class (N,) int64.
    """
    score = np.zeros(frames, np.float32)
    emotion = np.full(frames, NEUTRAL, np.int64)
    for expression in expressions:
        onset, offset = expression.onset // frame_step, expression.offset // frame_step
        score[onset + 1 : offset] = 1
        emotion[onset + 1 : offset] = EMOTIONS.index(expression.emotion)
    return score, emotion
