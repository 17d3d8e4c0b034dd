"""Farneback's flow, compiled with numba: bit-equal to OpenCV's on patches of one pyramid level, and far faster.

The flow of a pair of patches needs, for every pixel of both, the quadratic polynomial that fits its neighbourhood.
OpenCV expands both patches for every pair; here the reference patch is expanded once per window. The rest of the gain
comes from the arrangement of the loops over pixels.

The method is G. Farneback's, "Two-frame motion estimation based on polynomial expansion" (SCIA 2003), with OpenCV's
conventions: box window, border weights, pyramid, 1e-3 added to the determinant, and no target where a pixel leaves the
patch.
"""

import dataclasses
from typing import Final

import cv2
import numpy as np
from typing_extensions import override

from memodule.datasets.frames import Gray
from memodule.flow.compiled.expansion import expand
from memodule.flow.compiled.jit import Planes
from memodule.flow.compiled.pooling import pool
from memodule.flow.compiled.refinement import refine
from memodule.flow.farneback import PYRAMID_LEVELS, PYRAMID_SCALE, EngineName, FlowEngine
from memodule.flow.pooling import Flow
from memodule.flow.regions import Region

_SMALLEST_SIDE: Final = 32
_BORDER: Final = (0.14, 0.14, 0.4472, 0.4472, 0.4472)


@dataclasses.dataclass(frozen=True, slots=True)
class _Level:
    """A pyramid level of a reference patch: expansion (5, H, W), weights (H * W,) and x, y (2, H * W) of the pixels."""

    expansion: Planes
    weights: Planes
    places: Planes


class NumbaEngine(FlowEngine):
    """The compiled implementation. The first use on a machine compiles, later ones load the result."""

    name: EngineName = "numba"

    @override
    def reference(self, patch: Gray) -> list[_Level]:
        return [_level(expand(_shrunk(patch, i))) for i in range(_pyramid_levels(patch), -1, -1)]

    @override
    def flow(self, reference: list[_Level], patch: Gray) -> Flow:
        flow: Flow | None = None
        for i, level in zip(range(len(reference) - 1, -1, -1), reference, strict=True):
            current = expand(_shrunk(patch, i))
            moving = flow is not None
            shape = level.expansion.shape[1:]
            flow = np.zeros((2, *shape), np.float32) if flow is None else _enlarged(flow, shape)
            refine(level.expansion, current, level.weights, level.places, flow, moving)
        assert flow is not None
        return flow

    @override
    def pool(self, flow: Flow, region: Region) -> tuple[float, float]:
        area = region.area
        if area.is_empty:
            return 0.0, 0.0
        left_out = int(area.height * area.width * (1 - region.share))
        x, y = pool(flow, area.top, area.bottom, area.left, area.right, left_out)
        return x, y


def _level(expansion: Planes) -> _Level:
    height, width = expansion.shape[1:]
    places = np.mgrid[:height, :width][::-1].reshape(2, -1).astype(np.float32)
    return _Level(expansion, _border_weights(height, width).ravel(), np.ascontiguousarray(places))


def _pyramid_levels(patch: Gray) -> int:
    """Number of coarser levels: none whose shorter side would be below 32 pixels."""
    sides = (min(patch.shape) * PYRAMID_SCALE**level for level in range(1, PYRAMID_LEVELS + 1))
    return sum(side >= _SMALLEST_SIDE for side in sides)


def _shrunk(patch: Gray, level: int) -> Planes:
    """The patch at a pyramid level: smoothed, and halved per level."""
    scale = PYRAMID_SCALE**level
    sigma = (1 / scale - 1) / 2
    size = max(round(sigma * 5) | 1, 3)
    smooth = cv2.GaussianBlur(patch.astype(np.float32), (size, size), sigma)
    if level:
        smooth = cv2.resize(smooth, (round(patch.shape[1] * scale), round(patch.shape[0] * scale)))
    return smooth.astype(np.float32, copy=False)


def _enlarged(flow: Flow, shape: tuple[int, ...]) -> Flow:
    """The flow of a pyramid level in pixels of the next finer one, whose (H, W) is `shape`."""
    pixels = cv2.resize(np.ascontiguousarray(np.moveaxis(flow, 0, 2)), (shape[1], shape[0])) / PYRAMID_SCALE
    return np.ascontiguousarray(np.moveaxis(pixels, 2, 0), np.float32)


def _border_weights(height: int, width: int) -> Planes:
    """Weights of pixels near the border, (H, W) float32.

    OpenCV compares unsigned numbers, so the weights partly fail to apply where there are fewer than 10 pixels.
    """
    (weights_y, near_y), (weights_x, near_x) = (_weights_along(size) for size in (height, width))
    return np.where(near_y[:, None] | near_x, weights_y[:, None] * weights_x, np.float32(1))


def _weights_along(size: int) -> tuple[Planes, np.typing.NDArray[np.bool_]]:
    """Weights along one axis, and where they apply."""
    weights = np.ones(size, np.float32)
    for i, weight in enumerate(_BORDER[:size]):
        weights[i] *= np.float32(weight)
        weights[size - 1 - i] *= np.float32(weight)
    edge = len(_BORDER)
    return weights, (np.arange(size) - edge).astype(np.uint32) >= np.array(size - 2 * edge).astype(np.uint32)
