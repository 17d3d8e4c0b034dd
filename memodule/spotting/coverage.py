"""Which parts of a video were analysed. Other parts are never reported as free of micro-expressions.

The extractor looks for the face in the first frame of every window, that is every half window, and then frame by frame
until it finds one. Between two searches that found the face, it is assumed to be visible.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from memodule.flow.quality import WindowQuality

Reason = Literal["no face", "no frames", "head too fast to follow, or face lost"]
"""Why a part was not analysed."""

_REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

_BRIDGED: Final = 0.2
"""Seconds for which the detector may miss the face without the part before it being lost."""


@dataclasses.dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive samples, `last` included, and the reason why they were not analysed; None if they were."""

    first: int
    last: int
    reason: Reason | None


def find_stretches(windows: Sequence[WindowQuality], length: int, stale: Sequence[bool], rate: float) -> list[Stretch]:
    """Split the samples of a video into those that were analysed and those that were not.

    Args:
        windows: Window w starts at sample w * length // 2.
        length: Samples per window, even.
        stale: Whether each sample of the video has no frame of its own.

    Returns:
        Stretches that cover all samples in order, without gaps.
    """
    count = len(stale)
    why = np.full(count, -1)
    why[_without_face(windows, length, count, math.ceil(_BRIDGED * rate))] = 0
    for w, window in enumerate(windows):
        if window.reference is not None and window.saturated > (length - window.reference) / 2:
            second_half = slice(0 if w == 0 else (w + 1) * length // 2, (w + 2) * length // 2)
            why[second_half] = np.where(why[second_half] < 0, 2, why[second_half])
    why[np.asarray(stale, dtype=bool)] = 1
    edges = [0, *(np.flatnonzero(np.diff(why)) + 1).tolist(), count]
    return [
        Stretch(first, stop - 1, None if why[first] < 0 else _REASONS[why[first]])
        for first, stop in itertools.pairwise(edges)
        if stop > first
    ]


def _without_face(windows: Sequence[WindowQuality], length: int, count: int, bridged: int) -> npt.NDArray[np.bool_]:
    """(count,) whether the face was missing, or had been lost since the last search."""
    seen = np.full(count + length, -1)  # 1 face, 0 no face, -1 not searched
    for w, window in enumerate(windows):
        start = w * (length // 2)
        stop = start + (length if window.reference is None else window.reference)
        seen[start:stop] = 0
        if window.reference is not None:
            seen[stop] = 1
    missing = np.zeros(count, dtype=bool)
    faces = np.flatnonzero(seen[:count] == 1)
    for before, after in zip([-1, *faces.tolist()], [*faces.tolist(), count], strict=True):
        missed = int((seen[before + 1 : after] == 0).sum())
        if missed > bridged or (before < 0 and missed) or (after == count and missed):
            missing[before + 1 : after] = True
    return missing
