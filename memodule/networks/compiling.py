"""What torch.compile needs, and the use of it that would spoil checkpoints."""

import os
import shutil
import sys

import torch
from torch import nn

from memodule.errors import UserError


def require_compiler(device: torch.device) -> None:
    """Refuse a CPU without a C++ compiler, which PyTorch would miss in the middle of the first step.

    Args:
        device: Where the compiled network is to run.

    Raises:
        UserError: If nothing there could compile.
    """
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if device.type == "cpu" and shutil.which(compiler) is None:
        raise UserError(
            f"model.compile: torch.compile needs a C++ compiler on a CPU, and {compiler!r} is not there; install one, "
            "name one in CXX, or set model.compile=false"
        )


def refuse_wrapped(network: nn.Module) -> None:
    """Refuse what `torch.compile(network)` returns: a wrapper that gives every weight another name.

    Args:
        network: The network of a module.

    Raises:
        UserError: If it is such a wrapper.
    """
    if any(name.startswith("_orig_mod.") for name, _ in network.named_parameters()):
        raise UserError(
            "model.network: torch.compile(network) is a wrapper, and no checkpoint of it could be read again; give the "
            "network itself and set model.compile=true, or call network.compile()"
        )
