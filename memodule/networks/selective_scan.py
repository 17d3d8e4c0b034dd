"""The selective scan of Mamba: one function with several implementations.

For every channel d with N states, starting at 0:

    h_t = exp(dt_t A) * h_(t-1) + dt_t B_t u_t
    y_t = (sum over the states of C_t h_t, plus D u_t) * gate_t

B enters as plain dt * B (not as exact zero-order hold), and B and C are shared by all channels, as in the published
networks and in mamba-ssm.

Three implementations agree within 1e-5: "torch" runs everywhere; "numba" on CPU if numba is installed (the `fast`
extra); "cuda" is mamba-ssm's kernel, on CUDA if its compiled extension works (optional: install mamba-ssm separately).
"auto" takes the fastest available one and logs which. The environment variable MEMODULE_SCAN forces one for everything
on this machine, whatever a configuration or checkpoint says.
"""

import functools
import importlib
import logging
import os
from collections.abc import Callable
from typing import Final, Literal, get_args

import torch
from torch import Tensor

from memodule.errors import UserError
from memodule.networks.compiling import outside_graphs
from memodule.networks.scan_cuda import cuda_problem, scan_cuda
from memodule.networks.scan_torch import scan_torch

Scan = Literal["auto", "torch", "numba", "cuda"]
"""An implementation of the selective scan."""

VARIABLE: Final = "MEMODULE_SCAN"
"""Environment variable that forces one of them."""

_log = logging.getLogger(__name__)
_Function = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


@outside_graphs  # torch.compile would unroll batch x length steps, which takes minutes
def selective_scan(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, gate: Tensor, scan: Scan = "auto"
) -> Tensor:
    """Scan a batch of sequences, computed in float32 (float64 where A is), also under autocast.

    Args:
        u: Input, (batch, L, D).
        dt: Step sizes after softplus, (batch, L, D), at least 0.
        A: State decay, (D, N), at most 0.
        B: Input projection, (batch, L, N).
        C: Output projection, (batch, L, N).
        D: Weight of the direct path from input to output, (D,).
        gate: Factors of the output, (batch, L, D).
        scan: Which implementation to use; MEMODULE_SCAN overrides it.

    Returns:
        Output, (batch, L, D), in the type of `u`.

    Raises:
        UserError: If that implementation does not exist or is not available here.
    """
    dtype = torch.float64 if A.dtype == torch.float64 else torch.float32
    with torch.autocast(u.device.type, enabled=False):
        x, dt, A, B, C, D, gate = (tensor.to(dtype) for tensor in (u, dt, A, B, C, D, gate))
        y = _choose(os.environ.get(VARIABLE) or scan, x)(x, dt, A, B, C, D, gate)
    return y.to(u.dtype)


def scan_in_use(device: torch.device, scan: str = "auto") -> str:
    """The implementation that `selective_scan` uses for float32 tensors on a device: "torch", "numba" or "cuda"."""
    requested, u = os.environ.get(VARIABLE) or scan, torch.empty(0, device=device)
    return _fastest(u) if requested == "auto" else requested


def takes_numba(scan: str, u: Tensor) -> bool:
    """Whether compiled loops process tensors like `u`."""
    return (os.environ.get(VARIABLE) or scan) in ("auto", "numba") and _problem("numba", u) is None


def _choose(scan: str, u: Tensor) -> _Function:
    """The function that computes `scan` for tensors like `u`."""
    match scan:
        case "auto":
            name = _fastest(u)
            found = _problem("cuda" if u.device.type == "cuda" else "numba", u)
            _log_once(f"{name} on {u.device.type}" + (f" ({found})" if name == "torch" else ""))
        case "torch" | "numba" | "cuda":
            name = scan
            problem = _problem(scan, u)
            if problem:
                raise UserError(f"selective scan {scan!r} is forced but cannot be used: {problem}; use 'auto'")
            _log_once(f"{name} on {u.device.type} (forced)")
        case _:
            choice = ", ".join(get_args(Scan))
            raise UserError(f"selective scan {scan!r} is not known ({VARIABLE} or `scan`); use one of {choice}")
    return _function(name)


def _fastest(u: Tensor) -> str:
    """The implementation that "auto" uses for tensors like `u`."""
    return next((name for name in ("cuda", "numba") if _problem(name, u) is None), "torch")


def _problem(scan: str, u: Tensor) -> str | None:
    """Why an implementation cannot be used for tensors like `u`, or None."""
    if scan == "torch":
        return None
    device = "cpu" if scan == "numba" else "cuda"
    if u.device.type != device or u.dtype != torch.float32:
        return f"it computes float32 on {device}, but the tensors are {str(u.dtype)[6:]} on {u.device.type}"
    if scan == "numba":
        return _numba_problem()
    problem = cuda_problem(u.device)
    return problem and f"mamba-ssm's compiled extension: {problem}"


def _function(scan: str) -> _Function:
    match scan:
        case "numba":
            from memodule.networks.scan_numba import scan_numba

            return scan_numba
        case "cuda":
            return _gated(scan_cuda)
        case _:
            return _gated(scan_torch)


def _gated(scan: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]) -> _Function:
    """A scan followed by the direct path and the gate, which the compiled loops include."""
    return lambda u, dt, A, B, C, D, gate: torch.addcmul(scan(u, dt, A, B, C), u, D) * gate


@functools.cache
def _numba_problem() -> str | None:
    try:
        importlib.import_module("memodule.networks.scan_numba")
    except ImportError as error:
        return f"numba cannot be imported ({error}); pip install 'memodule[fast]'"
    return None


@functools.cache
def _log_once(message: str) -> None:
    _log.info("selective scan: %s", message)
