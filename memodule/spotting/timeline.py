"""The score curve with what was found, as rows of inline SVG that fit on a screen and on paper."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from memodule.emotions import EMOTIONS
from memodule.report.html import Html, el, join
from memodule.spotting.result import SpottedVideo

LETTERS: Final = dict(zip(EMOTIONS, "NPSO", strict=True))
"""What stands for an emotion beside its colour."""

_LENGTHS: Final = (5, 10, 20, 30, 60, 120, 300, 600)
"""Lengths of a row in seconds."""

_MOST_ROWS: Final = 30
_HEIGHT: Final = 132
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 20, 20


@dataclasses.dataclass(frozen=True, slots=True)
class _Layout:
    """How rows are drawn for a kind of screen.

    Attributes:
        name: Class of the style sheet.
        width: Of a row, in units of which a screen shows about one per pixel.
        seconds: Length of a row where the video is not too long for it.
        ticks: Steps of the time axis.
        points: Points of the curve in a row; of more samples the smallest and largest of each point are drawn.
    """

    name: str
    width: int
    seconds: int
    ticks: int
    points: int


_WIDE: Final = _Layout("wide", 1000, 20, 10, 900)
_NARROW: Final = _Layout("narrow", 360, 10, 5, 320)


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    """One row: `start` <= seconds < `stop`."""

    start: float
    stop: float
    layout: _Layout

    def x(self, seconds: float) -> float:
        share = min(1.0, max(0.0, (seconds - self.start) / (self.stop - self.start)))
        return round(_LEFT + share * (self.layout.width - _LEFT - _RIGHT), 1)


def timeline(video: SpottedVideo) -> Html:
    """The whole video in rows of equal length, once for wide screens and paper, once for phones.

    Args:
        video: What was found.
    """
    return join(_rows(video, _WIDE), _rows(video, _NARROW))


def _rows(video: SpottedVideo, layout: _Layout) -> Html:
    least = min(video.seconds, layout.seconds)
    fitting = (length for length in _LENGTHS if length >= least and video.seconds <= length * _MOST_ROWS)
    length = next(fitting, _LENGTHS[-1])
    count = max(1, math.ceil((video.seconds + 1e-6) / length))
    rows = (_Row(i * length, (i + 1) * length, layout) for i in range(count))
    return el("div", *(_row(video, row) for row in rows), class_=f"rows {layout.name}")


def _row(video: SpottedVideo, row: _Row) -> Html:
    found = sum(row.start <= e.apex_s < row.stop for e in video.expressions)
    label = f"Spotting score from {row.start:g} to {row.stop:g} s; {found} micro-expressions"
    return el(
        "svg",
        *_grid(row),
        *_sections(video, row),
        *_expressions(video, row),
        *_curve(video, row),
        viewBox=f"0 0 {row.layout.width} {_HEIGHT}",
        role="img",
        aria_label=label,
        class_="row",
    )


def _y(score: float) -> float:
    return round(_HEIGHT - _BOTTOM - min(1.0, max(0.0, score)) * (_HEIGHT - _TOP - _BOTTOM), 1)


def _grid(row: _Row) -> Iterator[Html]:
    right, bottom = row.layout.width - _RIGHT, _HEIGHT - _BOTTOM
    for score in (0, 0.5, 1):
        yield el("path", d=f"M{_LEFT} {_y(score):g}H{right}", class_="grid")
        yield el("text", f"{score:g}", x=_LEFT - 6, y=f"{_y(score) + 4:g}", text_anchor="end")
    for second in np.linspace(row.start, row.stop, row.layout.ticks + 1).tolist():
        x = row.x(second)
        yield el("path", d=f"M{x:g} {bottom}v4", class_="grid")
        anchor = "end" if second == row.stop else "middle"
        yield el("text", clock(second), x=f"{x:g}", y=_HEIGHT - 4, text_anchor=anchor)


def _sections(video: SpottedVideo, row: _Row) -> Iterator[Html]:
    for section in video.not_analysed:
        if section.first_s < row.stop and section.last_s >= row.start:
            tip = el("title", f"not analysed: {section.reason}, frames {section.first} to {section.last}")
            yield _bar(tip, section.first_s, section.last_s, row, "unknown")


def _expressions(video: SpottedVideo, row: _Row) -> Iterator[Html]:
    for number, e in enumerate(video.expressions, 1):
        if e.onset_s < row.stop and e.offset_s >= row.start:
            words = f"{number}: {e.emotion}, frames {e.onset} to {e.offset}, apex {e.apex}"
            bar = _bar(el("title", words), e.onset_s, e.offset_s, row, f"found {e.emotion}")
            middle = f"{row.x(min(max(e.apex_s, row.start), row.stop)):g}"
            name = f"{number}{LETTERS.get(e.emotion, '')}"
            mark = el("text", name, x=middle, y=_TOP - 6, text_anchor="middle", class_=f"number {e.emotion}")
            yield el("a", bar, mark, href=f"#me{number}")


def _bar(tip: Html, first: float, last: float, row: _Row, class_: str) -> Html:
    x, right = row.x(first), row.x(last)
    size = {"width": f"{max(right - x, 2):g}", "height": _HEIGHT - _TOP - _BOTTOM}
    return el("rect", tip, x=f"{x:g}", y=_TOP, class_=class_, **size)


def _curve(video: SpottedVideo, row: _Row) -> Iterator[Html]:
    inside = np.flatnonzero((video.sample_seconds >= row.start) & (video.sample_seconds <= row.stop))
    if not len(inside):
        return
    kept = inside if len(inside) <= row.layout.points else _extremes(video, inside, row.layout.points // 2)
    path, joined = [], False
    for second, score in zip(video.sample_seconds[kept].tolist(), video.score[kept].tolist(), strict=True):
        if math.isnan(score):
            joined = False
            continue
        path.append(f"{'L' if joined else 'M'}{row.x(second):g} {_y(score):g}")
        joined = True
    yield el("path", d="".join(path), class_="score")


def _extremes(video: SpottedVideo, samples: np.ndarray[tuple[int], np.dtype[np.int64]], groups: int) -> list[int]:
    """Of each of many groups of samples the one of the smallest and the one of the largest score, in order."""
    kept = []
    for group in np.array_split(samples, groups):
        scores = np.nan_to_num(video.score[group], nan=0.0)
        kept += sorted({int(group[scores.argmin()]), int(group[scores.argmax()])})
    return kept


def clock(seconds: float) -> str:
    """Seconds for people.

    Args:
        seconds: From the beginning, below 60 with one decimal.

    >>> clock(7.25), clock(75), clock(3675.5)
    ('7.2 s', '1:15', '1:01:15.5')
    """
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = f"{seconds % 60:04.1f}".removesuffix(".0")
    minutes = int(seconds // 60)
    return f"{minutes}:{whole}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{whole}"
