"""The random amplitude of training windows (published code: .9 to 1.1)."""

import torch
from torch import Tensor


def jittered(flow: Tensor, jitter: float) -> Tensor:
    """Multiply each window (B, 36, k) by its own factor, uniform in 1 - jitter .. 1 + jitter (jitter in 0 .. 1)."""
    if not jitter:
        return flow
    return flow * (1 + jitter * (2 * torch.rand(len(flow), 1, 1, device=flow.device) - 1))
