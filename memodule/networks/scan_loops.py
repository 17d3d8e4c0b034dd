"""The loops of `scan_numba`: numba code on float32 arrays, without PyTorch.

A tile of channels is swept forward in time, two states at once, and for the gradients back again. What one sweep needs
lies in two small arrays, `rows` (a row for each frame) and `pair` (the two states), in which the values of the tile
follow one another at constant offsets; it fits into the nearest caches, and the compiler sees that nothing overlaps, so
that it computes several channels in one instruction. Channels beyond the last are zeros that change nothing.

The first call in a fresh installation compiles for some seconds; the compiled code is kept beside this file or in the
user's cache folder.
"""

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

LOG2E: Final = math.log2(math.e)

_Array = NDArray[np.float32]
_Function = TypeVar("_Function", bound=Callable[..., Any])

_LN2, _ZERO = np.float32(math.log(2)), np.float32(0)
_TILE = 128
_X, _DT, _Y, _DX, _DDT, _H0, _E0, _H1, _E1 = range(0, 9 * _TILE, _TILE)
"""Where in a row: x = dt u, dt, output (or its gradient), gradients, and for both states what they were before the
frame and the factor they are scaled with."""
_A0, _A1, _G0, _G1, _DA0, _DA1 = range(0, 6 * _TILE, _TILE)
"""Where in a pair: decay, the state (or its gradient), gradient of the decay; each for both states."""


def _compiled(function: _Function, fastmath: bool | set[str] = True) -> _Function:
    try:
        compiled = numba.njit(function, fastmath=fastmath, error_model="numpy", nogil=True, cache=True)
    except RuntimeError:  # no folder where the compiled code could be kept
        compiled = numba.njit(function, fastmath=fastmath, error_model="numpy", nogil=True)
    return cast(_Function, compiled)


def _compiled_in_order(function: _Function) -> _Function:
    """Compile with every liberty of fast mathematics but re-association, which cancels `+ magic - magic`."""
    return _compiled(function, {"contract", "nnan", "ninf", "nsz"})


@_compiled_in_order
def _exp2(v: np.float32) -> np.float32:
    """2^v for v <= 0, relative error below 2e-7: a whole power through the exponent bits times a polynomial."""
    magic = np.float32(1.5 * 2**23)  # adding it rounds to a whole number, which then stands in the lowest bits
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


@_compiled
def _fill_rows(rows: _Array, u: _Array, dt: _Array, first: int, width: int) -> None:
    """Zero the sums in the rows and put in the tile of channels that begins at `first`."""
    rows[:] = _ZERO
    for t in range(len(rows)):
        for j in range(width):
            rows[t, _X + j] = dt[t, first + j] * u[t, first + j]
            rows[t, _DT + j] = dt[t, first + j]


@_compiled
def _fill_pair(pair: _Array, decay: _Array, first: int, width: int, n: int, m: int) -> None:
    """Put both states to rest."""
    pair[:] = _ZERO
    for j in range(width):
        pair[_A0 + j] = decay[n, first + j]
        pair[_A1 + j] = decay[m, first + j]


@_compiled
def _sweep_output(
    rows: _Array, pair: _Array, decay: _Array, B: _Array, C: _Array, first: int, width: int, n: int
) -> None:
    """Add to the output what the states n and n + 1 give; an odd last state is paired with one that gets no input."""
    m = min(n + 1, len(decay) - 1)
    live = np.float32(m - n)
    _fill_pair(pair, decay, first, width, n, m)
    for t in range(len(rows)):
        row = rows[t]
        b0, c0, b1, c1 = B[t, n], C[t, n], B[t, m] * live, C[t, m]
        for j in range(_TILE):
            x, dt = row[_X + j], row[_DT + j]
            h0 = pair[_G0 + j] * _exp2(dt * pair[_A0 + j]) + x * b0
            h1 = pair[_G1 + j] * _exp2(dt * pair[_A1 + j]) + x * b1
            pair[_G0 + j] = h0
            pair[_G1 + j] = h1
            row[_Y + j] += h0 * c0 + h1 * c1


@_compiled
def _sweep_states(
    rows: _Array, pair: _Array, decay: _Array, B: _Array, dC: _Array, first: int, width: int, n: int
) -> None:
    """Keep in the rows what the states n and n + 1 were before each frame, and their factors; add to dC."""
    m = min(n + 1, len(decay) - 1)
    live = np.float32(m - n)
    _fill_pair(pair, decay, first, width, n, m)
    for t in range(len(rows)):
        row = rows[t]
        b0, b1 = B[t, n], B[t, m] * live
        s0, s1 = _ZERO, _ZERO
        for j in range(_TILE):
            x, dt, dy = row[_X + j], row[_DT + j], row[_Y + j]
            e0, e1 = _exp2(dt * pair[_A0 + j]), _exp2(dt * pair[_A1 + j])
            h0, h1 = pair[_G0 + j], pair[_G1 + j]
            row[_E0 + j] = e0
            row[_H0 + j] = h0
            row[_E1 + j] = e1
            row[_H1 + j] = h1
            h0 = h0 * e0 + x * b0
            h1 = h1 * e1 + x * b1
            pair[_G0 + j] = h0
            pair[_G1 + j] = h1
            s0 += h0 * dy
            s1 += h1 * dy
        dC[t, n] += s0
        dC[t, m] += s1


@_compiled
def _sweep_back(
    rows: _Array,
    pair: _Array,
    backwards: NDArray[np.int64],
    decay: _Array,
    B: _Array,
    C: _Array,
    dA: _Array,
    dB: _Array,
    first: int,
    width: int,
    n: int,
) -> None:
    """Add to all other gradients what comes through the states n and n + 1.

    `backwards` are the frames from last to first, as an array: for a loop that counts down the compiler assumes the
    worst about overlap and gives up computing several channels at once.
    """
    m = min(n + 1, len(decay) - 1)
    live = np.float32(m - n)
    _fill_pair(pair, decay, first, width, n, m)
    for t in backwards:
        row = rows[t]
        b0, c0, b1, c1 = B[t, n], C[t, n], B[t, m], C[t, m] * live
        s0, s1 = _ZERO, _ZERO
        for j in range(_TILE):
            x, dt, dy = row[_X + j], row[_DT + j], row[_Y + j]
            g0, g1 = pair[_G0 + j] + c0 * dy, pair[_G1 + j] + c1 * dy
            s0 += g0 * x
            s1 += g1 * x
            row[_DX + j] += g0 * b0 + g1 * b1
            g0, g1 = g0 * row[_E0 + j], g1 * row[_E1 + j]
            pair[_G0 + j] = g0
            pair[_G1 + j] = g1
            p0, p1 = g0 * row[_H0 + j], g1 * row[_H1 + j]  # gradients of the exponents dt A
            pair[_DA0 + j] += p0 * dt
            pair[_DA1 + j] += p1 * dt
            row[_DDT + j] += p0 * pair[_A0 + j] + p1 * pair[_A1 + j]
        dB[t, n] += s0
        dB[t, m] += s1
    for j in range(width):
        dA[m, first + j] = pair[_DA1 + j]
        dA[n, first + j] = pair[_DA0 + j]


@_compiled
def scan_forward(decay: _Array, u: _Array, dt: _Array, B: _Array, C: _Array, y: _Array) -> None:
    """Fill y (batch, L, D); decay is A * LOG2E, transposed to (N, D), the others are as in `selective_scan`."""
    batch, length, channels = u.shape
    rows, pair = np.empty((length, 3 * _TILE), np.float32), np.empty(4 * _TILE, np.float32)
    for b in range(batch):
        for first in range(0, channels, _TILE):
            width = min(_TILE, channels - first)
            _fill_rows(rows, u[b], dt[b], first, width)
            for n in range(0, len(decay), 2):
                _sweep_output(rows, pair, decay, B[b], C[b], first, width, n)
            for t in range(length):
                for j in range(width):
                    y[b, t, first + j] = rows[t, _Y + j]


@_compiled
def scan_backward(
    decay: _Array,
    u: _Array,
    dt: _Array,
    B: _Array,
    C: _Array,
    dy: _Array,
    du: _Array,
    ddt: _Array,
    dA: _Array,
    dB: _Array,
    dC: _Array,
) -> None:
    """Fill the gradients du, ddt and dA (batch, N, D), and add to dB and dC, which must come as zeros.

    decay is A * LOG2E, transposed to (N, D); dA is the gradient of A itself.
    """
    batch, length, channels = u.shape
    rows, pair = np.empty((length, 9 * _TILE), np.float32), np.empty(6 * _TILE, np.float32)
    backwards = np.arange(length - 1, -1, -1)
    for b in range(batch):
        for first in range(0, channels, _TILE):
            width = min(_TILE, channels - first)
            _fill_rows(rows, u[b], dt[b], first, width)
            for t in range(length):
                for j in range(width):
                    rows[t, _Y + j] = dy[b, t, first + j]
            for n in range(0, len(decay), 2):
                _sweep_states(rows, pair, decay, B[b], dC[b], first, width, n)
                _sweep_back(rows, pair, backwards, decay, B[b], C[b], dA[b], dB[b], first, width, n)
            for t in range(length):
                for j in range(width):
                    dx = rows[t, _DX + j]
                    du[b, t, first + j] = dx * dt[b, t, first + j]
                    ddt[b, t, first + j] = dx * u[b, t, first + j] + rows[t, _DDT + j] * _LN2
