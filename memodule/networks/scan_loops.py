"""The loops of `scan_numba`: numba code on float32 arrays, without PyTorch.

A tile of channels is swept forward in time, four states at once, and back again for the gradients. The data of one
sweep is in two small arrays, `rows` (one row per frame) and `quad` (the four states), which hold the values of the tile
at constant offsets. They fit into the fastest caches, and the compiler sees that nothing overlaps, so it computes
several channels per instruction. A narrow layer fills the start of each. Copies to and from the tile use
one-dimensional slices, because the compiler would copy number by number into a larger array.

The first call in a fresh installation compiles for some seconds; the compiled code is cached next to this file or in
the user's cache folder.
"""

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

LOG2E: Final = math.log2(math.e)

Array = NDArray[np.float32]
_Function = TypeVar("_Function", bound=Callable[..., Any])

_LN2, _ZERO = np.float32(math.log(2)), np.float32(0)
_TILE = 256
_X, _DT, _Y, _DX, _DDT, _H, _E, _ROW = (_TILE * i for i in (0, 1, 2, 3, 4, 5, 9, 13))
"""Offsets in a row: x = dt u, dt, output (or its gradient), gradients, and for each of four states its value before the
frame and the factor that scales it; the length of a row."""
_A, _G, _DA, _QUAD = (_TILE * i for i in (0, 4, 8, 12))
"""Offsets in a quad: decay, the state (or its gradient), gradient of the decay, each for four states; its length."""
_0, _1, _2, _3 = (_TILE * i for i in range(4))
"""Offsets of the four states from there."""


def compiled(function: _Function, fastmath: bool | set[str] = True) -> _Function:
    """Compile with all fast-math optimisations."""
    try:
        compiled = numba.njit(function, fastmath=fastmath, error_model="numpy", nogil=True, cache=True)
    except RuntimeError:  # no folder to cache the compiled code
        compiled = numba.njit(function, fastmath=fastmath, error_model="numpy", nogil=True)
    return cast(_Function, compiled)


def _compiled_in_order(function: _Function) -> _Function:
    """Compile with all fast-math optimisations except re-association, which cancels `+ magic - magic`."""
    return compiled(function, {"contract", "nnan", "ninf", "nsz"})


@_compiled_in_order
def exp2(v: np.float32) -> np.float32:
    """2^v for v <= 0, relative error below 2e-7: a whole power through the exponent bits times a polynomial."""
    magic = np.float32(1.5 * 2**23)  # adding it rounds to a whole number, stored in the lowest bits
    v = max(v, np.float32(-126))
    rounded = v + magic
    f = v - (rounded - magic)
    p = np.float32(0.00133982229) * f + np.float32(0.00967017383)
    p = p * f + np.float32(0.0555033656)
    p = p * f + np.float32(0.240222117)
    p = p * f + np.float32(0.693147209)
    p = p * f + np.float32(1)
    bits = np.float32(p).view(np.int32) + (np.float32(rounded).view(np.int32) << np.int32(23))
    return np.int32(bits).view(np.float32)


@compiled
def _scratch(count: int) -> Array:
    """Memory aligned to a cache line: vectors that cross two lines take twice the time."""
    memory = np.empty(count + 16, np.float32)
    first = (-memory.ctypes.data % 64) // 4
    return memory[first : first + count]


@compiled
def _fill_rows(rows: Array, u: Array, dt: Array, first: int, width: int) -> None:
    """Zero the sums in the rows and copy in the tile of channels that starts at `first`."""
    for t in range(len(rows)):
        rows[t, _Y:_H] = _ZERO
        row, u_row, dt_row = rows[t], u[t, first : first + width], dt[t, first : first + width]
        for j in range(width):
            row[_X + j] = dt_row[j] * u_row[j]
            row[_DT + j] = dt_row[j]


@compiled
def _fill_quad(quad: Array, decay: Array, first: int, width: int, n: int) -> None:
    """Reset the states n to n + 3, with the decay of the tile of channels that starts at `first`."""
    quad[_G:] = _ZERO
    for k in range(4):
        start, row = _A + k * _TILE, decay[n + k, first : first + width]
        for j in range(width):
            quad[start + j] = row[j]


@compiled
def _step(quad: Array, i: int, x: np.float32, dt: np.float32, b: np.float32) -> np.float32:
    """Advance state i of the quad by one frame; returns it."""
    h: np.float32 = quad[_G + i] * exp2(dt * quad[_A + i]) + x * b
    quad[_G + i] = h
    return h


@compiled
def _step_kept(row: Array, quad: Array, i: int, x: np.float32, dt: np.float32, b: np.float32) -> np.float32:
    """As `_step`, and store the previous state and its factor in the row."""
    h, e = quad[_G + i], exp2(dt * quad[_A + i])
    row[_H + i] = h
    row[_E + i] = e
    after: np.float32 = h * e + x * b
    quad[_G + i] = after
    return after


@compiled
def _step_back(row: Array, quad: Array, i: int, g: np.float32, dt: np.float32) -> np.float32:
    """Move g, the gradient of state i, back by one frame; returns its contribution to the gradient of dt."""
    g = g * row[_E + i]
    quad[_G + i] = g
    p = g * row[_H + i]  # gradient of the exponent dt A
    quad[_DA + i] += p * dt
    ddt: np.float32 = p * quad[_A + i]
    return ddt


@compiled
def _sweep_output(rows: Array, quad: Array, B: Array, C: Array, n: int, width: int) -> None:
    """Add the contribution of the states n to n + 3 to the output."""
    for t in range(len(rows)):
        row = rows[t]
        b0, b1, b2, b3 = B[t, n], B[t, n + 1], B[t, n + 2], B[t, n + 3]
        c0, c1, c2, c3 = C[t, n], C[t, n + 1], C[t, n + 2], C[t, n + 3]
        for j in range(width):
            x, dt = row[_X + j], row[_DT + j]
            h0, h1 = _step(quad, _0 + j, x, dt, b0), _step(quad, _1 + j, x, dt, b1)
            h2, h3 = _step(quad, _2 + j, x, dt, b2), _step(quad, _3 + j, x, dt, b3)
            row[_Y + j] += h0 * c0 + h1 * c1 + h2 * c2 + h3 * c3


@compiled
def _sweep_states(rows: Array, quad: Array, B: Array, dC: Array, n: int, width: int) -> None:
    """Store the states n to n + 3 before each frame, and their factors, in the rows; add to dC."""
    for t in range(len(rows)):
        row = rows[t]
        b0, b1, b2, b3 = B[t, n], B[t, n + 1], B[t, n + 2], B[t, n + 3]
        s0, s1, s2, s3 = _ZERO, _ZERO, _ZERO, _ZERO
        for j in range(width):
            x, dt, dy = row[_X + j], row[_DT + j], row[_Y + j]
            s0 += _step_kept(row, quad, _0 + j, x, dt, b0) * dy
            s1 += _step_kept(row, quad, _1 + j, x, dt, b1) * dy
            s2 += _step_kept(row, quad, _2 + j, x, dt, b2) * dy
            s3 += _step_kept(row, quad, _3 + j, x, dt, b3) * dy
        dC[t, n] += s0
        dC[t, n + 1] += s1
        dC[t, n + 2] += s2
        dC[t, n + 3] += s3


@compiled
def _sweep_back(
    rows: Array, quad: Array, backwards: NDArray[np.int64], B: Array, C: Array, dB: Array, n: int, width: int
) -> None:
    """Add the contribution of the states n to n + 3 to all other gradients; that of their decay stays in the quad.

    `backwards` holds the frames from last to first: in a loop that counts down the compiler would have to assume
    overlap and would not vectorise over channels.
    """
    for t in backwards:
        row = rows[t]
        b0, b1, b2, b3 = B[t, n], B[t, n + 1], B[t, n + 2], B[t, n + 3]
        c0, c1, c2, c3 = C[t, n], C[t, n + 1], C[t, n + 2], C[t, n + 3]
        s0, s1, s2, s3 = _ZERO, _ZERO, _ZERO, _ZERO
        for j in range(width):
            x, dt, dy = row[_X + j], row[_DT + j], row[_Y + j]
            g0, g1 = quad[_G + _0 + j] + c0 * dy, quad[_G + _1 + j] + c1 * dy
            g2, g3 = quad[_G + _2 + j] + c2 * dy, quad[_G + _3 + j] + c3 * dy
            s0, s1, s2, s3 = s0 + g0 * x, s1 + g1 * x, s2 + g2 * x, s3 + g3 * x
            row[_DX + j] += g0 * b0 + g1 * b1 + g2 * b2 + g3 * b3
            ddt0, ddt1 = _step_back(row, quad, _0 + j, g0, dt), _step_back(row, quad, _1 + j, g1, dt)
            ddt2, ddt3 = _step_back(row, quad, _2 + j, g2, dt), _step_back(row, quad, _3 + j, g3, dt)
            row[_DDT + j] += ddt0 + ddt1 + ddt2 + ddt3
        dB[t, n] += s0
        dB[t, n + 1] += s1
        dB[t, n + 2] += s2
        dB[t, n + 3] += s3


@compiled
def _finish(row: Array, u: Array, D: Array, gate: Array, y: Array, out: Array) -> None:
    """Fill y and out of the tile for one frame."""
    for j in range(len(u)):
        y[j] = row[_Y + j] + u[j] * D[j]
        out[j] = y[j] * gate[j]


@compiled
def _begin_gradients(row: Array, dout: Array, gate: Array, y: Array, dgate: Array) -> None:
    """Store the gradient of the ungated output in the row of one frame, and fill dgate."""
    for j in range(len(dout)):
        row[_Y + j] = dout[j] * gate[j]
        dgate[j] = dout[j] * y[j]


@compiled
def _finish_gradients(row: Array, u: Array, dt: Array, D: Array, du: Array, ddt: Array, dD: Array) -> None:
    """Fill du and ddt of the tile for one frame, and add to dD."""
    for j in range(len(u)):
        du[j] = row[_DX + j] * dt[j] + row[_Y + j] * D[j]
        ddt[j] = row[_DX + j] * u[j] + row[_DDT + j] * _LN2
        dD[j] += row[_Y + j] * u[j]


@compiled
def scan_forward(
    decay: Array, D: Array, u: Array, dt: Array, B: Array, C: Array, gate: Array, y: Array, out: Array
) -> None:
    """Fill y and out (batch, L, D), the output before and after the gate.

    decay is A * LOG2E, transposed to (N, D), the others are as in `selective_scan`; N must be a multiple of four.
    """
    batch, length, channels = u.shape
    rows, quad = _scratch(length * _DX).reshape(length, _DX), _scratch(_DA)
    for b in range(batch):
        for first in range(0, channels, _TILE):
            width = min(_TILE, channels - first)
            _fill_rows(rows, u[b], dt[b], first, width)
            for n in range(0, len(decay), 4):
                _fill_quad(quad, decay, first, width, n)
                _sweep_output(rows, quad, B[b], C[b], n, width)
            tile = slice(first, first + width)
            for t in range(length):
                _finish(rows[t], u[b, t, tile], D[tile], gate[b, t, tile], y[b, t, tile], out[b, t, tile])


@compiled
def scan_backward(
    decay: Array,
    D: Array,
    u: Array,
    dt: Array,
    B: Array,
    C: Array,
    gate: Array,
    y: Array,
    dout: Array,
    du: Array,
    ddt: Array,
    dA: Array,
    dB: Array,
    dC: Array,
    dD: Array,
    dgate: Array,
) -> None:
    """Fill the gradients du, ddt, dgate and dA (batch, N, D), and add to dB, dC and dD (batch, D), which must be zero.

    decay is A * LOG2E, transposed to (N, D); dA is the gradient of A itself; N must be a multiple of four.
    """
    batch, length, channels = u.shape
    rows, quad = _scratch(length * _ROW).reshape(length, _ROW), _scratch(_QUAD)
    backwards = np.arange(length - 1, -1, -1)
    for b in range(batch):
        for first in range(0, channels, _TILE):
            width = min(_TILE, channels - first)
            tile = slice(first, first + width)
            _fill_rows(rows, u[b], dt[b], first, width)
            for t in range(length):
                _begin_gradients(rows[t], dout[b, t, tile], gate[b, t, tile], y[b, t, tile], dgate[b, t, tile])
            for n in range(0, len(decay), 4):
                _fill_quad(quad, decay, first, width, n)
                _sweep_states(rows, quad, B[b], dC[b], n, width)
                _fill_quad(quad, decay, first, width, n)
                _sweep_back(rows, quad, backwards, B[b], C[b], dB[b], n, width)
                for k in range(4):
                    start = _DA + k * _TILE
                    dA[b, n + k, tile] = quad[start : start + width]
            for t in range(length):
                u_row, dt_row = u[b, t, tile], dt[b, t, tile]
                _finish_gradients(rows[t], u_row, dt_row, D[tile], du[b, t, tile], ddt[b, t, tile], dD[b, tile])
