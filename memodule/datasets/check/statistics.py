"""A Catalog in numbers: counts per class, subject and video, and durations in milliseconds."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from memodule.datasets.catalog import Catalog, Expression, Kind

QUANTILES: Final = {"min": 0.0, "5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95, "max": 1.0}
"""Name of each quantile -> its share."""


@dataclasses.dataclass(frozen=True)
class KindStatistics:
    """The expressions of one kind.

    Attributes:
        per_subject: Number by subject; subjects without any are left out.
        per_video: Number by video ("subject/video"); videos without any are left out.
        durations_ms: All durations, ascending, both ends counted.
        rise_ms: Quantiles of the time from onset to known apexes; `fall_ms`, from there to the offset.
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
class CatalogStatistics:
    """The videos of a Catalog, their running time in minutes, their frame rates, and the expressions of each kind."""

    subjects: int
    videos: int
    frames: int
    minutes: float
    fps: tuple[float, ...]
    micro: KindStatistics
    macro: KindStatistics


def catalog_statistics(catalog: Catalog) -> CatalogStatistics:
    """Count and measure what a Catalog, which may be empty, holds."""
    return CatalogStatistics(
        len(catalog.subjects),
        len(catalog.videos),
        sum(video.frames for video in catalog.videos),
        sum(video.frames / video.fps for video in catalog.videos) / 60,
        tuple(sorted({video.fps for video in catalog.videos})),
        _kind_statistics(catalog, "micro"),
        _kind_statistics(catalog, "macro"),
    )


def duration_ms(expression: Expression, fps: float) -> float:
    """Milliseconds that an expression lasts, both ends counted."""
    return (expression.offset - expression.onset + 1) * 1000 / fps


def _kind_statistics(catalog: Catalog, kind: Kind) -> KindStatistics:
    fps = {video.key: video.fps for video in catalog.videos}
    chosen = [e for e in catalog.expressions if e.kind == kind]
    durations = sorted(duration_ms(e, fps[e.key]) for e in chosen)
    rises = [(e.apex - e.onset) * 1000 / fps[e.key] for e in chosen if e.apex is not None]
    falls = [(e.offset - e.apex) * 1000 / fps[e.key] for e in chosen if e.apex is not None]
    return KindStatistics(
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
