"""Datasets and the sampler of the loaders: shuffled training windows, and evaluation by whole videos."""

from collections.abc import Iterator, Sequence
from typing import Any, TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset, DistributedSampler

from memodule.datasets.catalog import VideoKey


class WindowBatch(TypedDict):
    """Training windows.

    Attributes:
        flow: (B, 36, k) float32, px at crop scale.
        spot: (B, k) float32 score target.
        emotion: (B, k) int64 frame class.
    """

    flow: Tensor
    spot: Tensor
    emotion: Tensor


class VideoBatch(WindowBatch):
    """All windows (W, ...) of one video, in order; `key` is None for the filler of an empty shard.

    Attributes:
        key: (subject, video).
        offset: Windows of the same subject, and of the first phase, before this video.
    """

    key: VideoKey | None
    offset: int


class TrainingWindows(Dataset[WindowBatch]):
    """Windows in memory, fetched a batch at a time."""

    def __init__(self, windows: WindowBatch) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows["flow"])

    def __getitem__(self, index: int) -> WindowBatch:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> WindowBatch:
        """The batch of these windows; the loader calls this, so there is nothing left to collate."""
        chosen = torch.as_tensor(indices)
        return {
            "flow": self.windows["flow"][chosen],
            "spot": self.windows["spot"][chosen],
            "emotion": self.windows["emotion"][chosen],
        }


class WholeVideos(Dataset[VideoBatch]):
    """One item per video; one more, past the end, is the filler of an empty shard."""

    def __init__(self, videos: Sequence[VideoBatch], filler: VideoBatch) -> None:
        self.videos = videos
        self.filler = filler

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> VideoBatch:
        return self.videos[index] if index < len(self.videos) else self.filler


class VideoShard(DistributedSampler[Any]):
    """This rank's share of the videos: every video on exactly one rank, none twice.

    PyTorch's own sampler repeats items to equalise shards, which would count videos twice. A rank without a video gets
    the filler, since Lightning skips the end of an epoch on ranks without a batch and the others would wait for it.
    """

    def __init__(self, dataset: WholeVideos, rank: int, world_size: int) -> None:
        super().__init__(dataset, num_replicas=world_size, rank=rank, shuffle=False)
        self.indices = list(range(rank, len(dataset), world_size)) or [len(dataset)]

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)

    def __len__(self) -> int:
        return len(self.indices)
