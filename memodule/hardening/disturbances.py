"""What cameras, heads and a measurement that goes wrong do to features, whatever the face expresses."""

import math
from typing import Final

import torch
from torch import Tensor

from memodule.hardening.labelled_windows import relative
from memodule.hardening.options import Hardening
from memodule.injection.templates import Templates

_MODES: Final = 10
"""Independent motions of which the motion of a window is mixed; the first ones move all regions."""

_GLOBAL: Final = 3
_SHAPE: Final = 1.2
"""Size of turns, stretches and shears of the face, where a shift is 1; what is left of a head's motion once that of the
nose has been subtracted is rather these than shifts."""

_WIDTH: Final = (0.12, 0.8)
"""How far around its centre a motion reaches, in distances between the outer eye corners."""

_SLOPE: Final = (0.5, 4.0)
"""Exponents of the spectra of motion: from nearly white to smooth."""

_ERRATIC: Final = (1.0, 30.0)
"""Sizes of erratic flow in pixels; real recordings reach 60 where the head has turned away."""


def disturbed(flow: Tensor, hardening: Hardening) -> Tensor:
    """Windows (B, 36, k) with gain, offset, motion, drift, noise and failures, as far as they are on."""
    if hardening.gain:
        flow = flow * (1 + hardening.gain * _even(flow, 36, 1))
    if hardening.motion:
        flow = flow + _motion(flow, hardening.motion)
    if hardening.slips:
        flow = flow + _slips(flow, hardening.slips)
    if hardening.drift:
        ramp = torch.linspace(0, 1, flow.shape[2], device=flow.device)
        flow = flow + _level(flow, hardening.drift) * _even(flow, 36, 1) * ramp
    if hardening.noise:
        flow = flow + _noise(flow, hardening.noise, hardening.noise_memory)
    if hardening.failures:
        flow = flow + _failures(flow, hardening.failures)
    if hardening.offset:
        moved = _level(flow, hardening.offset) * _even(flow, 36, 1)
        flow = torch.cat([flow[:, :, :1], flow[:, :, 1:] + moved], dim=2)
    return flow


def without_regions(flow: Tensor, probability: float) -> Tensor:
    """Windows (B, 36, k) in which some regions are lost."""
    kept = torch.rand(len(flow), 18, 1, device=flow.device) >= probability
    return flow * kept.repeat_interleave(2, dim=1)


def _level(flow: Tensor, most: float) -> Tensor:
    """(B, 1, 1) sizes up to `most`, small ones more often."""
    return most * torch.rand(len(flow), 1, 1, device=flow.device) ** 3


def _even(flow: Tensor, *shape: int) -> Tensor:
    """(B, *shape) numbers between -1 and 1."""
    return 2 * torch.rand(len(flow), *shape, device=flow.device) - 1


def _between(flow: Tensor, ends: tuple[float, float], *shape: int) -> Tensor:
    """(B, *shape) numbers between two ends, as often below as above their geometric mean."""
    low, high = math.log(ends[0]), math.log(ends[1])
    return torch.exp(low + (high - low) * torch.rand(len(flow), *shape, device=flow.device))


def _motion(flow: Tensor, most: float) -> Tensor:
    """Motion that neighbouring regions share: a mixture of smooth random ways, each around a region."""
    count, _, length = flow.shape
    places = torch.as_tensor(Templates.generic().places, device=flow.device)
    distances = torch.cdist(places, places) ** 2
    centres = torch.randint(18, (count, _MODES), device=flow.device)
    reach = torch.exp(-distances[centres] / (2 * _between(flow, _WIDTH, _MODES, 1) ** 2))  # (B, modes, 18)
    angle = math.pi * _even(flow, _MODES)[..., None]
    fields = torch.stack([reach * torch.cos(angle), reach * torch.sin(angle)], dim=3)  # (B, modes, 18, 2)
    fields[:, :_GLOBAL] = _linear_fields(flow, _GLOBAL)
    sizes = torch.exp(0.9 * torch.randn(count, _MODES, 1, device=flow.device) - 0.7)
    ways = _level(flow, most) * sizes * _smooth_ways(flow, count * _MODES, length).view(count, _MODES, length)
    return fields.flatten(2).transpose(1, 2) @ ways


def _linear_fields(flow: Tensor, modes: int) -> Tensor:
    """(B, modes, 18, 2) shifts, turns, stretches and shears of the whole face, roughly of unit size."""
    places = torch.as_tensor(Templates.generic().places, device=flow.device)
    shift = 0.7 * torch.randn(len(flow), modes, 1, 2, device=flow.device)
    shape = _SHAPE * torch.randn(len(flow), modes, 2, 2, device=flow.device)
    return shift + places @ shape + 0.15 * torch.randn(len(flow), modes, 18, 2, device=flow.device)


def _smooth_ways(flow: Tensor, count: int, length: int) -> Tensor:
    """(count, k) random ways from 0 with spectra f^-a, of unit mean square."""
    samples = 4 * length  # cut from the middle of a longer way, so that they are not periodic
    frequency = torch.fft.rfftfreq(samples, device=flow.device)[1:]
    slope = _SLOPE[0] + (_SLOPE[1] - _SLOPE[0]) * torch.rand(count, 1, device=flow.device)
    spectrum = torch.randn(count, len(frequency), 2, device=flow.device) * (frequency ** (-slope / 2))[..., None]
    ways = torch.fft.irfft(torch.nn.functional.pad(torch.view_as_complex(spectrum), (1, 0)), samples)
    ways = relative(ways[:, length : 2 * length])
    return ways / (ways.square().mean(1, keepdim=True).sqrt() + 1e-9)


def _noise(flow: Tensor, most: float, memory: float) -> Tensor:
    """Noise of its own in every channel; that of the reference frame is in all later columns."""
    own = 0.3 + 1.4 * torch.rand(len(flow), 36, 1, device=flow.device)
    noise = torch.randn_like(flow)
    if memory:
        noise = _remembered(noise, memory * torch.rand(len(flow), 1, device=flow.device))
    return relative(_level(flow, most) * own * noise)


def _slips(flow: Tensor, most: float) -> Tensor:
    """Heavy-tailed steps that add up and are forgotten sooner or later; (B, 36, k) from 0."""
    count, _, length = flow.shape
    steps = length - 1
    region = 0.7 * torch.randn(count, 18, 1, device=flow.device)
    own, shared = torch.randn(count, 18, steps, device=flow.device), torch.randn(count, 1, steps, device=flow.device)
    size = torch.exp(region + 0.9 * own + 0.9 * _remembered(shared, torch.full_like(shared[..., 0], 0.8)))
    together = _linear_fields(flow, steps).permute(0, 2, 3, 1)  # (B, 18, 2, k - 1)
    share = torch.rand(count, 1, 1, 1, device=flow.device)
    direction = share.sqrt() * together + (1 - share).sqrt() * torch.randn_like(together)
    step = (_level(flow, most)[..., None] * size[:, :, None] * direction).reshape(count, 36, steps)
    kept = 1 - 0.6 * torch.rand(count, 36, device=flow.device) ** 2
    way = _added_up(step, kept)
    return torch.nn.functional.pad(way, (1, 0))


def _added_up(steps: Tensor, kept: Tensor) -> Tensor:
    """(B, c, k) sums of steps so far, of which a share `kept` (B, c) lasts from one sample to the next."""
    columns = [steps[..., 0]]
    for column in steps.unbind(2)[1:]:
        columns.append(kept * columns[-1] + column)
    return torch.stack(columns, dim=2)


def _remembered(noise: Tensor, kept: Tensor) -> Tensor:
    """White noise (B, c, k) of unit variance with a memory: correlation `kept` (B, c) from one sample to the next."""
    fresh = torch.sqrt(1 - kept**2)[..., None]
    return _added_up(torch.cat([noise[..., :1], fresh * noise[..., 1:]], dim=2), kept)


def _failures(flow: Tensor, share: float) -> Tensor:
    """In some windows, from a moment on and for a while, erratic values in some regions."""
    count, _, length = flow.shape
    column = torch.arange(length, device=flow.device)
    begins = length * (1.5 * torch.rand(count, 1, 1, device=flow.device) - 0.5)
    lasts = _between(flow, (1.0, 2.0 * length), 1, 1)
    now = (column >= begins) & (column < begins + lasts) & (column > 0)
    affected = torch.rand(count, 18, 1, device=flow.device) < 0.1 + 0.9 * torch.rand(count, 1, 1, device=flow.device)
    failing = torch.rand(count, 1, 1, device=flow.device) < share
    sudden = torch.rand(count, 1, 1, device=flow.device) < 0.5  # a jump with some noise, or noise alone
    jump = torch.where(sudden, torch.randn(count, 36, 1, device=flow.device), 0.0)
    spread = torch.where(sudden, 0.05 + 0.5 * torch.rand(count, 1, 1, device=flow.device), 1.0)
    erratic = _between(flow, _ERRATIC, 1, 1) * (jump + spread * torch.randn_like(flow))
    return erratic * (now & failing & affected.repeat_interleave(2, dim=1))
