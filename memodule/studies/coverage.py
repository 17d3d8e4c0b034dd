"""What of a Catalog a study's curves cover."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memodule.datasets.catalog import Catalog, Video, VideoKey
from memodule.decoding.curves import VideoCurve


@dataclasses.dataclass(frozen=True)
class Coverage:
    """What of a Catalog the curves of a study cover; the rest is unknown, and its expressions cannot be found.

    Attributes:
        videos: Videos of the Catalog.
        without: (subject, video) of those without a curve.
        share: Share of all frames for which there is a score.
        micro: Micro-expressions of the Catalog.
        uncovered: Those of which less than half of the frames have a score.
    """

    videos: int
    without: tuple[VideoKey, ...]
    share: float
    micro: int
    uncovered: int

    @property
    def complete(self) -> bool:
        """Whether every video has a curve, and every micro-expression a score."""
        return not self.without and not self.uncovered

    @classmethod
    def of(cls, curves: Iterable[VideoCurve], catalog: Catalog) -> "Coverage":
        """Compare curves with the videos and micro-expressions of a Catalog."""
        covered = {curve.key: _covered(curve, catalog.video(curve.key)) for curve in curves if len(curve.score)}
        micro = [expression for expression in catalog.expressions if expression.kind == "micro"]
        seen = [
            expression.key in covered
            and covered[expression.key][expression.onset : expression.offset + 1].mean() >= 0.5
            for expression in micro
        ]
        return cls(
            len(catalog.videos),
            tuple(video.key for video in catalog.videos if video.key not in covered),
            float(sum(map(np.sum, covered.values())) / sum(video.frames for video in catalog.videos)),
            len(micro),
            len(micro) - int(sum(seen)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self) | {"without": ["/".join(key) for key in self.without]}


def _covered(curve: VideoCurve, video: Video) -> NDArray[np.bool_]:
    """(frames,) whether there is a score for a source frame."""
    known = np.ones(len(curve.score), bool) if curve.known is None else curve.known
    frames = np.repeat(known, curve.frame_step)[: video.frames]
    return np.pad(frames, (0, video.frames - len(frames)))
