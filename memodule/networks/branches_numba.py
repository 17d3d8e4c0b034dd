"""The steps of a Mamba layer between its first projection and the scan, as compiled loops on CPU (float32).

A depthwise causal convolution and SiLU for one half of the channels, SiLU for the other: a few operations per number,
on which PyTorch spends a third of the time of the scan. Needs numba (the `fast` extra).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from memodule.networks.scan_loops import LOG2E, Array, compiled, exp2
from memodule.networks.scan_numba import share_batch

_ZERO, _ONE, _LOG2E = np.float32(0), np.float32(1), np.float32(LOG2E)


def branches_numba(projected: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Input of the scan and gate of its output.

    Args:
        projected: Both halves concatenated, (batch, L, 2 D) float32 on CPU, like all others.
        weight: Kernel of the convolution as in `nn.Conv1d`, (D, 1, frames); the last is the current frame.
        bias: Bias of the convolution, (D,).

    Returns:
        SiLU of the convolved first half and SiLU of the second half, (batch, L, D) each.
    """
    both: tuple[Tensor, Tensor] = _Branches.apply(projected, weight, bias)  # type: ignore[no-untyped-call]
    return both


class _Branches(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projected: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        projected, taps = projected.contiguous(), weight.squeeze(1).t().contiguous()
        ctx.save_for_backward(projected, taps, bias)
        u = projected.new_empty(*projected.shape[:2], len(bias))
        gate = torch.empty_like(u)
        share_batch(_forward, (taps, bias), projected, u, gate)
        return u, gate

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, du: Tensor, dgate: Tensor) -> tuple[Tensor, ...]:
        projected, taps, bias = ctx.saved_tensors
        dprojected = torch.empty_like(projected)
        dtaps = projected.new_zeros(len(projected), *taps.shape)  # one per sample, as in the scan
        dbias = projected.new_zeros(len(projected), *bias.shape)
        gradients = (du.contiguous(), dgate.contiguous(), dprojected, dtaps, dbias)
        share_batch(_backward, (taps, bias), projected, *gradients)
        return dprojected, dtaps.sum(0).t().unsqueeze(1), dbias.sum(0)


@compiled
def _sigmoid(v: np.float32) -> np.float32:
    e = exp2(-abs(v) * _LOG2E)
    positive = _ONE / (_ONE + e)
    return positive if v >= _ZERO else e * positive


@compiled
def _slope(v: np.float32) -> np.float32:
    """Derivative of SiLU."""
    s = _sigmoid(v)
    return s * (_ONE + v * (_ONE - s))


@compiled
def _add_product(total: Array, a: Array, b: Array) -> None:
    for j in range(len(total)):
        total[j] += a[j] * b[j]


@compiled
def _convolve(out: Array, x: Array, taps: Array, bias: Array, t: int) -> None:
    """Fill out (D,) with frame t of the convolution of x (L, 2 D)."""
    for j in range(len(out)):
        out[j] = bias[j]
    for back in range(min(len(taps), t + 1)):
        _add_product(out, taps[len(taps) - 1 - back], x[t - back, : len(out)])


@compiled
def _forward(taps: Array, bias: Array, projected: Array, u: Array, gate: Array) -> None:
    """Fill u and gate (batch, L, D); taps is the kernel as (frames, D)."""
    batch, length, channels = u.shape
    convolved = np.empty(channels, np.float32)
    for b in range(batch):
        for t in range(length):
            _convolve(convolved, projected[b], taps, bias, t)
            second, u_row, gate_row = projected[b, t, channels:], u[b, t], gate[b, t]
            for j in range(channels):
                u_row[j] = convolved[j] * _sigmoid(convolved[j])
                gate_row[j] = second[j] * _sigmoid(second[j])


@compiled
def _backward(
    taps: Array, bias: Array, projected: Array, du: Array, dgate: Array, dprojected: Array, dtaps: Array, dbias: Array
) -> None:
    """Fill dprojected, and add to dtaps (batch, frames, D) and dbias (batch, D), which must be zero."""
    batch, length, channels = du.shape
    dy = np.empty(channels, np.float32)
    for b in range(batch):
        for t in range(length):
            dprojected[b, t, :channels] = _ZERO
        for t in range(length):
            _convolve(dy, projected[b], taps, bias, t)
            second, du_row, dgate_row = projected[b, t, channels:], du[b, t], dgate[b, t]
            dsecond, dbias_row = dprojected[b, t, channels:], dbias[b]
            for j in range(channels):
                dy[j] = du_row[j] * _slope(dy[j])
                dbias_row[j] += dy[j]
                dsecond[j] = dgate_row[j] * _slope(second[j])
            for back in range(min(len(taps), t + 1)):
                tap = len(taps) - 1 - back
                _add_product(dprojected[b, t - back, :channels], taps[tap], dy)
                _add_product(dtaps[b, tap], projected[b, t - back, :channels], dy)
