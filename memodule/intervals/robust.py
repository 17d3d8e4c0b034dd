"""A spread that outliers hardly move."""

import numpy as np

from memodule.intervals.base import FloatArray


def robust_deviation(values: FloatArray) -> float:
    """Standard deviation of (n,) normal values, from their median absolute deviation (1.4826 times that)."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
