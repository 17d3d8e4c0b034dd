"""The selective scan in plain PyTorch: needs no compiler, runs on every device and in float64.

Short sequences make it quick: one sample at a time on CPU, so that its (L, N, D) states stay in the cache; channels
innermost, so that every operation is long and contiguous. Nothing of that size is kept for the backward pass, which
rebuilds the states of each sample instead.
"""

import math
from typing import Any

import torch
from torch import Tensor

_LOG2E = math.log2(math.e)
_DEVICE_ELEMENTS = 2**26
"""States of one buffer on an accelerator (256 MB in float32); a CPU takes one sample at a time."""


def scan_torch(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Scan with PyTorch operations; see `memodule.networks.selective_scan` for the meaning of the arguments.

    Args:
        u: Input, (batch, L, D).
        dt: Step sizes, (batch, L, D).
        A: State decay, (D, N).
        B: Input projection, (batch, L, N).
        C: Output projection, (batch, L, N).

    Returns:
        Output, (batch, L, D), all in the one floating-point type of the arguments.
    """
    y: Tensor = _Scan.apply(dt * u, dt, A, B, C)  # type: ignore[no-untyped-call]
    return y


class _Scan(torch.autograd.Function):
    """h_t = exp(dt_t A) h_(t-1) + x_t B_t, y_t = C_t h_t, where x = dt u."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
        x, dt, B, C = (tensor.contiguous() for tensor in (x, dt, B, C))
        ctx.save_for_backward(x, dt, A, B, C)
        decay = _decay(A)
        y = torch.empty_like(x)
        for i, (E, H) in _tiles(x, decay, buffers=2):
            _states(x[i], dt[i], decay, B[i], E, H)
            torch.matmul(C[i].unsqueeze(2), H, out=y[i].unsqueeze(2))
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, ...]:
        x, dt, A, B, C = ctx.saved_tensors
        dy, decay, At = dy.contiguous(), _decay(A), A.t().contiguous()
        dx, ddt, dB, dC = (torch.empty_like(tensor) for tensor in (x, dt, B, C))
        dA = torch.zeros_like(At)
        for i, (E, H, G) in _tiles(x, decay, buffers=3):
            _states(x[i], dt[i], decay, B[i], E, H)
            _state_gradients(C[i], dy[i], E, G)
            # a row vector times a matrix: MKL's batched product is ten times slower the other way round
            torch.matmul(dy[i].unsqueeze(2), H.transpose(2, 3), out=dC[i].unsqueeze(2))
            torch.matmul(x[i].unsqueeze(2), G.transpose(2, 3), out=dB[i].unsqueeze(2))
            torch.matmul(B[i].unsqueeze(2), G, out=dx[i].unsqueeze(2))
            exponent = E[:, 1:].mul_(G[:, 1:]).mul_(H[:, :-1])  # gradient of dt_t A; the first state has no past
            for past, step in zip(exponent.unbind(1), dt[i, 1:].unbind(1), strict=True):
                dA += (past * step.unsqueeze(1)).sum(0)
            ddt[i, 0] = 0
            torch.sum(exponent.mul_(At), 2, out=ddt[i, 1:])
        return dx, ddt, dA.t(), dB, dC


def _decay(A: Tensor) -> Tensor:
    """A for powers of two, (N, D): exp2 takes half the time of exp, and no detour where the result is subnormal."""
    return (A * _LOG2E).t().contiguous()


def _tiles(x: Tensor, decay: Tensor, buffers: int) -> Any:
    """Pairs of a slice of the batch and its `buffers` scratch tensors (samples, L, N, D)."""
    batch, length, channels = x.shape
    states = len(decay)
    size = 1 if x.device.type == "cpu" else max(1, min(batch, _DEVICE_ELEMENTS // (length * states * channels)))
    scratch = x.new_empty(buffers, size, length, states, channels)
    for start in range(0, batch, size):
        part = slice(start, min(start + size, batch))
        yield part, scratch[:, : part.stop - start].unbind(0)


def _states(x: Tensor, dt: Tensor, decay: Tensor, B: Tensor, E: Tensor, H: Tensor) -> None:
    """Fill E_t = exp(dt_t A) and H_t = E_t H_(t-1) + x_t B_t, both (samples, L, N, D)."""
    torch.mul(dt.unsqueeze(2), decay, out=E).exp2_()
    torch.mul(B.unsqueeze(3), x.unsqueeze(2), out=H)
    states, factors = H.unbind(1), E.unbind(1)
    for t in range(1, len(states)):
        states[t].addcmul_(states[t - 1], factors[t])


def _state_gradients(C: Tensor, dy: Tensor, E: Tensor, G: Tensor) -> None:
    """Fill G_t = dL/dH_t = C_t dy_t + E_(t+1) G_(t+1), (samples, L, N, D)."""
    torch.mul(C.unsqueeze(3), dy.unsqueeze(2), out=G)
    gradients, factors = G.unbind(1), E.unbind(1)
    for t in range(len(gradients) - 2, -1, -1):
        gradients[t].addcmul_(gradients[t + 1], factors[t + 1])
