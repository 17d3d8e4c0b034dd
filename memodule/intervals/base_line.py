"""The base line of a score curve: what the score is where nothing happens, which may drift."""

from typing import Final

import numpy as np

from memodule.intervals.base import FloatArray
from memodule.intervals.timing import Timing

_MICRO: Final = 8.0
_MACRO: Final = 3.0
"""The base line looks this many usual durations far, so that no expression is part of it."""


def above_base_line(curve: FloatArray, timing: Timing) -> FloatArray:
    """A curve (T,) above its running median, taken over eight micro- and at least three macro-expressions.

    A constant does not change it, and a slow drift hardly does.
    """
    from scipy.ndimage import median_filter

    window = round(max(_MICRO * timing.duration.median, _MACRO * timing.macro.median if timing.macro else 0)) | 1
    if window >= len(curve):
        return np.asarray(curve - np.median(curve))
    return np.asarray(curve - median_filter(curve, size=window, mode="reflect"))
