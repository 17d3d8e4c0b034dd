"""Windows of mirrored faces."""

from typing import Final

import torch
from torch import Tensor

from memodule.flow.regions import REGIONS


def _twin(region: str) -> str:
    for side, other in (("left", "right"), ("right", "left")):
        if side in region:
            return region.replace(side, other)
    return region


_ORDER: Final = [2 * REGIONS.index(_twin(region)) + axis for region in REGIONS for axis in (0, 1)]
_SIGNS: Final = [-1.0, 1.0] * len(REGIONS)  # right is left in the mirror, down stays down


def mirrored(flow: Tensor, share: float) -> Tensor:
    """Mirror a share of windows (B, 36, k): regions change sides, and horizontal motion its sign."""
    twin = flow[:, _ORDER] * torch.tensor(_SIGNS, device=flow.device)[:, None]
    return torch.where(torch.rand(len(flow), 1, 1, device=flow.device) < share, twin, flow)
