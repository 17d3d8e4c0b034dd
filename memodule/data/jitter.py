"""The random amplitude of training windows (published code: .9 to 1.1)."""

import torch
from torch import Tensor


def jittered(flow: Tensor, jitter: float) -> Tensor:
    """Multiply each window by one factor, drawn evenly from 1 - jitter .. 1 + jitter.

    Args:
        flow: (B, 36, k).
        jitter: Within 0 .. 1; 0 changes nothing.

    Returns:
        A changed copy, or `flow` itself where nothing changes.
    """
    if not jitter:
        return flow
    return flow * (1 + jitter * (2 * torch.rand(len(flow), 1, 1, device=flow.device) - 1))
