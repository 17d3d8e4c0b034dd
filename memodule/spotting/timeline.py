"""The score curve with what was found, as rows of inline SVG that fit on a screen and on paper."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from memodule.report.html import Html, el
from memodule.spotting.result import SpottedVideo

_ROWS: Final = (20, 30, 60, 120, 300, 600)
"""Lengths of a row in seconds."""

_MOST_ROWS: Final = 30
_WIDTH, _HEIGHT = 1000, 132
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 20, 20
_POINTS: Final = 900
"""Points of the curve in a row; of more samples the smallest and largest of each point are drawn."""


def timeline(video: SpottedVideo) -> Html:
    """The whole video in rows of equal length."""
    length = next((row for row in _ROWS if video.seconds <= row * _MOST_ROWS), _ROWS[-1])
    count = max(1, math.ceil((video.seconds + 1e-6) / length))
    return el("div", *(_row(video, i * length, (i + 1) * length) for i in range(count)), class_="rows")


def _row(video: SpottedVideo, start: float, stop: float) -> Html:
    found = sum(start <= e.apex_s < stop for e in video.expressions)
    label = f"Spotting score from {start:g} to {stop:g} s; {found} micro-expressions"
    return el(
        "svg",
        *_grid(start, stop),
        *_sections(video, start, stop),
        *_expressions(video, start, stop),
        *_curve(video, start, stop),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=label,
        class_="row",
    )


def _x(seconds: float, start: float, stop: float) -> float:
    share = min(1.0, max(0.0, (seconds - start) / (stop - start)))
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(score: float) -> float:
    return round(_HEIGHT - _BOTTOM - min(1.0, max(0.0, score)) * (_HEIGHT - _TOP - _BOTTOM), 1)


def _grid(start: float, stop: float) -> Iterator[Html]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    for score in (0, 0.5, 1):
        yield el("path", d=f"M{_LEFT} {_y(score):g}H{right}", class_="grid")
        yield el("text", f"{score:g}", x=_LEFT - 6, y=f"{_y(score) + 4:g}", text_anchor="end")
    for second in np.linspace(start, stop, 11).tolist():
        x = _x(second, start, stop)
        yield el("path", d=f"M{x:g} {bottom}v4", class_="grid")
        anchor = "end" if second == stop else "middle"
        yield el("text", clock(second), x=f"{x:g}", y=_HEIGHT - 4, text_anchor=anchor)


def _sections(video: SpottedVideo, start: float, stop: float) -> Iterator[Html]:
    for section in video.not_analysed:
        if section.first_s < stop and section.last_s >= start:
            tip = el("title", f"not analysed: {section.reason}, frames {section.first} to {section.last}")
            yield _bar(tip, section.first_s, section.last_s, start, stop, "unknown")


def _expressions(video: SpottedVideo, start: float, stop: float) -> Iterator[Html]:
    for number, e in enumerate(video.expressions, 1):
        if e.onset_s < stop and e.offset_s >= start:
            words = f"{number}: {e.emotion}, frames {e.onset} to {e.offset}, apex {e.apex}"
            bar = _bar(el("title", words), e.onset_s, e.offset_s, start, stop, f"found {e.emotion}")
            middle = _x(min(max(e.apex_s, start), stop), start, stop)
            mark = el("text", number, x=f"{middle:g}", y=_TOP - 6, text_anchor="middle", class_=f"number {e.emotion}")
            yield el("a", bar, mark, href=f"#me{number}")


def _bar(tip: Html, first: float, last: float, start: float, stop: float, class_: str) -> Html:
    x, right = _x(first, start, stop), _x(last, start, stop)
    size = {"width": f"{max(right - x, 2):g}", "height": _HEIGHT - _TOP - _BOTTOM}
    return el("rect", tip, x=f"{x:g}", y=_TOP, class_=class_, **size)


def _curve(video: SpottedVideo, start: float, stop: float) -> Iterator[Html]:
    inside = np.flatnonzero((video.sample_seconds >= start) & (video.sample_seconds <= stop))
    if not len(inside):
        return
    kept = inside if len(inside) <= _POINTS else _extremes(video, inside)
    path, joined = [], False
    for second, score in zip(video.sample_seconds[kept].tolist(), video.score[kept].tolist(), strict=True):
        if math.isnan(score):
            joined = False
            continue
        path.append(f"{'L' if joined else 'M'}{_x(second, start, stop):g} {_y(score):g}")
        joined = True
    yield el("path", d="".join(path), class_="score")


def _extremes(video: SpottedVideo, samples: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
    """Of each of many groups of samples the one of the smallest and the one of the largest score, in order."""
    kept = []
    for group in np.array_split(samples, _POINTS // 2):
        scores = np.nan_to_num(video.score[group], nan=0.0)
        kept += sorted({int(group[scores.argmin()]), int(group[scores.argmax()])})
    return kept


def clock(seconds: float) -> str:
    """Seconds for people.

    >>> clock(7.25), clock(75), clock(3675.5)
    ('7.2 s', '1:15', '1:01:15.5')
    """
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = f"{seconds % 60:04.1f}".removesuffix(".0")
    minutes = int(seconds // 60)
    return f"{minutes}:{whole}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{whole}"
