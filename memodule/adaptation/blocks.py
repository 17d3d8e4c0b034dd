"""Which windows share frames: what may be learned from where something else is scored.

Windows overlap, so a window next to a scored one holds half of its frames. Two sets of windows are apart where no
window of one shares a sampled frame with a window of the other.
"""

import itertools
from typing import Final

import numpy as np
import numpy.typing as npt

Starts = npt.NDArray[np.int64]
"""(W,) sampled frame at which each window of a recording starts."""

Mask = npt.NDArray[np.bool_]

_PIECE: Final = 3
"""Lengths of a window that are held back at once: five half-overlapping windows."""

_EVERY: Final = 4
"""One of so many pieces is held back."""


def apart(starts: Starts, length: int, others: Mask) -> Mask:
    """(W,) the windows that share no frame with any of the windows `others` (W,)."""
    there = np.sort(starts[others])
    after = np.searchsorted(there, starts - length, side="right")  # the first one that is not wholly before
    nearest = np.append(there, np.iinfo(np.int64).max)[after]
    return np.asarray(nearest >= starts + length)


def cut(starts: Starts, blocks: int) -> list[Mask]:
    """Split the windows of a recording into consecutive blocks of about equal length; every window is in one."""
    edges = np.quantile(np.unique(starts), np.arange(1, blocks) / blocks)
    block = np.searchsorted(edges, starts, side="left")
    return [block == number for number in range(blocks)]


def hold_back(starts: Starts, length: int, usable: Mask) -> Mask:
    """(W,) the usable windows that are held back from training, to see when to stop.

    The usable stretches are cut into pieces of three windows' length, and one of four is held back whole: a network
    that knows a second of motion by heart is not to be praised for the next half second.
    """
    held = np.zeros(len(starts), dtype=bool)
    order = np.argsort(starts, kind="stable")
    order = order[usable[order]]
    breaks = np.flatnonzero(np.diff(starts[order]) > length)
    stretches = np.split(order, breaks + 1) if len(order) else []
    number = _EVERY // 2
    for stretch in stretches:
        begin, end = starts[stretch[0]], starts[stretch[-1]] + length
        pieces = max(1, round((end - begin) / (_PIECE * length)))
        edges = np.linspace(begin, end, pieces + 1)
        for first, last in itertools.pairwise(edges):
            if number % _EVERY == 0:
                held[stretch] |= (starts[stretch] >= first) & (starts[stretch] + length <= last)
            number += 1
    return held
