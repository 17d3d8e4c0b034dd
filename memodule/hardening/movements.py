"""Movements added to windows: expressions, which are labelled, and others, which are not expressions."""

import functools
import math
from typing import Final

import torch
from torch import Tensor

from memodule.hardening.labelled_windows import LabelledWindows, relative
from memodule.hardening.options import Hardening
from memodule.injection.templates import Templates, emotion_strengths

_RISE_S: Final = (0.067, 0.367)
"""Seconds from onset to apex in CAS(ME)^3: 2 to 11 frames at 30 per second."""

_LEAST: Final = 4
"""Samples of the shortest expression; a shorter one leaves no more than two labelled samples."""

_TURN: Final = 0.35
_UNEVEN: Final = 0.3
"""Standard deviations of a region's direction (radians) and size (logarithm) around the template: faces differ."""

_LOPSIDED: Final = 0.35
_WEAK: Final = 0.3
"""Standard deviation of the difference between the sides, and how often a unit stays weak."""


def with_movements(windows: LabelledWindows, hardening: Hardening, rate: float) -> LabelledWindows:
    """Add movements to windows, each seen from its first column on.

    Args:
        rate: Samples per second.
    """
    flow, spot, emotion = windows
    count, _, length = flow.shape
    column = torch.arange(length, device=flow.device, dtype=flow.dtype)
    if hardening.distractors:
        chosen = torch.rand(count, device=flow.device) < hardening.distractors
        directions, _ = _directions(count, flow)
        ways = _other_ways(count, column, rate, flow)
        size = _log_uniform(hardening.injection_px, count, flow) * chosen
        flow = flow + relative(size[:, None, None] * directions[:, :, None] * ways[:, None])
    if hardening.injections:
        free = ~(spot > 0).any(1)
        chosen = free & (torch.rand(count, device=flow.device) < hardening.injections)
        directions, classes = _directions(count, flow)
        duration = (_log_uniform(hardening.injection_s, count, flow) * rate).clamp(min=_LEAST)
        rise = torch.minimum(_log_uniform(_RISE_S, count, flow) * rate, 0.6 * duration)
        # anywhere, as long as one labelled sample is inside
        onset = (2 - duration) + (length + duration - 4) * torch.rand(count, device=flow.device)
        onset, duration = onset.round(), duration.round()
        way = _rise_and_fall(column, onset, rise, torch.zeros_like(rise), duration - rise, 1 + 1.5 * _rand(count, flow))
        size = _log_uniform(hardening.injection_px, count, flow) * chosen
        flow = flow + relative(size[:, None, None] * directions[:, :, None] * way[:, None])
        inside = (column > onset[:, None]) & (column < (onset + duration)[:, None]) & chosen[:, None]
        spot = torch.where(inside, torch.ones_like(spot), spot)
        emotion = torch.where(inside, classes[:, None], emotion)
    return LabelledWindows(flow, spot, emotion)


@functools.cache
def _tables(device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    strengths, emotions, shares = emotion_strengths()
    responses = Templates.generic().responses
    return tuple(torch.as_tensor(table, device=device) for table in (strengths, emotions, shares, responses))  # type: ignore[return-value]


def _directions(count: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Answers (B, 36) of the channels to random expressions, 1 at the region that moves most, and their classes (B,).

    Sides differ, some units stay weak, and every region answers in a somewhat different direction and size.
    """
    strengths, emotions, shares, responses = _tables(like.device)
    drawn = torch.multinomial(shares, count, replacement=True)
    tilt = (_LOPSIDED * torch.randn(count, 1, device=like.device)).clamp(-1, 1)
    sides = torch.cat([1 - tilt.clamp(min=0), 1 + tilt.clamp(max=0)], dim=1).repeat(1, strengths.shape[1] // 2)
    weak = torch.rand(count, strengths.shape[1] // 2, device=like.device) < _WEAK
    level = torch.where(weak, 0.1 + 0.9 * torch.rand(weak.shape, device=like.device), 1.0).repeat_interleave(2, dim=1)
    answers = (strengths[drawn] * sides * level) @ responses
    answers = answers * torch.exp(_UNEVEN * torch.randn_like(answers))
    turn = _TURN * torch.randn(count, 18, device=like.device)
    right, down = answers[:, 0::2], answers[:, 1::2]
    turned = torch.stack([turn.cos() * right - turn.sin() * down, turn.sin() * right + turn.cos() * down], dim=2)
    most = turned.norm(dim=2).amax(dim=1, keepdim=True)
    return turned.flatten(1) / most, emotions[drawn]


def _other_ways(count: int, column: Tensor, rate: float, like: Tensor) -> Tensor:
    """(B, k) courses of movements that are not micro-expressions: slow or lasting ones, and swinging ones."""
    length = len(column)
    rise, hold, fall = (_log_uniform(ends, count, like) * rate for ends in ((0.4, 2.0), (0.05, 1.5), (0.7, 2.0)))
    onset = (length + rise + hold + fall) * _rand(count, like) - (rise + hold + fall)
    slow = _rise_and_fall(column, onset, rise, hold, fall, torch.ones_like(rise))
    hertz, phase = _log_uniform((2.0, 6.0), count, like), 2 * math.pi * _rand(count, like)
    swing = torch.sin(2 * math.pi * hertz[:, None] * column / rate + phase[:, None])
    envelope = 0.6 + 0.4 * torch.sin(2 * math.pi * _rand(count, like)[:, None] * (column / length + 1))
    return torch.where(_rand(count, like)[:, None] < 0.6, slow, 0.5 * swing * envelope)


def _rise_and_fall(column: Tensor, onset: Tensor, rise: Tensor, hold: Tensor, fall: Tensor, tail: Tensor) -> Tensor:
    """(B, k) the course of `synthetic.movements.Movement`, with times (B,) in samples."""
    since = column - onset[:, None]
    up = ((since + 1) / (rise[:, None] + 1)).clamp(0, 1)
    down = ((since - (rise + hold)[:, None]) / (fall[:, None] + 1)).clamp(0, 1)
    risen, left = 0.5 - 0.5 * torch.cos(math.pi * up), 0.5 + 0.5 * torch.cos(math.pi * down)
    return risen * left.clamp(min=0) ** tail[:, None]


def _rand(count: int, like: Tensor) -> Tensor:
    return torch.rand(count, device=like.device)


def _log_uniform(ends: tuple[float, float], count: int, like: Tensor) -> Tensor:
    """(B,) numbers between two ends above 0, log-uniform."""
    low, high = math.log(ends[0]), math.log(ends[1])
    return torch.exp(low + (high - low) * _rand(count, like))
