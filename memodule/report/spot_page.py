"""The page of `memodule spot`: one HTML file about one video, without network, script or other files."""

import base64
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Final

from memodule.emotions import EMOTIONS, FRAME_CLASSES
from memodule.flow.boxes import CROP_SIDE
from memodule.report.rendering import render
from memodule.spotting.pictures import STILL, Arrow, ExpressionPictures, Outline
from memodule.spotting.result import SpottedExpression, SpottedVideo
from memodule.spotting.timeline import FRAME, LETTERS, TIMELINES, clock, timeline_rows

_LONGEST: Final = 22
"""How long the longest arrows are drawn, in pixels of the crop; a little longer than their distance."""

_MOST_GAIN: Final = 20
"""The largest factor by which arrows are longer than the motion."""


@dataclasses.dataclass(frozen=True)
class CardPicture:
    """A face with what is drawn on it: the path of all arrows, or the outlines of regions."""

    jpeg: str
    caption: str
    arrows: str = ""
    outlines: Sequence[Outline] = ()


@dataclasses.dataclass(frozen=True)
class Card:
    """What the page shows of one expression."""

    number: int
    expression: SpottedExpression
    pictures: Sequence[CardPicture]


def spot_page(video: SpottedVideo, pictures: Mapping[int, ExpressionPictures]) -> str:
    """The page as HTML, with the pictures that `draw_expressions` drew; the same video gives the same text."""
    return render(
        "spot.html",
        video=video,
        timelines=[(layout.name, layout.width, timeline_rows(video, layout)) for layout in TIMELINES],
        cards=[Card(i + 1, e, _card_pictures(e, pictures.get(i))) for i, e in enumerate(video.expressions)],
        details=_details(video),
        emotions=EMOTIONS,
        classes=FRAME_CLASSES,
        letters=LETTERS,
        clock=clock,
        frame=FRAME,
        side=CROP_SIDE,
    )


def _card_pictures(e: SpottedExpression, pictures: ExpressionPictures | None) -> list[CardPicture]:
    if pictures is None:
        return []
    arrows, length = _motion(pictures.arrows)
    return [
        CardPicture(_data(pictures.onset), f"Onset, frame {e.onset}; {length}", arrows=arrows),
        CardPicture(_data(pictures.apex), f"Apex, frame {e.apex}", outlines=pictures.outlines),
    ]


def _motion(arrows: Sequence[Arrow]) -> tuple[str, str]:
    """The path of all arrows, and how much longer than the motion they are drawn."""
    if not arrows:
        return "", f"no point moves {STILL} pixels until the apex"
    longest = max(math.hypot(a.dx, a.dy) for a in arrows)
    gain = min(_MOST_GAIN, max(1, round(_LONGEST / longest)))
    path = "".join(
        f"M{a.x:g} {a.y:g}l{gain * a.dx:.1f} {gain * a.dy:.1f}{_head(gain * a.dx, gain * a.dy)}" for a in arrows
    )
    return path, f"motion drawn {gain} times as long" if gain > 1 else "motion"


def _head(dx: float, dy: float) -> str:
    """The head of an arrow: two short strokes from its end, the pen returning in between."""
    left, right = (-0.35 * dx - 0.25 * dy, -0.35 * dy + 0.25 * dx), (-0.35 * dx + 0.25 * dy, -0.35 * dy - 0.25 * dx)
    return f"l{left[0]:.1f} {left[1]:.1f}m{-left[0]:.1f} {-left[1]:.1f}l{right[0]:.1f} {right[1]:.1f}"


def _data(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _windows(phases: int) -> str:
    return f"windows begin at {phases} places within half a window" if phases > 1 else "windows begin every half window"


def _adapted(video: SpottedVideo) -> str:
    blocks = "; ".join(
        f"{block.first_s:.1f} to {block.last_s:.1f} s: {block.before:.2f} to {block.after:.2f}, {block.steps} steps"
        for block in video.adapted
    )
    return f"each part by weights that never saw it; ROC area of injections held back: {blocks}"


def _details(video: SpottedVideo) -> list[tuple[str, str]]:
    width, height = video.source.size
    return [
        ("video", f"{video.path}: {video.frames} frames, {video.fps:.4g} per second, {width} x {height} pixels"),
        ("sampling", f"{video.sampling}; {_windows(video.phases)}"),
        ("checkpoint", f"{video.checkpoint}, trained at {video.sampling.wanted:.4g} samples per second"),
        ("selection rule", video.rule + (f" (UNCALIBRATED: {video.uncalibrated})" if video.uncalibrated else "")),
        *([("adapted", _adapted(video))] if video.adapted else []),
        ("frames", "numbered from 0; onset and offset belong to the interval"),
    ]
