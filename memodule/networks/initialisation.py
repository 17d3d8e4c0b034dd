"""The initial weights of training."""

import math
from typing import Literal

import torch
from torch import nn

from memodule.errors import UserError
from memodule.networks.mamba import Mamba

Initialisation = Literal["published", "mamba"]
"""Initial weights as in the published training, or as in the Mamba paper."""


def initialise(network: nn.Module, start: Initialisation, depth: int) -> None:
    """Draw the weights of a freshly built network, with torch's random generator.

    "published" has the effect of the two passes of the published code (called timm's and mamba-ssm's there):

    - the weights of every linear layer, including those inside Mamba, are normal with standard deviation .02, biases 0.
      So `dt_proj.bias` is 0 and all steps start near softplus(0) = .69: state n is multiplied by .5^n every frame, and
      the memory is a few frames long;
    - except `out_proj` of Mamba, uniform within +-.5 / sqrt(inner channels), whatever the depth;
    - A_log = log(1..state) and D = 1; convolutions and norms start with PyTorch's defaults.

    "mamba" follows the Mamba paper: steps log-uniform between .001 and .1 (memories of 10 to 1000 frames for the
    slowest state), `out_proj` scaled by 1 / sqrt(depth), everything else PyTorch's defaults. The LayerNorm after each
    Mamba layer undoes most of the scaling in both cases.

    Args:
        depth: Number of consecutive Mamba blocks that one frame passes through ("mamba" only).
    """
    match start:
        case "published":
            _as_published(network)
        case "mamba":
            for layer in network.modules():
                if isinstance(layer, Mamba):
                    _as_mamba(layer, depth)
        case _:
            raise UserError(f"initialisation is {start!r}; choose 'published' or 'mamba'")


def _as_published(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for layer in network.modules():
        if isinstance(layer, Mamba):
            bound = 0.5 / math.sqrt(layer.out_proj.in_features)
            nn.init.uniform_(layer.out_proj.weight, -bound, bound)


def _as_mamba(layer: Mamba, depth: int, shortest: float = 1e-3, longest: float = 0.1, floor: float = 1e-4) -> None:
    bound = layer.dt_proj.in_features**-0.5
    nn.init.uniform_(layer.dt_proj.weight, -bound, bound)
    span = math.log(longest) - math.log(shortest)
    steps = torch.exp(torch.rand_like(layer.dt_proj.bias) * span + math.log(shortest)).clamp(min=floor)
    with torch.no_grad():
        layer.dt_proj.bias.copy_(steps + torch.log(-torch.expm1(-steps)))  # the inverse of softplus
        layer.out_proj.weight.div_(math.sqrt(depth))
