"""The selective scan in plain PyTorch: needs no compiler, runs on every device and in float64.

It is fast for short sequences: a few samples at a time on CPU, so that their (L, N, D) states stay in the cache;
channels innermost, so that every operation is long and contiguous. The states are not kept for the backward pass, which
computes them again.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

_LOG2E = math.log2(math.e)
_CPU_STEP = 2**14
"""States of one frame that a CPU processes at once: with fewer, calls of PyTorch dominate; more exceed the cache."""
_DEVICE_BUFFER = 2**26
"""States of all frames that an accelerator processes at once (256 MB in float32)."""


def scan_torch(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Scan with PyTorch operations; arguments as in `memodule.networks.selective_scan`, all of one float type."""
    y: Tensor = _Scan.apply(dt * u, dt, A, B, C)  # type: ignore[no-untyped-call]
    return y


class _Buffer(NamedTuple):
    """Scratch space for one value of every state: `whole` is (samples, L, N, D), `steps` its L views over time."""

    whole: Tensor
    steps: tuple[Tensor, ...]


class _Scan(torch.autograd.Function):
    """h_t = exp(dt_t A) h_(t-1) + x_t B_t, y_t = C_t h_t, where x = dt u."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
        x, dt, B, C = (tensor.contiguous() for tensor in (x, dt, B, C))
        ctx.save_for_backward(x, dt, A, B, C)
        decay = _decay(A)
        y = torch.empty_like(x)
        for i, (E, H) in _tiles(x, decay, buffers=2):
            _fill_states(x[i], dt[i], decay, B[i], E, H)
            torch.matmul(C[i].unsqueeze(2), H.whole, out=y[i].unsqueeze(2))
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, ...]:
        x, dt, A, B, C = ctx.saved_tensors
        dy, decay, At = dy.contiguous(), _decay(A), A.t().contiguous()
        dx, ddt, dB, dC = (torch.empty_like(tensor) for tensor in (x, dt, B, C))
        dA = torch.zeros_like(At)
        for i, (E, H, G) in _tiles(x, decay, buffers=3):
            _fill_states(x[i], dt[i], decay, B[i], E, H)
            _fill_state_gradients(C[i], dy[i], E, G)
            # a row vector times a matrix: MKL's batched product is ten times slower the other way round
            torch.matmul(dy[i].unsqueeze(2), H.whole.transpose(2, 3), out=dC[i].unsqueeze(2))
            torch.matmul(x[i].unsqueeze(2), G.whole.transpose(2, 3), out=dB[i].unsqueeze(2))
            torch.matmul(B[i].unsqueeze(2), G.whole, out=dx[i].unsqueeze(2))
            # E becomes the gradient of the exponent dt_t A; the first step has no past state to scale
            exponent = E.whole[:, 1:].mul_(G.whole[:, 1:]).mul_(H.whole[:, :-1])
            dA += torch.mul(exponent, dt[i, 1:].unsqueeze(2), out=H.whole[:, 1:]).sum(1).sum(0)
            ddt[i, 0] = 0
            torch.sum(exponent.mul_(At), 2, out=ddt[i, 1:])
        return dx, ddt, dA.t(), dB, dC


def _decay(A: Tensor) -> Tensor:
    """A for powers of two, (N, D): exp2 takes half the time of exp, also where the result is subnormal."""
    return (A * _LOG2E).t().contiguous()


def _tile_size(x: Tensor, decay: Tensor) -> int:
    """Number of samples that are computed together."""
    most = _CPU_STEP // decay.numel() if x.device.type == "cpu" else _DEVICE_BUFFER // (x.shape[1] * decay.numel())
    return max(1, min(most, len(x)))


def _tiles(x: Tensor, decay: Tensor, buffers: int) -> Iterator[tuple[slice, list[_Buffer]]]:
    """Slices of the batch with scratch space for each; the views are created once, to save time."""
    batch, length, _ = x.shape
    size = _tile_size(x, decay)
    scratch = x.new_empty(buffers, size, length, *decay.shape)
    views: list[_Buffer] = []
    for start in range(0, batch, size):
        count = min(size, batch - start)
        if not views or len(views[0].whole) != count:
            views = [_Buffer(whole, whole.unbind(1)) for whole in scratch[:, :count].unbind(0)]
        yield slice(start, start + count), views


def _fill_states(x: Tensor, dt: Tensor, decay: Tensor, B: Tensor, E: _Buffer, H: _Buffer) -> None:
    """E_t = exp(dt_t A) and H_t = E_t H_(t-1) + x_t B_t."""
    torch.mul(dt.unsqueeze(2), decay, out=E.whole).exp2_()
    torch.mul(B.unsqueeze(3), x.unsqueeze(2), out=H.whole)
    for t in range(1, len(H.steps)):
        H.steps[t].addcmul_(H.steps[t - 1], E.steps[t])


def _fill_state_gradients(C: Tensor, dy: Tensor, E: _Buffer, G: _Buffer) -> None:
    """G_t = dL/dH_t = C_t dy_t + E_(t+1) G_(t+1)."""
    torch.mul(C.unsqueeze(3), dy.unsqueeze(2), out=G.whole)
    for t in range(len(G.steps) - 2, -1, -1):
        G.steps[t].addcmul_(G.steps[t + 1], E.steps[t + 1])
