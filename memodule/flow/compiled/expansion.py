"""The loops over pixels: polynomial expansion of an image.

Like all compiled loops here, they let the compiler process eight pixels at once: one contiguous plane per coefficient,
filters written out. Beyond that nothing may be reordered or fused: every sum is added in OpenCV's order and precision.
Another order occasionally flips the decision whether a pixel has left the patch, which moves the flow by up to 5e-4 px.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from memodule.flow.compiled.jit import Planes, compiled
from memodule.flow.farneback import POLYNOMIAL_SIGMA, POLYNOMIAL_SIZE


def _taps() -> npt.NDArray[np.float32]:
    """Weights of the offsets 0 .. 7: Gaussian, Gaussian times offset, Gaussian times squared offset; (3, 8)."""
    offsets = np.arange(-POLYNOMIAL_SIZE, POLYNOMIAL_SIZE + 1, dtype=np.float64)
    gauss = np.exp(-(offsets**2) / (2 * POLYNOMIAL_SIGMA**2)).astype(np.float32)
    gauss = (gauss * (1 / gauss.sum(dtype=np.float64))).astype(np.float32)
    return np.stack([gauss, offsets * gauss, offsets**2 * gauss])[:, POLYNOMIAL_SIZE:].astype(np.float32)


def _fit(gauss: npt.NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Entries (x, x), (1, x²), (x², x²), (xy, xy) of the inverse Gram matrix of 1, x, y, x², y², xy.

    Moments are multiplied in single and added in double precision.
    """
    weights = np.concatenate([gauss[:0:-1], gauss])
    x = np.arange(-POLYNOMIAL_SIZE, POLYNOMIAL_SIZE + 1, dtype=np.float32)
    plain = weights[:, None] * weights[None]
    square = plain * x * x
    m0, m2 = plain.sum(dtype=np.float64), square.sum(dtype=np.float64)
    m4, m22 = (square * x * x).sum(dtype=np.float64), (square * x[:, None] * x[:, None]).sum(dtype=np.float64)
    inverse = np.linalg.inv(np.array([[m0, m2, m2], [m2, m4, m22], [m2, m22, m4]]))
    return 1 / m2, inverse[0, 1], inverse[1, 1], 1 / m22


_G, _XG, _XXG = (tuple(row) for row in _taps())
_FIRST, _CONSTANT, _SECOND, _MIXED = _fit(_taps()[0])


@compiled(inline=True)
def _even(row: Any, x: int, taps: Any) -> Any:
    """Symmetric filter around row[x + 7], added in double precision."""
    return (
        np.float64(taps[0] * row[x + 7])
        + np.float64(taps[1] * (row[x + 8] + row[x + 6]))
        + np.float64(taps[2] * (row[x + 9] + row[x + 5]))
        + np.float64(taps[3] * (row[x + 10] + row[x + 4]))
        + np.float64(taps[4] * (row[x + 11] + row[x + 3]))
        + np.float64(taps[5] * (row[x + 12] + row[x + 2]))
        + np.float64(taps[6] * (row[x + 13] + row[x + 1]))
        + np.float64(taps[7] * (row[x + 14] + row[x]))
    )


@compiled(inline=True)
def _even_double(row: Any, x: int, taps: Any) -> Any:
    """Symmetric filter around row[x + 7], multiplied and added in double precision (except the middle)."""
    return (
        np.float64(taps[0] * row[x + 7])
        + np.float64(taps[1]) * np.float64(row[x + 8] + row[x + 6])
        + np.float64(taps[2]) * np.float64(row[x + 9] + row[x + 5])
        + np.float64(taps[3]) * np.float64(row[x + 10] + row[x + 4])
        + np.float64(taps[4]) * np.float64(row[x + 11] + row[x + 3])
        + np.float64(taps[5]) * np.float64(row[x + 12] + row[x + 2])
        + np.float64(taps[6]) * np.float64(row[x + 13] + row[x + 1])
        + np.float64(taps[7]) * np.float64(row[x + 14] + row[x])
    )


@compiled(inline=True)
def _odd(row: Any, x: int, taps: Any) -> Any:
    """Antisymmetric filter around row[x + 7], added in double precision."""
    return (
        np.float64(taps[1] * (row[x + 8] - row[x + 6]))
        + np.float64(taps[2] * (row[x + 9] - row[x + 5]))
        + np.float64(taps[3] * (row[x + 10] - row[x + 4]))
        + np.float64(taps[4] * (row[x + 11] - row[x + 3]))
        + np.float64(taps[5] * (row[x + 12] - row[x + 2]))
        + np.float64(taps[6] * (row[x + 13] - row[x + 1]))
        + np.float64(taps[7] * (row[x + 14] - row[x]))
    )


@compiled()
def expand(image: Planes) -> Planes:
    """Polynomial expansion (5, H, W) of an image (H, W) float32; border pixels are repeated beyond it."""
    height, width = image.shape
    n = POLYNOMIAL_SIZE
    out = np.empty((5, height, width), np.float32)
    sums = np.empty((3, width + 2 * n), np.float32)
    plain, linear, squared = sums[0], sums[1], sums[2]
    for y in range(height):
        _filter_columns(image, y, plain[n : n + width], linear[n : n + width], squared[n : n + width])
        for i in range(3):
            first, last = sums[i, n], sums[i, n + width - 1]
            for x in range(n):
                sums[i, x], sums[i, n + width + x] = first, last
        for x in range(width):
            out[0, y, x] = _even(linear, x, _G) * _FIRST
            out[4, y, x] = _odd(linear, x, _XG) * _MIXED
        for x in range(width):
            out[1, y, x] = _odd(plain, x, _XG) * _FIRST
        for x in range(width):
            constant = _even_double(plain, x, _G) * _CONSTANT
            out[2, y, x] = constant + _even(squared, x, _G) * _SECOND
            out[3, y, x] = constant + _even_double(plain, x, _XXG) * _SECOND
    return out


@compiled()
def _filter_columns(image: Planes, y: int, plain: Any, linear: Any, squared: Any) -> None:
    """Around row y: weighted sums of the columns, of columns times dy, and of columns times dy²."""
    height, width = image.shape
    for x in range(width):
        plain[x] = image[y, x] * _G[0]
        linear[x] = 0
        squared[x] = 0
    for k in range(1, POLYNOMIAL_SIZE + 1):
        above, below = max(y - k, 0), min(y + k, height - 1)
        g, xg, xxg = _G[k], _XG[k], _XXG[k]
        for x in range(width):
            both = image[above, x] + image[below, x]
            plain[x] += g * both
            linear[x] += xg * (image[below, x] - image[above, x])
            squared[x] += xxg * both
