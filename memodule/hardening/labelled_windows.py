"""Windows of features with the labels of their frames."""

from typing import NamedTuple

from torch import Tensor


class LabelledWindows(NamedTuple):
    """A batch of training windows.

    Attributes:
        flow: (B, 36, k) float32 features in pixels of the crop; the first column is zero.
        spot: (B, k) float32 score target, 0 or 1.
        emotion: (B, k) int64 frame class.
    """

    flow: Tensor
    spot: Tensor
    emotion: Tensor


def relative(flow: Tensor) -> Tensor:
    """Displacements (..., k) relative to their first column, as flow is measured."""
    return flow - flow[..., :1]
