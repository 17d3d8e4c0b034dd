"""Which parts of a video were analysed. Other parts are never reported as free of micro-expressions.

The extractor looks for the face in the first frame of every window, that is every half window at least, and then frame
by frame until it finds one. Between two searches that found the face, it is assumed to be visible.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from memodule.flow.parameters import FlowParameters
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


def find_stretches(
    windows: Sequence[WindowQuality], parameters: FlowParameters, stale: Sequence[bool], rate: float
) -> list[Stretch]:
    """Split the samples of a video into those that were analysed and those that were not.

    Args:
        windows: In order; where they begin, `parameters` say in samples.
        stale: Whether each sample of the video has no frame of its own.

    Returns:
        Stretches that cover all samples in order, without gaps.
    """
    count, starts = len(stale), parameters.starts(len(windows)).tolist()
    why = np.full(count, -1)
    why[_without_face(windows, starts, parameters.window, count, math.ceil(_BRIDGED * rate))] = 0
    why[_lost(windows, starts, parameters, count) & (why < 0)] = 2
    why[np.asarray(stale, dtype=bool)] = 1
    edges = [0, *(np.flatnonzero(np.diff(why)) + 1).tolist(), count]
    return [
        Stretch(first, stop - 1, None if why[first] < 0 else _REASONS[why[first]])
        for first, stop in itertools.pairwise(edges)
        if stop > first
    ]


def _lost(
    windows: Sequence[WindowQuality], starts: Sequence[int], parameters: FlowParameters, count: int
) -> npt.NDArray[np.bool_]:
    """(count,) whether half of the phases could not follow the face in most frames of the window that ends there."""
    length, votes = parameters.window, np.zeros(count, np.int64)
    for w, (window, start) in enumerate(zip(windows, starts, strict=True)):
        if window.reference is not None and window.saturated > (length - window.reference) / 2:
            votes[start if w < parameters.phases else start + parameters.stride : start + length] += 1
    return votes * 2 >= parameters.phases


def _without_face(
    windows: Sequence[WindowQuality], starts: Sequence[int], length: int, count: int, bridged: int
) -> npt.NDArray[np.bool_]:
    """(count,) whether the face was missing, or had been lost since the last search."""
    seen = np.full(count + length, -1)  # 1 face, 0 no face, -1 not searched
    for window, start in zip(windows, starts, strict=True):
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
