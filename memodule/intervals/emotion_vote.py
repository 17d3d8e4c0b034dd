"""Which emotion an interval has: a vote of its frames."""

from collections import Counter
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from memodule.emotions import EMOTIONS, NEUTRAL
from memodule.intervals.base import IntArray

NeutralWay = Literal["keep", "zero", "drop"]
NEUTRAL_WAYS: Final[tuple[NeutralWay, ...]] = get_args(NeutralWay)
"""What may become of the neutral logit: the published code's synergy strategies 0, 1 and 2."""

_PENALISED: Final = EMOTIONS.index("negative")
_ENOUGH: Final = 0.2
"""The penalty vote leaves the negative class out where more than this share of frames says something else."""


def frame_emotions(logits: npt.ArrayLike, neutral: NeutralWay = "keep") -> IntArray:
    """The class of each frame.

    The three ways with the neutral class are the published code's synergy strategies 0, 1 and 2. Frames with a logit
    that is not a number are neutral.

    Args:
        logits: (T, 5) in the order of `memodule.emotions.FRAME_CLASSES`.
        neutral: "keep" all five logits; replace the neutral one by "zero", so that neutral wins where all others are
            negative; or "drop" it, so that every frame has an emotion.

    Returns:
        (T,) int64 class indices.
    """
    values = np.array(logits, dtype=np.float64).reshape(-1, NEUTRAL + 1)
    unknown = np.isnan(values).any(axis=1)
    match neutral:
        case "keep":
            pass
        case "zero":
            values[:, NEUTRAL] = 0.0
        case "drop":
            values = values[:, :NEUTRAL]
    return np.where(unknown, NEUTRAL, values.argmax(axis=1))


def vote_emotions(
    intervals: npt.ArrayLike, frame_emotions: npt.ArrayLike, method: Literal["majority", "penalty"] = "majority"
) -> IntArray:
    """The emotion of each interval: the most frequent class of its inner frames.

    Frames onset + 1 .. offset - 2 vote, as in the published code; of equally frequent classes the one seen first wins;
    an interval without voters is neutral. "penalty" is the published code's rule for the SAMM challenge videos: where
    more than a fifth of the voters are not negative, negative votes do not count.

    Args:
        intervals: (n, 3) onset, apex, offset in sampled frames (they may reach beyond the curve).
        frame_emotions: (T,) class indices.
        method: How votes are counted.

    Returns:
        (n,) int64 class indices.
    """
    classes = np.asarray(frame_emotions, dtype=np.int64).reshape(-1)
    rows = np.asarray(intervals, dtype=np.int64).reshape(-1, 3)
    winners = [_winner(classes[max(0, on) + 1 : max(1, off - 1)].tolist(), method) for on, _, off in rows.tolist()]
    return np.array(winners, dtype=np.int64)


def _winner(voters: list[int], method: Literal["majority", "penalty"]) -> int:
    if method == "penalty":
        others = [vote for vote in voters if vote != _PENALISED]
        if len(others) > _ENOUGH * len(voters):
            voters = others
    return Counter(voters).most_common(1)[0][0] if voters else NEUTRAL
