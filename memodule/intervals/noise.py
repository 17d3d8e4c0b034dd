"""How noisy score curves are, for sums over samples whose errors are correlated.

A sum over n correlated samples is not as exact as one over n independent ones. So noise is measured on sums, and given
as the standard deviation that independent samples with sums of the same variance would have.
"""

from collections.abc import Sequence

import numpy as np

from memodule.intervals.base import FloatArray, LabelledCurve
from memodule.intervals.robust import robust_deviation


def contrast_noise(curve: FloatArray, block: int) -> float:
    """Noise of one curve (T,), without labels: how far sums over `block` samples are from those next to them.

    Robust, so that a few expressions do not count as noise; neither does a drift. 0 on a curve of fewer than three
    blocks.
    """
    block = max(1, block)
    sums = np.add.reduceat(curve, np.arange(0, len(curve) - block + 1, block)) if len(curve) >= block else curve[:0]
    if len(sums) < 3:
        return 0.0
    contrast = sums[1:-1] - (sums[:-2] + sums[2:]) / 2
    return robust_deviation(contrast) / float(np.sqrt(1.5 * block))


def misfit_noise(curves: Sequence[LabelledCurve], block: int) -> float | None:
    """Noise around true micro-expressions: what a step up and down at their ends does not explain.

    Each step is as high as fits best; the surroundings are as long as the expression, on either side.

    Returns:
        Root of the variance per sample of sums over `block` samples; None without an expression.
    """
    block = max(1, block)
    squares = []
    for labelled in curves:
        for onset, _, offset in labelled.micro.tolist():
            length = offset - onset + 1
            first, stop = max(0, onset - length), min(len(labelled.curve), offset + 1 + length)
            around = labelled.curve[first:stop]
            inside = np.zeros(len(around), dtype=bool)
            inside[onset - first : offset + 1 - first] = True
            if inside.all() or not inside.any():
                continue
            misfit = around - np.where(inside, around[inside].mean(), around[~inside].mean())
            blocks = misfit[: len(misfit) // block * block].reshape(-1, block)
            squares.append(blocks.sum(axis=1) ** 2 / block)
    pooled = np.concatenate(squares) if squares else np.empty(0)
    return float(np.sqrt(pooled.mean())) if pooled.size else None


def background_noise(curves: Sequence[LabelledCurve], block: int) -> float | None:
    """Noise where nothing is labelled, movements that are not expressions included.

    Args:
        curves: Above their base line.

    Returns:
        Root of the variance per sample of sums over `block` samples; None without any.
    """
    block = max(2, block)
    squares = []
    for labelled in curves:
        free = np.ones(len(labelled.curve), dtype=bool)
        for onset, _, offset in [*labelled.micro.tolist(), *labelled.macro.tolist()]:
            free[onset : offset + 1] = False
        scores = labelled.curve[free]
        squares.append(scores[: len(scores) // block * block].reshape(-1, block).sum(axis=1) ** 2 / block)
    pooled = np.concatenate(squares) if squares else np.empty(0)
    return float(np.sqrt(pooled.mean())) if pooled.size else None
