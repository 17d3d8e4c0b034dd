"""The loops over pixels: from the expansions of two images to the motion between them.

Planes of an expansion: y, x, yy, xx, xy. Planes of the normal equations: G11, G12, G22, h1, h2. Planes and rows are
taken out of their arrays before a loop, and loops cover long runs of pixels instead of rows.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from memodule.flow.compiled.jit import Planes, compiled
from memodule.flow.farneback import ITERATIONS, WINDOW_SIZE

_HALF: Final = WINDOW_SIZE // 2
_RUN: Final = 1024
"""Pixels processed at a time: few enough for the fastest cache."""


@compiled()
def refine(reference: Planes, current: Planes, weights: Planes, places: Planes, flow: Planes, moving: bool) -> None:
    """Improve a flow in place.

    Args:
        reference: Expansion of the reference image, (5, H, W).
        current: Expansion of the current image, (5, H, W).
        weights: Weights of the pixels, (H * W,).
        places: x and y of the pixels, (2, H * W).
        flow: x and y of the flow, (2, H, W); replaced.
        moving: Whether the flow is nonzero at the start.
    """
    _, height, width = flow.shape
    pixels = height * width
    equations = np.empty((5, height, width), np.float32)
    flat_reference, flat_current = reference.reshape(5, pixels), current.reshape(5, pixels)
    flat_flow, flat_equations = flow.reshape(2, pixels), equations.reshape(5, pixels)
    moved = np.empty((5, _RUN), np.float32)
    inside = np.empty(_RUN, np.bool_)
    corners = np.empty(_RUN, np.int32)
    shares = np.empty((4, _RUN), np.float32)
    for i in range(ITERATIONS):
        for start in range(0, pixels, _RUN):
            stop = min(start + _RUN, pixels)
            if moving or i > 0:
                _locate(flat_flow, places, height, width, start, stop, corners, shares, inside)
                _sample(flat_current, width, stop - start, corners, shares, moved)
            else:
                _stay(flat_current, places, height, width, start, stop, moved, inside)
            _combine(flat_reference, moved, inside, flat_flow, weights, start, stop, flat_equations)
        _solve(equations, flow)


@compiled()
def _stay(
    current: Planes, places: Planes, height: int, width: int, start: int, stop: int, moved: Planes, inside: Any
) -> None:
    """The samples of pixels that have not moved; the last row and column count as outside."""
    for c in range(5):
        source, target = current[c, start:stop], moved[c]
        for x in range(stop - start):  # assigning slices would compile for seconds
            target[x] = source[x]
    place_x, place_y = places[0, start:stop], places[1, start:stop]
    last_x, last_y = np.float32(width - 2), np.float32(height - 2)
    for x in range(stop - start):
        inside[x] = (place_x[x] <= last_x) & (place_y[x] <= last_y)


@compiled()
def _locate(
    flow: Planes,
    places: Planes,
    height: int,
    width: int,
    start: int,
    stop: int,
    corners: npt.NDArray[np.int32],
    shares: Planes,
    inside: npt.NDArray[np.bool_],
) -> None:
    """Where the pixels have moved: the upper left of the four pixels there, the weights of the four, and if inside.

    Pixels that have left the image get the index 0.
    """
    flow_x, flow_y = flow[0, start:stop], flow[1, start:stop]
    place_x, place_y = places[0, start:stop], places[1, start:stop]
    share_0, share_1, share_2, share_3 = shares[0], shares[1], shares[2], shares[3]
    zero, one, last_x, last_y = np.float32(0), np.float32(1), np.float32(width - 2), np.float32(height - 2)
    for x in range(stop - start):
        at_x, at_y = place_x[x] + flow_x[x], place_y[x] + flow_y[x]
        left, top = np.floor(at_x), np.floor(at_y)
        within = (left >= zero) & (left <= last_x) & (top >= zero) & (top <= last_y)
        inside[x] = within
        corners[x] = np.int32(top) * np.int32(width) + np.int32(left) if within else np.int32(0)
        right, down = at_x - left, at_y - top
        share_0[x] = (one - right) * (one - down)
        share_1[x] = right * (one - down)
        share_2[x] = (one - right) * down
        share_3[x] = right * down


@compiled()
def _sample(
    current: Planes, width: int, count: int, corners: npt.NDArray[np.int32], shares: Planes, moved: Planes
) -> None:
    """Bilinear samples of the five planes where the pixels have moved."""
    share_0, share_1, share_2, share_3 = shares[0], shares[1], shares[2], shares[3]
    from_0, from_1, from_2, from_3, from_4 = current[0], current[1], current[2], current[3], current[4]
    moved_0, moved_1, moved_2, moved_3, moved_4 = moved[0], moved[1], moved[2], moved[3], moved[4]
    for x in range(count):
        i = np.uint32(corners[x])  # unsigned: no test for negative indices
        j, k, m = i + np.uint32(1), i + np.uint32(width), i + np.uint32(width) + np.uint32(1)
        a, b, c, d = share_0[x], share_1[x], share_2[x], share_3[x]
        moved_0[x] = a * from_0[i] + b * from_0[j] + c * from_0[k] + d * from_0[m]
        moved_1[x] = a * from_1[i] + b * from_1[j] + c * from_1[k] + d * from_1[m]
        moved_2[x] = a * from_2[i] + b * from_2[j] + c * from_2[k] + d * from_2[m]
        moved_3[x] = a * from_3[i] + b * from_3[j] + c * from_3[k] + d * from_3[m]
        moved_4[x] = a * from_4[i] + b * from_4[j] + c * from_4[k] + d * from_4[m]


@compiled()
def _combine(
    reference: Planes,
    moved: Planes,
    inside: npt.NDArray[np.bool_],
    flow: Planes,
    weights: Planes,
    start: int,
    stop: int,
    equations: Planes,
) -> None:
    """The normal equations of the pixels; where the sample is outside, from the reference alone."""
    ref_y, ref_x, ref_yy = reference[0, start:stop], reference[1, start:stop], reference[2, start:stop]
    ref_xx, ref_xy, weight = reference[3, start:stop], reference[4, start:stop], weights[start:stop]
    mov_y, mov_x, mov_yy, mov_xx, mov_xy = moved[0], moved[1], moved[2], moved[3], moved[4]
    g11, g12, g22 = equations[0, start:stop], equations[1, start:stop], equations[2, start:stop]
    h1, h2, flow_x, flow_y = (
        equations[3, start:stop],
        equations[4, start:stop],
        flow[0, start:stop],
        flow[1, start:stop],
    )
    zero, half, quarter = np.float32(0), np.float32(0.5), np.float32(0.25)
    for x in range(stop - start):
        within, dx, dy, scale = inside[x], flow_x[x], flow_y[x], weight[x]
        yy = (ref_yy[x] + mov_yy[x]) * half if within else ref_yy[x]
        xx = (ref_xx[x] + mov_xx[x]) * half if within else ref_xx[x]
        xy = (ref_xy[x] + mov_xy[x]) * quarter if within else ref_xy[x] * half
        by = ((ref_y[x] - (mov_y[x] if within else zero)) * half + (yy * dy + xy * dx)) * scale
        bx = ((ref_x[x] - (mov_x[x] if within else zero)) * half + (xy * dy + xx * dx)) * scale
        yy, xx, xy = yy * scale, xx * scale, xy * scale
        g11[x] = yy * yy + xy * xy
        g12[x] = (yy + xx) * xy
        g22[x] = xx * xx + xy * xy
        h1[x] = yy * by + xy * bx
        h2[x] = xy * by + xx * bx


@compiled()
def _solve(equations: Planes, flow: Planes) -> None:
    """Average the equations over 15 x 15 pixels (border pixels repeated) and solve them, into `flow`."""
    _, height, width = equations.shape
    n = _HALF
    boxes = np.empty((5, width), np.float64)
    box_0, box_1, box_2, box_3, box_4 = boxes[0], boxes[1], boxes[2], boxes[3], boxes[4]
    columns = _first_columns(equations)
    scale = 1 / (WINDOW_SIZE * WINDOW_SIZE)
    for y in range(height):
        above, below = max(y - n - 1, 0), min(y + n, height - 1)
        for c in range(5):
            for x in range(width):
                columns[c, n + 1 + x] += equations[c, below, x] - equations[c, above, x]
            first, last = columns[c, n + 1], columns[c, n + width]
            columns[c, n] = first
            for x in range(n):
                columns[c, x], columns[c, n + 1 + width + x] = first, last
        _slide(columns, boxes)
        for x in range(width):
            g11, g12, g22 = box_0[x] * scale, box_1[x] * scale, box_2[x] * scale
            h1, h2 = box_3[x] * scale, box_4[x] * scale
            inverse = 1 / (g11 * g22 - g12 * g12 + 1e-3)
            flow[0, y, x] = (g11 * h2 - g12 * h1) * inverse
            flow[1, y, x] = (g22 * h1 - g12 * h2) * inverse


@compiled()
def _first_columns(equations: Planes) -> npt.NDArray[np.float64]:
    """Sums over the columns just above the first row's, with n + 1 entries before and n after the first row."""
    _, height, width = equations.shape
    n = _HALF
    columns = np.empty((5, width + WINDOW_SIZE), np.float64)
    for c in range(5):
        for x in range(width):
            columns[c, n + 1 + x] = np.float64(equations[c, 0, x] * np.float32(n + 2))
        for y in range(1, n):
            row = min(y, height - 1)
            for x in range(width):
                columns[c, n + 1 + x] += equations[c, row, x]
    return columns


@compiled()
def _slide(columns: npt.NDArray[np.float64], boxes: npt.NDArray[np.float64]) -> None:
    """Sums of 15 neighbouring column sums; five planes at a time, because each sum depends on the one before it."""
    n, width = _HALF, boxes.shape[1]
    col_0, col_1, col_2, col_3, col_4 = columns[0], columns[1], columns[2], columns[3], columns[4]
    box_0, box_1, box_2, box_3, box_4 = boxes[0], boxes[1], boxes[2], boxes[3], boxes[4]
    k = n + 1
    sum_0, sum_1, sum_2 = col_0[k] * (n + 2), col_1[k] * (n + 2), col_2[k] * (n + 2)
    sum_3, sum_4 = col_3[k] * (n + 2), col_4[k] * (n + 2)
    for x in range(n + 2, WINDOW_SIZE):
        sum_0, sum_1, sum_2 = sum_0 + col_0[x], sum_1 + col_1[x], sum_2 + col_2[x]
        sum_3, sum_4 = sum_3 + col_3[x], sum_4 + col_4[x]
    for x in range(width):
        sum_0 += col_0[x + WINDOW_SIZE] - col_0[x]
        sum_1 += col_1[x + WINDOW_SIZE] - col_1[x]
        sum_2 += col_2[x + WINDOW_SIZE] - col_2[x]
        sum_3 += col_3[x + WINDOW_SIZE] - col_3[x]
        sum_4 += col_4[x + WINDOW_SIZE] - col_4[x]
        box_0[x], box_1[x], box_2[x], box_3[x], box_4[x] = sum_0, sum_1, sum_2, sum_3, sum_4
