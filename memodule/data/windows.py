"""Sampled frames <-> half-overlapping windows: slice, label, stitch.

A video of N sampled frames gives W = N // (k / 2) - 1 windows of k frames (none if N < k); window w covers the sampled
frames from w * k / 2 to w * k / 2 + k, exclusive, and a score curve has (W + 1) * k / 2 values (published code; paper
section on data preparation). The last N mod k / 2 frames are in none of them: training leaves them out, as the
published code does, and `memodule extract` adds a window for them, filled up with the last frame, which is scored.
"""

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from memodule.datasets.catalog import Expression
from memodule.emotions import EMOTIONS, NEUTRAL

Stitching = Literal["tail", "mean", "published"]


def window_count(frames: int, length: int) -> int:
    """Number of windows, of even length, in a video of `frames` sampled frames; 0 if it is shorter than a window.

    >>> window_count(29, 30), window_count(30, 30), window_count(44, 30), window_count(45, 30)
    (0, 1, 1, 2)
    """
    return frames // (length // 2) - 1 if frames >= length else 0


def curve_length(windows: int, length: int) -> int:
    """Number of sampled frames that the stitched windows cover; 0 without windows."""
    return (windows + 1) * (length // 2) if windows else 0


def slice_windows(values: NDArray[Any], length: int) -> NDArray[Any]:
    """Cut per-frame values (N, ...) into windows (W, length, ...), length even; rows after the last window are dropped.

    The inverse of `stitch` for any function of the frame.
    """
    starts = np.arange(window_count(len(values), length)) * (length // 2)
    windows: NDArray[Any] = values[starts[:, None] + np.arange(length)]
    return windows


def stitch(
    windows: NDArray[Any], mode: Stitching = "tail", batch_size: int | None = None, offset: int = 0
) -> NDArray[Any]:
    """Join half-overlapping windows into one curve ((W + 1) * k / 2, ...), empty without windows.

    Args:
        windows: (W, k) scores or (W, k, classes) logits of one video's windows, in order.
        mode: "tail" takes the first window in full and the second half of each later one, which has seen the most past.
            "mean" averages the two windows that cover a frame. "published" does what the published code does: a
            window is written in full when it opens a batch, otherwise only its second half, over zeros; so a video that
            starts inside a batch begins with k / 2 zeros, and the result depends on the batch size.
        batch_size: Windows per batch of the published code ("published" only).
        offset: Windows of the same subject before this video ("published" only).

    Raises:
        ValueError: If "published" has no batch size.

    >>> stitch(np.array([[1, 1, 1, 1], [2, 2, 3, 3]]))
    array([1, 1, 1, 1, 3, 3])
    """
    count, length, *rest = windows.shape
    half = length // 2
    curve = np.zeros((curve_length(count, length), *rest), windows.dtype)
    match mode:
        case "tail":
            curve[:length] = windows[0] if count else 0
            curve[length:] = windows[1:, half:].reshape(-1, *rest)
        case "mean":
            curve[: count * half] += windows[:, :half].reshape(-1, *rest)
            curve[half : (count + 1) * half] += windows[:, half:].reshape(-1, *rest)
            curve[half : count * half] /= 2
        case "published":
            if batch_size is None:
                raise ValueError("published stitching needs the batch size of the published run")
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
