"""The emotion of an interval: a vote of its frames."""

from collections import Counter
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from memodule.emotions import EMOTIONS, NEUTRAL
from memodule.intervals.base import IntArray

NeutralWay = Literal["keep", "zero", "drop"]
NEUTRAL_WAYS: Final[tuple[NeutralWay, ...]] = get_args(NeutralWay)
"""Ways to treat the neutral logit: the published code's synergy strategies 0, 1 and 2."""

ShortWay = Literal["vote", "neutral"]
"""What an interval without inner frames is."""

_PENALISED: Final = EMOTIONS.index("negative")
_ENOUGH: Final = 0.2
"""The penalty vote ignores the negative class if more than this share of frames says something else."""


def frame_emotions(logits: npt.ArrayLike, neutral: NeutralWay = "keep") -> IntArray:
    """(T,) int64 class of each frame; frames with a NaN logit are neutral.

    Args:
        logits: (T, 5) in the order of `memodule.emotions.FRAME_CLASSES`.
        neutral: "keep" all five logits; set the neutral one to "zero", so that neutral wins if all others are negative;
            or "drop" it, so that every frame has an emotion.
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
    intervals: npt.ArrayLike,
    frame_emotions: npt.ArrayLike,
    method: Literal["majority", "penalty"] = "majority",
    short: ShortWay = "neutral",
) -> IntArray:
    """(n,) int64 class index of each interval: the most frequent class of its inner frames.

    Frames onset + 1 .. offset - 2 vote, as in the published code. Of equally frequent classes the first one seen wins.
    An interval of up to three frames has no such frame: it is neutral (published code) unless `short` is "vote". So is
    one outside the curve. "penalty" is the published code's rule for the SAMM challenge videos: if more than a fifth of
    the voters are not negative, negative votes do not count.

    Args:
        intervals: (n, 3) onset, apex, offset in sampled frames (they may extend past the curve).
        short: Whether all frames onset .. offset "vote" where there is no inner one.
    """
    classes = np.asarray(frame_emotions, dtype=np.int64).reshape(-1)
    rows = np.asarray(intervals, dtype=np.int64).reshape(-1, 3)
    winners = []
    for onset, _, offset in rows.tolist():
        voters = classes[max(0, onset) + 1 : max(1, offset - 1)]
        if not len(voters) and short == "vote":
            voters = classes[max(0, onset) : max(0, offset + 1)]
        winners.append(_winner(voters.tolist(), method))
    return np.array(winners, dtype=np.int64)


def without_voters(frames: IntArray, length: int) -> npt.NDArray[np.bool_]:
    """(n,) whether intervals (n, 3) have no inner frame on a curve of `length` samples."""
    first, stop = np.maximum(frames[:, 0], 0) + 1, np.maximum(frames[:, 2] - 1, 1)
    return np.asarray(np.minimum(stop, length) <= np.minimum(first, length))


def _winner(voters: list[int], method: Literal["majority", "penalty"]) -> int:
    if method == "penalty":
        others = [vote for vote in voters if vote != _PENALISED]
        if len(others) > _ENOUGH * len(voters):
            voters = others
    return Counter(voters).most_common(1)[0][0] if voters else NEUTRAL
