"""The Mamba layer of the published networks and the residual block around it."""

import math
from typing import cast

import torch
from torch import Tensor, nn
from typing_extensions import override

from memodule.networks.frame_linear import FrameLinear
from memodule.networks.selective_scan import Scan, selective_scan, takes_numba

RANK_DIVISOR = 16
"""The step sizes of a layer of width d are computed from ceil(d / 16) numbers."""


class Mamba(nn.Module):
    """Mamba-1 layer: a causal state-space model whose steps depend on the input (arXiv 2312.00752).

    Input and output are (B, T, width). The submodules have the names of the Mamba literature. See
    `memodule.networks.initialisation` for the initial weights.

    Args:
        width: Channels of input and output.
        state: States per inner channel (published: 64; the paper's default is 16).
        expand: Inner channels = expand * width.
        kernel: Frames that the depthwise convolution covers, the current one included.
        scan: How the selective scan is computed; with numba also the convolution and the SiLUs before it.
    """

    def __init__(self, width: int, state: int = 64, expand: int = 2, kernel: int = 4, scan: Scan = "auto") -> None:
        super().__init__()
        self.scan: Scan = scan
        inner, rank = expand * width, math.ceil(width / RANK_DIVISOR)
        self.splits = (rank, state, state)
        self.A_log = nn.Parameter(torch.arange(1, state + 1, dtype=torch.float32).log().repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.in_proj = FrameLinear(width, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, kernel, groups=inner)
        self.x_proj = FrameLinear(inner, sum(self.splits), bias=False)
        self.dt_proj = FrameLinear(rank, inner)
        self.out_proj = FrameLinear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform (B, T, width) to (B, T, width); no frame sees a later one."""
        u, gate = self._branches(self.in_proj(x))
        dt, B, C = self.x_proj(u).split(self.splits, dim=-1)
        dt = nn.functional.softplus(self.dt_proj(dt))
        out: Tensor = self.out_proj(selective_scan(u, dt, -torch.exp(self.A_log), B, C, self.D, gate, self.scan))
        return out

    def _branches(self, projected: Tensor) -> tuple[Tensor, Tensor]:
        """Input of the scan and gate of its output from (B, T, 2 inner)."""
        if not torch.compiler.is_compiling() and takes_numba(self.scan, projected):
            from memodule.networks.branches_numba import branches_numba

            return branches_numba(projected, self.conv1d.weight, cast(Tensor, self.conv1d.bias))
        u, gate = projected.chunk(2, dim=-1)
        return nn.functional.silu(self._convolve(u)), nn.functional.silu(gate)

    def _convolve(self, u: Tensor) -> Tensor:
        """Depthwise convolution of (B, T, inner) over each frame and those before it."""
        before = self.conv1d.kernel_size[0] - 1
        if torch.compiler.is_compiling():  # Inductor (PyTorch 2.13) fails on the views below if T is symbolic
            out: Tensor = self.conv1d(nn.functional.pad(u.transpose(1, 2), (before, 0))).transpose(1, 2)
            return out
        # in two dimensions PyTorch keeps channels innermost, as the data is; conv1d would transpose it
        image = nn.functional.pad(u, (0, 0, before, 0)).transpose(1, 2).unsqueeze(2)
        kernel = self.conv1d.weight.unsqueeze(2)
        convolved = nn.functional.conv2d(image, kernel, self.conv1d.bias, groups=self.conv1d.groups)
        return convolved.squeeze(2).transpose(1, 2)


class DropPath(nn.Module):
    """Drop the whole residual branch of a sample at random (stochastic depth, arXiv 1603.09382).

    In training each sample of (B, ...) is zeroed with `probability`, else divided by the probability of being kept; in
    evaluation it is unchanged.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Drop or scale the samples of x (B, ...)."""
        if not self.training or self.probability == 0:
            return x
        keep = 1 - self.probability
        mask = x.new_empty(len(x), *(1,) * (x.dim() - 1)).bernoulli_(keep)
        return x * mask.div_(keep)

    @override
    def extra_repr(self) -> str:
        return f"probability={self.probability:.4g}"


class MambaBlock(nn.Module):
    """x + DropPath(LayerNorm(Mamba(LayerNorm(x)))), as in the published networks.

    The second LayerNorm is inside the residual branch. The published block also has a third one and a name for a
    feed-forward part; neither is ever run, and neither is built here.

    Args:
        drop_path: Probability that a sample skips the branch in training. All others are those of `Mamba`.
    """

    def __init__(
        self, width: int, drop_path: float = 0.0, state: int = 64, expand: int = 2, kernel: int = 4, scan: Scan = "auto"
    ) -> None:
        super().__init__()
        self.pre_norm = nn.LayerNorm(width)
        self.mixer = Mamba(width, state, expand, kernel, scan)
        self.post_norm = nn.LayerNorm(width)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Transform (B, T, width) to (B, T, width)."""
        out: Tensor = x + self.drop_path(self.post_norm(self.mixer(self.pre_norm(x))))
        return out


def published_drop_path(maximum: float, depth: int) -> list[float]:
    """Drop-path probabilities of `depth` consecutive blocks, as they actually are in the published networks.

    The published code puts a 0 before `depth` even steps from 0 to `maximum` and reads only the first `depth` values,
    so the first two blocks drop nothing and `maximum` is never reached: .2 gives 0, 0, .0667, .1333 for four blocks.
    """
    return [0.0] + [maximum * i / max(depth - 1, 1) for i in range(depth - 1)]
