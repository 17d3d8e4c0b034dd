"""Which training windows are kept, and how much each class weighs."""

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memodule.emotions import NEUTRAL


def down_sample(holds_expression: Sequence[bool], ratio: float, rng: random.Random) -> list[int]:
    """Indices, ascending, of every window with an expression and, for each of them, `ratio` windows without one.

    If there are fewer expression-free windows than that, all are kept (the published code then drops two of them, and
    fails if there are none to drop).

    Args:
        ratio: Expression-free windows kept per window with one, rounded down over the whole set (published: .5 for
            SAMM Long Videos, 4 for CAS(ME)^3).
    """
    positive = [index for index, holds in enumerate(holds_expression) if holds]
    negative = [index for index, holds in enumerate(holds_expression) if not holds]
    wanted = int(len(positive) * ratio)
    if wanted < len(negative):
        negative = rng.sample(negative, wanted)
    return sorted(positive + negative)


def class_weights(frame_counts: ArrayLike, neutral_factor: float = 6.0) -> NDArray[np.float32]:
    """Balanced weights of the frame classes: all frames / (classes x frames of the class), neutral times a factor.

    Args:
        frame_counts: (5,) training frames of each class.
        neutral_factor: Extra weight of neutral (published: 6, or 0 for its strategy 0).

    Returns:
        (5,) float32. A class without a training frame weighs 0 (the published code fails there).
    """
    counts = np.asarray(frame_counts, dtype=np.float64)
    weights: NDArray[np.float64] = np.divide(
        counts.sum(), len(counts) * counts, out=np.zeros_like(counts), where=counts > 0
    )
    weights[NEUTRAL] *= neutral_factor
    return np.asarray(weights, np.float32)
