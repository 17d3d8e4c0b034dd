"""The loops over pixels: the mean of the fastest pixels of a region."""

from typing import Any

import numpy as np

from memodule.flow.compiled.jit import Planes, compiled


@compiled()
def pool(flow: Planes, top: int, bottom: int, left: int, right: int, left_out: int) -> tuple[float, float]:
    """Mean (x, y) of `flow` (2, H, W) over an area (bottom and right exclusive) without its `left_out` slowest pixels.

    Among equally slow pixels, the first in reading order are left out.
    """
    width = right - left
    speeds = np.empty((bottom - top) * width, np.float32)
    for y in range(top, bottom):
        flow_x, flow_y, row = flow[0, y, left:right], flow[1, y, left:right], speeds[(y - top) * width :]
        for x in range(width):
            row[x] = flow_x[x] * flow_x[x] + flow_y[x] * flow_y[x]
    limit = _select(speeds.copy(), left_out)
    at_limit = left_out  # number of pixels at the limit to leave out
    for speed in speeds:
        if speed < limit:
            at_limit -= 1
    total_x, total_y = 0.0, 0.0
    for y in range(top, bottom):
        for x in range(left, right):
            speed = speeds[(y - top) * width + x - left]
            if speed == limit and at_limit > 0:
                at_limit -= 1
            elif speed >= limit:
                total_x += flow[0, y, x]
                total_y += flow[1, y, x]
    kept = len(speeds) - left_out
    return total_x / kept, total_y / kept


@compiled()
def _select(values: Planes, k: int) -> Any:
    """The k-th smallest value (C. A. R. Hoare's selection); reorders the values."""
    low, high = 0, len(values) - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return values[k]
