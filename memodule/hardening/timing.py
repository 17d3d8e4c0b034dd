"""Windows that run faster or slower, and frames that a recording has lost."""

import math

import torch
from torch import Tensor

from memodule.hardening.labelled_windows import LabelledWindows, relative


def retimed(windows: LabelledWindows, time_warp: float, lost_frames: float) -> LabelledWindows:
    """Read each window at other times: evenly faster or slower, with frames repeated and skipped.

    A window that would run beyond its end stops at its last column. Labels are those of the nearest column.
    """
    flow, spot, emotion = windows
    count, channels, length = flow.shape
    at = _times(count, length, time_warp, lost_frames, flow)
    before = at.floor().long().clamp(max=length - 2)
    share = (at - before)[:, None]
    columns = before[:, None].expand(-1, channels, -1)
    first, second = flow.gather(2, columns), flow.gather(2, columns + 1)
    nearest = at.round().long()
    return LabelledWindows(
        relative(first + share * (second - first)), spot.gather(1, nearest), emotion.gather(1, nearest)
    )


def _times(count: int, length: int, time_warp: float, lost_frames: float, like: Tensor) -> Tensor:
    """(B, k) rising columns of the original windows, in fractions."""
    steps = torch.ones(count, length - 1, device=like.device)
    if lost_frames:
        lost = lost_frames * torch.rand(count, 1, device=like.device)
        chance = torch.rand_like(steps)
        steps = torch.where(chance < lost, 0.0, torch.where(chance > 1 - lost, 2.0, steps))
    at = torch.nn.functional.pad(steps.cumsum(1), (1, 0))
    if time_warp:
        way = 2 * torch.rand(count, 1, device=like.device) - 1
        at = at * torch.exp(way * math.log1p(time_warp))
    spare = (length - 1 - at[:, -1:]).clamp(min=0)
    return (at + spare * torch.rand_like(spare)).clamp(max=length - 1)
