"""Random changes of training windows that keep their labels true."""

import dataclasses
from typing import Final

import torch
from torch import Tensor

from memodule.errors import UserError

MIRRORED_REGION: Final = (4, 5, 6, 7, 0, 1, 2, 3, 8, 10, 9, 11, 12, 13, 15, 14, 17, 16)
"""For each of the 18 regions the one on the other side of the face (the mouth's middle mirrors onto itself)."""


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What is done to a training batch; only the jitter is published, the rest is off unless asked for.

    Attributes:
        jitter: Each window is scaled by one factor drawn from 1 - jitter .. 1 + jitter (published: .1).
        mirror: Probability that a window's face is mirrored: regions change sides, horizontal flow changes sign.
        region_dropout: Probability that a region of a window is set to zero, as if it had not moved.
    """

    jitter: float = 0.1
    mirror: float = 0.0
    region_dropout: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise UserError(f"data.{field.name}: {getattr(self, field.name)} is outside 0 .. 1")

    def __call__(self, flow: Tensor) -> Tensor:
        """Change a batch of windows.

        Args:
            flow: (B, 36, k); channel 2 r is the horizontal, 2 r + 1 the vertical flow of region r.

        Returns:
            The changed copy.
        """
        count, device = len(flow), flow.device
        if self.jitter:
            factor = 1 + self.jitter * (2 * torch.rand(count, 1, 1, device=device) - 1)
            flow = flow * factor
        if self.mirror:
            chosen = torch.rand(count, 1, 1, device=device) < self.mirror
            flow = torch.where(chosen, mirrored(flow), flow)
        if self.region_dropout:
            kept = torch.rand(count, flow.shape[1] // 2, 1, device=device) >= self.region_dropout
            flow = flow * kept.repeat_interleave(2, dim=1)
        return flow


def mirrored(flow: Tensor) -> Tensor:
    """The windows (B, 36, k) of the mirrored face.

    Exact for the movement itself; the features are not quite symmetric, since the published pooling keeps 20 % of the
    pixels around left brow landmarks but 30 % around right ones.
    """
    source = torch.tensor([2 * region + axis for region in MIRRORED_REGION for axis in (0, 1)], device=flow.device)
    sign = flow.new_tensor([-1, 1]).repeat(len(MIRRORED_REGION))
    return flow[:, source] * sign[:, None]
