"""The slow-fast Mamba network (arXiv 2508.18834, sections III-B and III-C, and its published code)."""

from typing import Any

import torch
from torch import Tensor, nn

from memodule.networks.initialisation import Initialisation, initialise
from memodule.networks.mamba import MambaBlock, published_drop_path
from memodule.networks.selective_scan import Scan
from memodule.networks.stem import check_arguments, conv_unit, flow_sequence, stem


class SlowFastMamba(nn.Module):
    """Two streams of Mamba blocks over optical flow: every frame in the fast one, every second in the slow one.

    The slow stream receives the fast one after each group of blocks except the last, never the other way round; two
    linear heads read both streams. All defaults are the published ones (8.4 million parameters).

    Differences from the published code: the parts that it builds but never runs are absent (`load_published_weights`
    knows them), and T may be odd. An odd T gives the slow stream (T + 1) / 2 steps, the last of which covers one frame
    only; the published code raises. Frames and batch are not swapped, so any B >= 1 works.

    Args:
        channels: Flow channels (two for each of 18 regions).
        fast_width: Channels of the fast stream.
        slow_width: Channels of the slow stream.
        depth: Blocks in a group.
        groups: Groups of each stream; the streams meet between groups.
        state: States per inner channel of a Mamba layer.
        expand: Inner channels of a Mamba layer = expand * width.
        kernel: Frames that the depthwise convolution of a Mamba layer covers.
        classes: Logits per frame: four emotions and neutral, in the order of `memodule.emotions.FRAME_CLASSES`.
        drop_path: Largest drop-path probability; see `published_drop_path` for what each block of a group gets.
        initialisation: "published" or "mamba"; see `memodule.networks.initialisation`.
        scan: How the selective scan is computed: "auto", "torch", "numba" or "cuda"; see
            `memodule.networks.selective_scan`, also for the environment variable that overrides it.

    Attributes:
        hparams: The constructor arguments as plain values: `SlowFastMamba(**network.hparams)` is the same network.
    """

    def __init__(
        self,
        channels: int = 36,
        fast_width: int = 128,
        slow_width: int = 256,
        depth: int = 4,
        groups: int = 3,
        state: int = 64,
        expand: int = 2,
        kernel: int = 4,
        classes: int = 5,
        drop_path: float = 0.2,
        initialisation: Initialisation = "published",
        scan: Scan = "auto",
    ) -> None:
        super().__init__()
        sizes = {"channels": channels, "fast_width": fast_width, "slow_width": slow_width, "depth": depth}
        sizes |= {"groups": groups, "state": state, "expand": expand, "kernel": kernel, "classes": classes}
        check_arguments("SlowFastMamba", drop_path, scan, **sizes)
        self.hparams: dict[str, Any] = {**sizes, "drop_path": drop_path, "initialisation": initialisation, "scan": scan}
        self.channels = channels

        def group(width: int) -> nn.Sequential:
            drops = published_drop_path(drop_path, depth)
            return nn.Sequential(*(MambaBlock(width, drop, state, expand, kernel, scan) for drop in drops))

        self.stem = stem(channels, fast_width)
        self.slow_stem = conv_unit(fast_width, slow_width, stride=2)
        self.slow = nn.ModuleList(group(slow_width) for _ in range(groups))
        self.fast = nn.ModuleList(group(fast_width) for _ in range(groups))
        self.fusions = nn.ModuleList(conv_unit(fast_width, slow_width, stride=2) for _ in range(groups - 1))
        self.spot_head = nn.Linear(slow_width + fast_width, 1)
        self.recognition_head = nn.Linear(slow_width + fast_width, classes)
        initialise(self, initialisation, depth=groups * depth)

    def forward(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Score every frame of (B, channels, T) or (B, 1, channels, T) float32, T >= 1.

        Returns:
            Spotting scores, (B, T) within 0..1, and class logits, (B, T, classes).
        """
        features = self.features(flow)
        return torch.sigmoid(self.spot_head(features)).squeeze(-1), self.recognition_head(features)

    def features(self, flow: Tensor) -> Tensor:
        """Input of both heads: slow and fast stream concatenated, (B, T, slow_width + fast_width)."""
        convolved = self.stem(flow_sequence(flow, self.channels))
        # contiguous, or PyTorch would copy frame by frame before every LayerNorm
        fast, slow = (x.transpose(1, 2).contiguous() for x in (convolved, self.slow_stem(convolved)))
        for i, (slow_group, fast_group) in enumerate(zip(self.slow, self.fast, strict=True)):
            if i:
                slow = slow + self.fusions[i - 1](fast.transpose(1, 2)).transpose(1, 2)
            fast, slow = fast_group(fast), slow_group(slow)
        upsampled = slow.repeat_interleave(2, dim=1)[:, : fast.shape[1]]
        return torch.cat([upsampled, fast], dim=-1)
