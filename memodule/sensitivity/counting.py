"""Which of the added movements were found."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from memodule.decoding.protocol import Protocol
from memodule.metrics.functional.matching import interval_iou, match_intervals

Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class SpottedCurve:
    """What a spotter made of a recording.

    Attributes:
        score: (n,) score of each sample; NaN where nothing was analysed.
        found: (m, 3) detections: onset, apex, offset in samples, inclusive.
    """

    score: npt.NDArray[np.float32]
    found: Ints

    @property
    def analysed(self) -> npt.NDArray[np.bool_]:
        """(n,) whether each sample was analysed."""
        return np.asarray(np.isfinite(self.score))


@dataclasses.dataclass(frozen=True)
class Counted:
    """Whether one movement was found.

    Attributes:
        matched: By the protocol: a detection is matched with it.
        touched: Leniently: a detection overlaps it that was not there before.
        chance: Whether the untouched recording has a detection that the protocol would match with it.
    """

    matched: bool
    touched: bool
    chance: bool


def count(
    movements: Sequence[tuple[int, int, int]], untouched: SpottedCurve, spotted: SpottedCurve, protocol: Protocol
) -> list[Counted]:
    """Count each movement of one pass, given as onset, apex and offset in samples.

    A detection was there before if the untouched recording has one with at least the protocol's IoU.
    """
    wanted = np.array(movements, dtype=np.int64).reshape(-1, 3)
    matched = set(match_intervals(spotted.found, wanted, protocol.iou, protocol.matching).tolist())
    chance = set(match_intervals(untouched.found, wanted, protocol.iou, protocol.matching).tolist())
    known = interval_iou(spotted.found, untouched.found)
    new = spotted.found[~(known >= protocol.iou).any(axis=1)]
    touched = np.count_nonzero(interval_iou(new, wanted), axis=0) > 0
    return [Counted(i in matched, bool(touched[i]), i in chance) for i in range(len(wanted))]


def inside(movements: Sequence[tuple[int, int, int]], samples: int) -> Ints:
    """(samples,) the number of the movement that each sample is in; -1 outside."""
    where = np.full(samples, -1)
    for number, (onset, _, offset) in enumerate(movements):
        where[onset : offset + 1] = number
    return where
