"""Farneback's dense optical flow between a reference patch and other patches of the same size."""

import abc
from typing import Any, Final, Literal, cast

import cv2
import numpy as np
from typing_extensions import override

from memodule.datasets.frames import Gray
from memodule.flow.pooling import Flow, pool
from memodule.flow.regions import Region

PYRAMID_SCALE: Final = 0.5
PYRAMID_LEVELS: Final = 3
WINDOW_SIZE: Final = 15
ITERATIONS: Final = 5
POLYNOMIAL_SIZE: Final = 7
POLYNOMIAL_SIGMA: Final = 1.5

EngineName = Literal["auto", "opencv", "numba"]
"""Which implementation to use; "auto" is the fastest one that is installed."""


class FlowEngine(abc.ABC):
    """Computes flow; what it prepares from a reference patch serves all frames of a window."""

    name: EngineName

    @abc.abstractmethod
    def reference(self, patch: Gray) -> Any:
        """What this engine's `flow` needs of a reference patch (h, w) uint8."""

    @abc.abstractmethod
    def flow(self, reference: Any, patch: Gray) -> Flow:
        """Motion from the reference patch to `patch` (h, w) of the same size: (2, h, w) float32, x and y in pixels."""

    def pool(self, flow: Flow, region: Region) -> tuple[float, float]:
        """Mean flow (x, y) of the region's fastest pixels, as `memodule.flow.pooling.pool` defines it."""
        return pool(flow, region)


class OpenCvEngine(FlowEngine):
    """OpenCV's implementation: always available, but it expands the reference patch again for every frame."""

    name: EngineName = "opencv"

    @override
    def reference(self, patch: Gray) -> Gray:
        return patch

    @override
    def flow(self, reference: Gray, patch: Gray) -> Flow:
        flow = cv2.calcOpticalFlowFarneback(
            reference,
            patch,
            cast(Flow, None),
            PYRAMID_SCALE,
            PYRAMID_LEVELS,
            WINDOW_SIZE,
            ITERATIONS,
            POLYNOMIAL_SIZE,
            POLYNOMIAL_SIGMA,
            0,
        )
        return cast(Flow, np.moveaxis(flow, 2, 0))
