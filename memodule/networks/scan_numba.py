"""The selective scan as compiled loops on CPU (float32), several times as fast as plain PyTorch.

Needs numba (the `fast` extra). The batch is shared among as many threads as PyTorch may use; every sample is computed
by one thread, so results do not depend on their number.
"""

import concurrent.futures
import functools
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from memodule.networks.scan_loops import LOG2E, scan_backward, scan_forward


def scan_numba(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, gate: Tensor) -> Tensor:
    """Scan with compiled loops; arguments as in `memodule.networks.selective_scan`, all float32 on CPU."""
    out: Tensor = _Scan.apply(u, dt, A, B, C, D, gate)  # type: ignore[no-untyped-call]
    return out


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, gate: Tensor) -> Tensor:
        ctx.states = A.shape[1]
        missing = -ctx.states % 4  # the loops take four states at once: pad with states that stay 0
        decay, B, C = (nn.functional.pad(matrix, (0, missing)) for matrix in (A * LOG2E, B, C))
        decay, D, u, dt, B, C, gate = (tensor.contiguous() for tensor in (decay.t(), D, u, dt, B, C, gate))
        y, out = torch.empty_like(u), torch.empty_like(u)
        share_batch(scan_forward, (decay, D), u, dt, B, C, gate, y, out)
        ctx.save_for_backward(decay, D, u, dt, B, C, gate, y)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor, ...]:
        decay, D, *inputs = ctx.saved_tensors
        u, dt, B, C, gate, _ = inputs
        du, ddt, dgate = (torch.empty_like(tensor) for tensor in (u, dt, gate))
        dB, dC = torch.zeros_like(B), torch.zeros_like(C)
        # one per sample: their sums must not depend on the threads
        dA, dD = u.new_empty(len(u), *decay.shape), u.new_zeros(len(u), *D.shape)
        share_batch(scan_backward, (decay, D), *inputs, dout.contiguous(), du, ddt, dA, dB, dC, dD, dgate)
        return du, ddt, *(matrix[..., : ctx.states] for matrix in (dA.sum(0).t(), dB, dC)), dD.sum(0), dgate


def share_batch(loops: Callable[..., None], shared: Sequence[Tensor], *tensors: Tensor) -> None:
    """Call the loops on equal parts of the batch, one for each thread that PyTorch may use.

    Args:
        loops: Takes all shared arrays, then those of its part of the batch.
        shared: Tensors that every part needs in full.
        tensors: Tensors whose first dimension is the batch.
    """
    whole = [tensor.detach().numpy() for tensor in shared]
    arrays = [tensor.detach().numpy() for tensor in tensors]
    batch = len(arrays[0])
    threads = min(torch.get_num_threads(), batch)
    if threads < 2:
        loops(*whole, *arrays)
        return
    bounds = [batch * i // threads for i in range(threads + 1)]
    parts = [[array[start:stop] for array in arrays] for start, stop in itertools.pairwise(bounds)]
    list(_threads(os.getpid(), threads).map(lambda part: loops(*whole, *part), parts))


@functools.cache
def _threads(process: int, count: int) -> concurrent.futures.ThreadPoolExecutor:
    """Threads of this process; a forked process does not inherit its parent's and gets its own.

    numba's own threads must not be used after a fork, nor by two threads at once.
    """
    return concurrent.futures.ThreadPoolExecutor(count, thread_name_prefix=f"scan-{process}")
