"""What torch.compile needs, and the use of it that would make checkpoints unreadable."""

import functools
import os
import shutil
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch import nn

from memodule.errors import UserError

P = ParamSpec("P")
T = TypeVar("T")


def outside_graphs(function: Callable[P, T]) -> Callable[P, T]:
    """`torch.compiler.disable`, which imports the whole compiler, put off until something is compiled."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if torch.compiler.is_compiling():
            return torch.compiler.disable(function)(*args, **kwargs)  # type: ignore[no-any-return, no-untyped-call]
        return function(*args, **kwargs)

    return call


def require_compiler(device: torch.device) -> None:
    """Refuse a CPU without a C++ compiler, on which PyTorch would fail in the middle of the first step."""
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if device.type == "cpu" and shutil.which(compiler) is None:
        raise UserError(
            f"model.compile: torch.compile needs a C++ compiler on a CPU, and {compiler!r} was not found; install one, "
            "name one in CXX, or set model.compile=false"
        )


def refuse_wrapped(network: nn.Module) -> None:
    """Refuse what `torch.compile(network)` returns: a wrapper that renames every weight, by which it is recognised."""
    if any(name.startswith("_orig_mod.") for name, _ in network.named_parameters()):
        raise UserError(
            "model.network: torch.compile(network) is a wrapper whose checkpoints could not be read again; pass the "
            "network itself and set model.compile=true, or call network.compile()"
        )
