"""Farneback's dense optical flow between a reference patch and other patches of the same size."""

from typing import Any, Final, Literal, Protocol, cast

import cv2
import numpy as np

from memodule.flow.face import Gray
from memodule.flow.pooling import Flow, pool
from memodule.flow.regions import Region

PYRAMID_SCALE: Final = 0.5
PYRAMID_LEVELS: Final = 3
WINDOW_SIZE: Final = 15
ITERATIONS: Final = 5
POLYNOMIAL_SIZE: Final = 7
POLYNOMIAL_SIGMA: Final = 1.5


EngineName = Literal["auto", "opencv", "numba"]
"""Which implementation to use; "auto" takes the fastest one that is installed."""


class FlowEngine(Protocol):
    """Something that computes flow. What it prepares of a reference patch serves all frames of a window."""

    name: EngineName

    def reference(self, patch: Gray) -> Any:
        """What `flow` needs to know of a reference patch.

        Args:
            patch: (h, w) uint8.

        Returns:
            Anything; only this engine's `flow` looks at it.
        """

    def flow(self, reference: Any, patch: Gray) -> Flow:
        """Motion from the reference patch to `patch`, which has the same size.

        Args:
            reference: What `reference` gave.
            patch: (h, w) uint8.

        Returns:
            (2, h, w) float32, x and y in pixels.
        """

    def pool(self, flow: Flow, region: Region) -> tuple[float, float]:
        """Mean flow of the region's fastest pixels, as `memodule.flow.pooling.pool` defines it.

        Args:
            flow: (2, h, w).
            region: Which part of the patch.

        Returns:
            x and y in pixels.
        """


class OpenCvEngine:
    """OpenCV's implementation: on every machine, but it expands the reference patch anew for every frame."""

    name: EngineName = "opencv"

    def reference(self, patch: Gray) -> Gray:
        """The patch itself.

        Args:
            patch: (H, W) uint8.

        Returns:
            The same array.
        """
        return patch

    def flow(self, reference: Gray, patch: Gray) -> Flow:
        """Motion from the reference patch to `patch`.

        Args:
            reference: What `reference` gave.
            patch: (H, W) uint8, of the size of the reference.

        Returns:
            (2, H, W) float32 x and y motion in pixels of the patch.
        """
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

    def pool(self, flow: Flow, region: Region) -> tuple[float, float]:
        """Mean flow of the region's fastest pixels.

        Args:
            flow: (2, H, W) motion.
            region: Part of the patch, and the share of its pixels that counts.

        Returns:
            x and y in pixels; 0, 0 for an empty region.
        """
        return pool(flow, region)
