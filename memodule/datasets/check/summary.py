"""What a Catalog holds, in numbers: counts per class, subject and video, and durations in milliseconds."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from memodule.datasets.catalog import Catalog, Expression, Kind

QUANTILES: Final = {"min": 0.0, "5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95, "max": 1.0}
"""Name of each quantile shown -> its share."""


@dataclasses.dataclass(frozen=True)
class KindSummary:
    """The expressions of one kind.

    Attributes:
        count: How many there are.
        emotions: How many of each class.
        per_subject: How many of each subject that has any.
        per_video: How many in each video that has any, by "subject/video".
        durations_ms: All durations, ascending, both ends counted.
        duration_ms: Quantiles of the duration.
        rise_ms: Quantiles of the time from onset to apex, where the apex is known.
        fall_ms: Quantiles of the time from apex to offset, where the apex is known.
    """

    count: int
    emotions: dict[str, int]
    per_subject: dict[str, int]
    per_video: dict[str, int]
    durations_ms: tuple[float, ...]
    duration_ms: dict[str, float]
    rise_ms: dict[str, float]
    fall_ms: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Summary:
    """A whole Catalog.

    Attributes:
        subjects: Number of subjects.
        videos: Number of videos.
        frames: Number of frames in all videos.
        minutes: Their running time.
        fps: The frame rates that occur.
        micro: The micro-expressions.
        macro: The macro-expressions.
    """

    subjects: int
    videos: int
    frames: int
    minutes: float
    fps: tuple[float, ...]
    micro: KindSummary
    macro: KindSummary

    def as_dict(self) -> dict[str, Any]:
        """Plain values.

        Returns:
            The attributes, nested.
        """
        return dataclasses.asdict(self)


def summarise(catalog: Catalog) -> Summary:
    """Count and measure what a Catalog holds.

    Args:
        catalog: Any Catalog; an empty one too.

    Returns:
        Counts, and durations in milliseconds.
    """
    return Summary(
        len(catalog.subjects),
        len(catalog.videos),
        sum(video.frames for video in catalog.videos),
        sum(video.frames / video.fps for video in catalog.videos) / 60,
        tuple(sorted({video.fps for video in catalog.videos})),
        _summarise_kind(catalog, "micro"),
        _summarise_kind(catalog, "macro"),
    )


def duration_ms(expression: Expression, fps: float) -> float:
    """How long an expression lasts, both ends counted.

    Args:
        expression: Both of its ends are inclusive.
        fps: Frame rate of its video.

    Returns:
        Milliseconds.
    """
    return (expression.offset - expression.onset + 1) * 1000 / fps


def _summarise_kind(catalog: Catalog, kind: Kind) -> KindSummary:
    fps = {video.key: video.fps for video in catalog.videos}
    chosen = [e for e in catalog.expressions if e.kind == kind]
    durations = sorted(duration_ms(e, fps[e.key]) for e in chosen)
    rises = [(e.apex - e.onset) * 1000 / fps[e.key] for e in chosen if e.apex is not None]
    falls = [(e.offset - e.apex) * 1000 / fps[e.key] for e in chosen if e.apex is not None]
    return KindSummary(
        len(chosen),
        dict(Counter(e.emotion or "unknown" for e in chosen).most_common()),
        dict(Counter(e.subject for e in chosen).most_common()),
        dict(Counter("/".join(e.key) for e in chosen).most_common()),
        tuple(durations),
        _quantiles(durations),
        _quantiles(rises),
        _quantiles(falls),
    )


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return dict(zip(QUANTILES, np.quantile(values, list(QUANTILES.values())).tolist(), strict=True))
