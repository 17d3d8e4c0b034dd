"""Published statistics of the labels of two data sets, from which stand-ins are drawn.

There are only aggregates of SAMM Long Videos and of CAS(ME)^3 part A (version 2 labels) here, no labels. Unpublished
numbers are marked as assumed.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from memodule.datasets.catalog import Kind

Like = Literal["samm_lv", "casme3"]
"""Which data set a stand-in imitates."""

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]

Quantile = Callable[[_Floats], _Floats]
"""Durations in frames as a function of a standard normal variable."""

Rise = Callable[[np.random.Generator, _Ints], _Floats]
"""Frames from onset to apex, drawn for expressions of the given durations."""


@dataclasses.dataclass(frozen=True)
class LabelStatistics:
    """What is known about the labels of one data set; durations in source frames, both ends counted.

    Attributes:
        slots: Largest number of videos of one subject.
        macro_videos: Videos with macro-expressions (SAMM: assumed).
        both_videos: Videos with both kinds (SAMM: assumed).
        micro: Number of micro-expressions of each emotion.
        unknown_apex: Number of expressions of each kind whose apex is unknown.
        macro_duration: Distribution of durations (CAS(ME)^3: assumed).
        macro_rise: Distribution of frames from onset to apex (assumed).
        length: Frames of a video: median, standard deviation of the logarithm, minimum and maximum (assumed).
        close_gaps: Share of gaps between micro-expressions of a video that are shorter than 8 frames (SAMM: assumed).
        overlapped: Share of micro-expressions that overlap a macro-expression (SAMM: assumed).
        subject_code: Template of a subject's code, filled with its number from 1.
        video_codes: Templates of the codes of a subject's videos, filled with the subject's code.
    """

    fps: float
    subjects: int
    slots: int
    videos: int
    micro_subjects: int
    micro_videos: int
    macro_videos: int
    both_videos: int
    micro: Mapping[str, int]
    macros: int
    unknown_apex: Mapping[Kind, int]
    micro_duration: Quantile
    macro_duration: Quantile
    micro_rise: Rise
    macro_rise: Rise
    length: tuple[float, float, int, int]
    close_gaps: float
    overlapped: float
    subject_code: str
    video_codes: tuple[str, ...]


def _bounded(least: float, most: float, a: float, b: float) -> Quantile:
    """A beta distribution from `least` to `most` frames."""
    return lambda z: np.asarray(least + (most - least) * stats.beta.ppf(stats.norm.cdf(z), a, b))


def _log_normal(median: float, sigma: float, least: float, most: float, shift: float = 0.0) -> Quantile:
    """A log-normal distribution, shifted by `shift` and clipped to `least` .. `most` frames."""
    return lambda z: (shift + (median - shift) * np.exp(sigma * z)).clip(least, most)


def _share(mean: float, spread: float) -> Rise:
    """A rise that takes a share of the duration, beta-distributed with this mean and standard deviation."""
    concentration = mean * (1 - mean) / spread**2 - 1

    def rise(rng: np.random.Generator, durations: _Ints) -> _Floats:
        share = rng.beta(mean * concentration, (1 - mean) * concentration, len(durations))
        return np.asarray(share * (durations - 1))

    return rise


def _independent(mean: float, spread: float, most: float) -> Rise:
    """A normally distributed rise of at most `most` frames, independent of the duration."""
    return lambda rng, durations: rng.normal(mean, spread, len(durations)).clip(1, most)


STATISTICS: Final[dict[Like, LabelStatistics]] = {
    "samm_lv": LabelStatistics(
        fps=200,
        subjects=30,
        slots=7,
        videos=147,
        micro_subjects=29,
        micro_videos=79,
        macro_videos=110,
        both_videos=50,
        micro={"negative": 92, "positive": 26, "surprise": 15, "others": 26},
        macros=343,
        unknown_apex={"micro": 2, "macro": 4},
        micro_duration=_bounded(29, 100, 1.2, 0.75),  # piles up at the limit of half a second: median 77, mean 73
        macro_duration=_log_normal(222, 1.15, 101, 5175, shift=101),
        micro_rise=_share(0.44, 0.1),
        macro_rise=_share(0.45, 0.12),
        length=(6700, 0.33, 2500, 20000),
        close_gaps=0.03,
        overlapped=0.05,
        subject_code="{:03d}",
        video_codes=tuple(f"{{}}_{number}" for number in range(1, 8)),
    ),
    "casme3": LabelStatistics(
        fps=30,
        subjects=100,
        slots=13,
        videos=1300,
        micro_subjects=94,
        micro_videos=463,
        macro_videos=904,
        both_videos=411,
        micro={"negative": 457, "positive": 55, "surprise": 187, "others": 161},
        macros=3346,
        unknown_apex={"micro": 0, "macro": 0},
        micro_duration=_log_normal(21.8, 0.69, 4, 280),  # the published fit
        macro_duration=_log_normal(42, 0.7, 8, 600),
        micro_rise=_independent(5.7, 2.2, 11),
        macro_rise=_share(0.45, 0.12),
        length=(2000, 0.4, 600, 6000),
        close_gaps=0.06,
        overlapped=0.073,
        subject_code="spNO.{}",
        video_codes=tuple("abcdefghijklm"),
    ),
}
