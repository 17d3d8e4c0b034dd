"""A trained network over all windows of a video, a bounded number at a time."""

import torch
from torch import Tensor, nn

from memodule.emotions import FRAME_CLASSES


def score_in_passes(network: nn.Module, flow: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """Run a network over windows, `limit` at a time, which bounds its memory and changes no result.

    Args:
        network: Maps flow (B, 36, k) to scores (B, k) and logits (B, k, 5).
        flow: (W, 36, k); W may be 0.

    Returns:
        Scores (W, k) in 0..1 and class logits (W, k, 5), float32 whatever the precision of the network.
    """
    passes = [network(flow[first : first + limit]) for first in range(0, len(flow), limit)]
    if not passes:  # too short for a window, or the filler of an empty shard
        return flow.new_zeros(0, flow.shape[-1]), flow.new_zeros(0, flow.shape[-1], len(FRAME_CLASSES))
    spot, logits = (torch.cat(parts).float() for parts in zip(*passes, strict=True))
    return spot, logits
