"""The selective scan of mamba-ssm: one fused CUDA kernel per direction. Optional: install mamba-ssm separately."""

import functools
import importlib
from typing import Any

import torch
from torch import Tensor


def scan_cuda(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Scan with mamba-ssm's kernels; see `memodule.networks.selective_scan` for the meaning of the arguments.

    All tensors are float32 on a CUDA device. mamba-ssm needs time innermost: u and dt (batch, D, L), B and C
    (batch, N, L), which costs a copy each.
    """
    swapped = (tensor.transpose(1, 2).contiguous() for tensor in (u, dt, B, C))
    u, dt, B, C = swapped
    y: Tensor = _operator()(u, dt, A.contiguous(), B, C)
    return y.transpose(1, 2)


@functools.cache
def cuda_problem(device: torch.device) -> str | None:
    """Why mamba-ssm's kernels cannot be used on this device, or None if they can: tested on a sequence of zeros.

    Importing `mamba_ssm` is not enough: it can be installed without its compiled extension, or with one that was
    compiled for other devices or another PyTorch.
    """
    try:
        importlib.import_module("selective_scan_cuda")
        zeros = torch.zeros(1, 4, 4, device=device)
        scan_cuda(zeros, zeros, zeros[0], zeros, zeros)
        torch.cuda.synchronize(device)
    except (ImportError, AttributeError, RuntimeError) as error:
        return str(error).strip().partition("\n")[0] or type(error).__name__
    return None


@functools.cache
def _operator() -> Any:
    return importlib.import_module("mamba_ssm.ops.selective_scan_interface").selective_scan_fn
