"""Timing errors of the onset, apex and offset of true positives, in milliseconds."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memodule.metrics.functional.matching import Frames, as_frames

LANDMARKS = ("onset", "apex", "offset")


def timing_errors(predicted: ArrayLike, true: ArrayLike, match: ArrayLike, fps: float) -> NDArray[np.float64]:
    """Predicted minus true time of each matched pair of one video; positive = too late.

    Args:
        predicted: (n, 2) onset, offset or (n, 3) onset, apex, offset; an apex of -1 is unknown.
        true: (m, 2) or (m, 3), likewise.
        match: (n,) from `match_intervals`: the row of the matched truth, -1 for none.
        fps: Frames per second of these frames (of sampled frames: fps / frame_step).

    Returns:
        (pairs, 3) float64 errors of onset, apex and offset in ms; NaN if either apex is unknown.

    >>> timing_errors([[10, 15, 29]], [[12, 15, 30]], [0], fps=200)
    array([[-10.,   0.,  -5.]])
    """
    matched = np.asarray(match, dtype=np.int64).reshape(-1)
    hits = np.flatnonzero(matched >= 0)
    ours, theirs = _three(as_frames(predicted))[hits], _three(as_frames(true))[matched[hits]]
    return (ours - theirs) * (1000.0 / fps)


def summarize_timing(errors: ArrayLike) -> dict[str, dict[str, float]]:
    """Bias and size of timing errors (pairs, 3) from `timing_errors`, of any number of videos.

    Returns:
        For onset, apex and offset: `pairs` (known in both), and if there are any, the mean error `bias` and the mean
        absolute error `mae` in ms.

    >>> summarize_timing([[-10, np.nan, 5], [20, np.nan, 5]])["onset"]
    {'pairs': 2.0, 'bias': 5.0, 'mae': 15.0}
    """
    table = np.asarray(errors, dtype=np.float64).reshape(-1, 3)
    return {name: _summary(column[~np.isnan(column)]) for name, column in zip(LANDMARKS, table.T, strict=True)}


def _three(frames: Frames) -> NDArray[np.float64]:
    """(n, 3) with NaN if the apex is unknown."""
    apex = frames[:, 1].astype(np.float64) if frames.shape[1] == 3 else np.full(len(frames), np.nan)
    return np.stack([frames[:, 0], np.where(apex < 0, np.nan, apex), frames[:, -1]], axis=1)


def _summary(values: NDArray[np.float64]) -> dict[str, float]:
    pairs = {"pairs": float(len(values))}
    return pairs | ({"bias": float(values.mean()), "mae": float(np.abs(values).mean())} if len(values) else {})
