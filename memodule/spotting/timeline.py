"""The score curve with what was found, as rows that fit on a screen and on paper: where everything is drawn."""

import dataclasses
import math
from typing import Final

import numpy as np
import numpy.typing as npt

from memodule.emotions import EMOTIONS
from memodule.spotting.result import Section, SpottedExpression, SpottedVideo

LETTERS: Final = dict(zip(EMOTIONS, "NPSO", strict=True))
"""The letter that goes with the colour of an emotion."""


@dataclasses.dataclass(frozen=True, slots=True)
class TimelineFrame:
    """Height of a row and its margins, in units of which a screen shows about one per pixel."""

    height: int = 132
    left: int = 34
    right: int = 8
    top: int = 20
    bottom: int = 20


FRAME: Final = TimelineFrame()

_LENGTHS: Final = (5, 10, 20, 30, 60, 120, 300, 600)
"""Lengths of a row in seconds."""

_MOST_ROWS: Final = 30


@dataclasses.dataclass(frozen=True, slots=True)
class TimelineLayout:
    """How rows are drawn for a kind of screen.

    Attributes:
        name: Class of the style sheet.
        seconds: Length of a row where the video is not too long for it.
        points: Points of the curve in a row; of more samples, the smallest and largest around each point are drawn.
    """

    name: str
    width: int
    seconds: int
    ticks: int
    points: int


TIMELINES: Final = (TimelineLayout("wide", 1000, 20, 10, 900), TimelineLayout("narrow", 360, 10, 5, 320))
"""For wide screens and paper, and for phones."""


@dataclasses.dataclass(frozen=True, slots=True)
class TimelineRow:
    """A part of the video, `start` <= seconds < `stop`, and where its contents are drawn."""

    video: SpottedVideo
    layout: TimelineLayout
    start: float
    stop: float

    def x(self, seconds: float) -> float:
        """Horizontal place of a time, cut off at both ends."""
        share = min(1.0, max(0.0, (seconds - self.start) / (self.stop - self.start)))
        return round(FRAME.left + share * (self.layout.width - FRAME.left - FRAME.right), 1)

    def width(self, first: float, last: float) -> float:
        """Width of a part between two times; two units at least, so that it is seen."""
        return max(round(self.x(last) - self.x(first), 1), 2)

    def y(self, score: float) -> float:
        """Vertical place of a score."""
        inside = FRAME.height - FRAME.top - FRAME.bottom
        return round(FRAME.height - FRAME.bottom - min(1.0, max(0.0, score)) * inside, 1)

    @property
    def ticks(self) -> list[float]:
        """Times that are written at the axis."""
        seconds: list[float] = np.linspace(self.start, self.stop, self.layout.ticks + 1).tolist()
        return seconds

    @property
    def peaks(self) -> int:
        """How many expressions have their apex in this row."""
        return sum(self.start <= e.apex_s < self.stop for e in self.video.expressions)

    @property
    def expressions(self) -> list[tuple[int, SpottedExpression]]:
        """Numbered expressions that reach into this row."""
        numbered = enumerate(self.video.expressions, 1)
        return [(n, e) for n, e in numbered if e.onset_s < self.stop and e.offset_s >= self.start]

    @property
    def sections(self) -> list[Section]:
        """The parts that were not analysed and reach into this row."""
        return [s for s in self.video.not_analysed if s.first_s < self.stop and s.last_s >= self.start]

    @property
    def _kept(self) -> npt.NDArray[np.int64]:
        """The samples that are drawn."""
        seconds = self.video.sample_seconds
        kept = np.flatnonzero((seconds >= self.start) & (seconds <= self.stop))
        return kept if len(kept) <= self.layout.points else _extremes(self.video, kept, self.layout.points // 2)

    @property
    def band(self) -> str:
        """One standard deviation of overlapping windows on both sides of the score, as an area of SVG."""
        if self.video.spread is None:
            return ""
        kept = self._kept
        known = np.isfinite(self.video.score[kept] + self.video.spread[kept])
        areas = []
        for run in np.split(kept, np.flatnonzero(np.diff(known)) + 1):
            if len(run) > 1 and np.isfinite(self.video.spread[run[0]]):
                seconds, score, spread = (
                    values[run].tolist() for values in (self.video.sample_seconds, self.video.score, self.video.spread)
                )
                rows = list(zip(seconds, score, spread, strict=True))
                upper = [f"{self.x(second):g} {self.y(score + spread):g}" for second, score, spread in rows]
                lower = [f"{self.x(second):g} {self.y(score - spread):g}" for second, score, spread in rows[::-1]]
                areas.append(f"M{'L'.join(upper + lower)}Z")
        return "".join(areas)

    @property
    def curve(self) -> str:
        """The score as a path of SVG, interrupted where nothing was analysed."""
        seconds, kept = self.video.sample_seconds, self._kept
        path, joined = [], False
        for second, score in zip(seconds[kept].tolist(), self.video.score[kept].tolist(), strict=True):
            known = not math.isnan(score)
            if known:
                path.append(f"{'L' if joined else 'M'}{self.x(second):g} {self.y(score):g}")
            joined = known
        return "".join(path)


def timeline_rows(video: SpottedVideo, layout: TimelineLayout) -> list[TimelineRow]:
    """The whole video in rows of equal length, in a layout of `TIMELINES`."""
    least = min(video.seconds, layout.seconds)
    fitting = (length for length in _LENGTHS if length >= least and video.seconds <= length * _MOST_ROWS)
    length = next(fitting, _LENGTHS[-1])
    count = max(1, math.ceil((video.seconds + 1e-6) / length))
    return [TimelineRow(video, layout, i * length, (i + 1) * length) for i in range(count)]


def _extremes(video: SpottedVideo, samples: npt.NDArray[np.int64], groups: int) -> npt.NDArray[np.int64]:
    """The samples with the smallest and the largest score of each of many groups, in order."""
    kept: list[int] = []
    for group in np.array_split(samples, groups):
        scores = np.nan_to_num(video.score[group], nan=0.0)
        kept += sorted({int(group[scores.argmin()]), int(group[scores.argmax()])})
    return np.array(kept)


def clock(seconds: float) -> str:
    """A time from the beginning of the video, for people.

    >>> clock(7.25), clock(75), clock(3675.5)
    ('7.2 s', '1:15', '1:01:15.5')
    """
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = f"{seconds % 60:04.1f}".removesuffix(".0")
    minutes = int(seconds // 60)
    return f"{minutes}:{whole}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{whole}"
