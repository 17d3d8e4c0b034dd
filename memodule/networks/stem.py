"""The beginning of both published networks: checked arguments, checked input, and convolutions over time."""

from typing import get_args

from torch import Tensor, nn

from memodule.errors import UserError
from memodule.networks.selective_scan import Scan


def check_arguments(network: str, drop_path: float, scan: Scan, **sizes: int) -> None:
    """Refuse invalid constructor arguments."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise UserError(f"{network}: {name} is {size!r}; use a whole number of at least 1")
    if not 0 <= drop_path < 1:
        raise UserError(f"{network}: drop_path is {drop_path!r}; use a probability of at least 0 and below 1")
    if scan not in get_args(Scan):
        raise UserError(f"{network}: scan is {scan!r}; choose one of {', '.join(get_args(Scan))}")


def flow_sequence(flow: Tensor, channels: int) -> Tensor:
    """The flow as (B, channels, T), from (B, channels, T) or (B, 1, channels, T); other shapes are refused."""
    sequence = flow.squeeze(1) if flow.dim() == 4 else flow
    if sequence.dim() != 3 or sequence.shape[1] != channels or not sequence.shape[2]:
        raise UserError(
            f"network input has shape {tuple(flow.shape)}; it must be (B, {channels}, T) or (B, 1, {channels}, T) with"
            " at least one frame: set `channels` to that of the flow store"
        )
    return sequence


def conv_unit(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Convolution over three frames, batch normalisation, ReLU: (B, inputs, T) to (B, outputs, ceil(T / stride))."""
    convolution = nn.Conv1d(inputs, outputs, kernel_size=3, stride=stride, padding=1)
    return nn.Sequential(convolution, nn.BatchNorm1d(outputs), nn.ReLU())


def stem(channels: int, width: int) -> nn.Sequential:
    """Two convolution units: (B, channels, T) to (B, width, T)."""
    return nn.Sequential(*conv_unit(channels, width), *conv_unit(width, width))
