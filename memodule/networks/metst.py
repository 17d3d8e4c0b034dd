"""The ME-TST network, predecessor of the slow-fast one (published code of arXiv 2508.18834's authors)."""

from typing import Any, Final

import torch
from torch import Tensor, nn

from memodule.networks.initialisation import Initialisation, initialise
from memodule.networks.mamba import MambaBlock, published_drop_path
from memodule.networks.selective_scan import Scan
from memodule.networks.stem import check_arguments, flow_sequence, stem

METST_CHANNELS: Final = (0, 1, 8, 9, 16, 17, 28, 29, 30, 31)
"""The x and y flow channels of regions 0, 4, 8, 14 and 15 (both brows, mouth, both nostrils) among the 36."""

_FLOW_CHANNELS = 36


class METST(nn.Module):
    """One stream of Mamba blocks over every frame, and two linear heads on it. Defaults are the published ones.

    The published code runs the stream twice, once per head. In evaluation both runs are equal, so one is enough; in
    training each draws its own drop-path masks (only then does this network run it twice). The second set of blocks,
    which the published code builds for recognition, never runs there and is not built here.

    Args:
        channels: Flow channels of the input. A network of 10 channels also accepts all 36 and selects its own
            (`METST_CHANNELS`).
        width: Channels of the stream.
        depth: Blocks.
        state: States per inner channel of a Mamba layer.
        expand: Inner channels of a Mamba layer = expand * width.
        kernel: Frames that the depthwise convolution of a Mamba layer covers.
        classes: Logits per frame: four emotions and neutral, in the order of `memodule.emotions.FRAME_CLASSES`.
        drop_path: Largest drop-path probability; see `published_drop_path` for what each block gets.
        initialisation: "published" or "mamba"; see `memodule.networks.initialisation`.
        scan: How the selective scan is computed: "auto", "torch", "numba" or "cuda"; see
            `memodule.networks.selective_scan`, also for the environment variable that overrides it.

    Attributes:
        hparams: The constructor arguments as plain values: `METST(**network.hparams)` is the same network.
    """

    def __init__(
        self,
        channels: int = 10,
        width: int = 64,
        depth: int = 12,
        state: int = 64,
        expand: int = 2,
        kernel: int = 4,
        classes: int = 5,
        drop_path: float = 0.2,
        initialisation: Initialisation = "published",
        scan: Scan = "auto",
    ) -> None:
        super().__init__()
        sizes = {"channels": channels, "width": width, "depth": depth, "state": state}
        sizes |= {"expand": expand, "kernel": kernel, "classes": classes}
        check_arguments("METST", drop_path, scan, **sizes)
        self.hparams: dict[str, Any] = {**sizes, "drop_path": drop_path, "initialisation": initialisation, "scan": scan}
        self.channels = channels
        self.stem = stem(channels, width)
        drops = published_drop_path(drop_path, depth)
        self.drops = any(drops)
        self.blocks = nn.Sequential(*(MambaBlock(width, drop, state, expand, kernel, scan) for drop in drops))
        self.spot_head = nn.Linear(width, 1)
        self.recognition_head = nn.Linear(width, classes)
        initialise(self, initialisation, depth)

    def forward(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Score every frame of (B, channels, T) or (B, 1, channels, T) float32, T >= 1.

        Returns:
            Spotting scores, (B, T) within 0..1, and class logits, (B, T, classes).
        """
        if self.channels == len(METST_CHANNELS) and flow.dim() > 2 and flow.shape[-2] == _FLOW_CHANNELS:
            flow = flow[..., METST_CHANNELS, :]
        frames = self.stem(flow_sequence(flow, self.channels)).transpose(1, 2).contiguous()
        spotting = self.blocks(frames)
        recognition = self.blocks(frames) if self.training and self.drops else spotting
        return torch.sigmoid(self.spot_head(spotting)).squeeze(-1), self.recognition_head(recognition)
