"""The selective scan of Mamba: one function over several ways to compute it.

For every channel d with N states, started at 0:

    h_t = exp(dt_t A) * h_(t-1) + dt_t B_t u_t
    y_t = sum over the states of C_t h_t, plus D u_t

B enters as plain dt * B (not as exact zero-order hold), and B and C are shared by all channels, as in the published
networks and in mamba-ssm.
"""

import torch
from torch import Tensor

from memodule.networks.scan_torch import scan_torch


# torch.compile would unroll batch x length steps, which takes minutes
@torch.compiler.disable  # type: ignore[untyped-decorator]
def selective_scan(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor | None = None) -> Tensor:
    """Scan a batch of sequences, computed in float32 (float64 where A is) also under autocast.

    Args:
        u: Input, (batch, L, D).
        dt: Step sizes after softplus, (batch, L, D).
        A: State decay, (D, N), not above 0.
        B: Input projection, (batch, L, N).
        C: Output projection, (batch, L, N).
        D: Weight of the direct path from input to output, (D,), or None for no such path.

    Returns:
        Output, (batch, L, D), in the type of `u`.
    """
    dtype = torch.float64 if A.dtype == torch.float64 else torch.float32
    with torch.autocast(u.device.type, enabled=False):
        x, dt, A, B, C = (tensor.to(dtype) for tensor in (u, dt, A, B, C))
        y = scan_torch(x, dt, A, B, C)
        if D is not None:
            y = torch.addcmul(y, x, D.to(dtype))
    return y.to(u.dtype)
