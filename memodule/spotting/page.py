"""One self-contained HTML page about one video: no network, no script, nothing beside it."""

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from memodule.emotions import EMOTIONS, FRAME_CLASSES
from memodule.flow.boxes import CROP_SIDE
from memodule.report.html import Html, document, el, packaged
from memodule.spotting.pictures import STILL, Arrow, ExpressionPictures
from memodule.spotting.result import SpottedExpression, SpottedVideo
from memodule.spotting.timeline import LETTERS, clock, timeline

_LONGEST: Final = 22
"""How long the longest arrows are drawn, in pixels of the crop; a little longer than their distance."""

_MOST_GAIN: Final = 20
"""Arrows are at most this much longer than the motion."""

_READING: Final = (
    "Arrows on the onset show the motion until the apex, without that of the head. Boxes on the apex are the 18 "
    "measured regions. Bars are mean probabilities inside the interval; the emotion is the one that most of its "
    "frames vote for."
)

_MEANING: Final = (
    "A micro-expression is a movement of the face. It proves no feeling, no intention and no lie; the emotion is a "
    "guess of a class from the movement alone."
)


def spot_page(video: SpottedVideo, pictures: Mapping[int, ExpressionPictures]) -> Html:
    """The page as text; the same video gives the same text.

    Args:
        video: What was found.
        pictures: What `draw_expressions` drew.
    """
    name = video.path.name
    return document(
        f"{name} | memodule spot",
        _hatch(),
        el(
            "header",
            el("p", "memodule spot", class_="brand"),
            el("h1", name),
            el("p", video.summary(), class_="lead"),
            *(el("p", el("b", "Warning: "), warning, class_="banner") for warning in video.warnings),
        ),
        el("main", *_timeline(video), *_cards(video, pictures), *_unknown(video), *_details(video)),
        el("footer", el("p", _MEANING, class_="hint")),
        style=packaged("memodule.spotting", "page.css"),
    )


def _hatch() -> Html:
    """The pattern of parts that were not analysed."""
    line = el("path", d="M0 8L8 0M-2 2L2 -2M6 10L10 6")
    pattern = el("pattern", line, id="hatch", width=8, height=8, patternUnits="userSpaceOnUse")
    return el(
        "svg", el("defs", pattern), width=0, height=0, aria_hidden="true", style="position:absolute;width:0;height:0"
    )


def _timeline(video: SpottedVideo) -> Iterator[Html]:
    yield el("h2", "Timeline")
    keys = [*EMOTIONS, "not analysed"] if video.not_analysed else list(EMOTIONS)
    items = [
        el("li", _swatch("unknown"), key)
        if key == "not analysed"
        else el("li", _swatch(f"found {key}"), el("b", LETTERS[key], class_=key), f" {key}")
        for key in keys
    ]
    yield el("ul", *items, el("li", "line: spotting score, 0 to 1"), class_="keys")
    yield timeline(video)
    words = f"The selection rule, {video.rule}, decides which rises of the score are micro-expressions."
    yield el("p", words, class_="hint")


def _swatch(class_: str) -> Html:
    return el("svg", el("rect", width=16, height=12, class_=class_), viewBox="0 0 16 12", aria_hidden="true")


def _cards(video: SpottedVideo, pictures: Mapping[int, ExpressionPictures]) -> Iterator[Html]:
    yield el("h2", "Micro-expressions")
    if not video.expressions:
        yield el("p", "None was found in the parts that were analysed." if video.is_analysed else "Nothing is known.")
        return
    yield el("p", _READING, class_="hint")
    cards = (_card(i + 1, e, pictures.get(i)) for i, e in enumerate(video.expressions))
    yield el("div", *cards, class_="cards")


def _card(number: int, e: SpottedExpression, pictures: ExpressionPictures | None) -> Html:
    milliseconds = round(1000 * (e.offset_s - e.onset_s))
    return el(
        "article",
        el("h3", el("span", f"{number}{LETTERS.get(e.emotion, '')}", class_=f"badge {e.emotion}"), _title(e)),
        el("p", f"Frames {e.onset} to {e.offset}, apex {e.apex}; {milliseconds} ms; confidence {e.confidence:.2f}"),
        _figures(e, pictures) if pictures else el("p", "No picture: not among the most certain ones.", class_="hint"),
        _bars(e),
        id=f"me{number}",
        class_="card",
    )


def _title(e: SpottedExpression) -> str:
    return f"{e.emotion} at {clock(e.apex_s)}"


def _bars(e: SpottedExpression) -> Html:
    rows = []
    for name in FRAME_CLASSES:
        fill = el("i", class_=f"fill {name}", style=f"width:{100 * e.probabilities[name]:.1f}%")
        rows.append(el("tr", el("th", name, scope="row"), el("td", fill), el("td", f"{e.probabilities[name]:.0%}")))
    return el("table", el("tbody", *rows), class_="bars", aria_label="mean probabilities")


def _figures(e: SpottedExpression, pictures: ExpressionPictures) -> Html:
    regions = [
        el("rect", el("title", o.name), x=o.left, y=o.top, width=o.width, height=o.height, class_="outline")
        for o in pictures.outlines
    ]
    return el(
        "div",
        _figure(pictures.onset, *_motion(pictures.arrows, f"Onset, frame {e.onset}")),
        _figure(pictures.apex, regions, f"Apex, frame {e.apex}"),
        class_="pictures",
    )


def _motion(arrows: Sequence[Arrow], caption: str) -> tuple[list[Html], str]:
    """Arrows and the caption, which says how much longer than the motion they are drawn."""
    if not arrows:
        return [], f"{caption}; no point moves {STILL} pixels until the apex"
    longest = max(math.hypot(a.dx, a.dy) for a in arrows)
    gain = min(_MOST_GAIN, max(1, round(_LONGEST / longest)))
    path = "".join(
        f"M{a.x:g} {a.y:g}l{gain * a.dx:.1f} {gain * a.dy:.1f}{_tip(gain * a.dx, gain * a.dy)}" for a in arrows
    )
    layers = [el("path", d=path, class_="arrow under"), el("path", d=path, class_="arrow")]
    return layers, f"{caption}; motion drawn {gain} times as long" if gain > 1 else f"{caption}; motion"


def _figure(jpeg: bytes, layers: list[Html], caption: str) -> Html:
    data = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    image = el("image", href=data, width=CROP_SIDE, height=CROP_SIDE)
    box = f"0 0 {CROP_SIDE} {CROP_SIDE}"
    return el(
        "figure", el("svg", image, *layers, viewBox=box, role="img", aria_label=caption), el("figcaption", caption)
    )


def _tip(dx: float, dy: float) -> str:
    """The head of an arrow: two short strokes from its end, the pen returning in between."""
    left, right = (-0.35 * dx - 0.25 * dy, -0.35 * dy + 0.25 * dx), (-0.35 * dx + 0.25 * dy, -0.35 * dy - 0.25 * dx)
    return f"l{left[0]:.1f} {left[1]:.1f}m{-left[0]:.1f} {-left[1]:.1f}l{right[0]:.1f} {right[1]:.1f}"


def _unknown(video: SpottedVideo) -> Iterator[Html]:
    if not video.not_analysed:
        return
    yield el("h2", "Not analysed")
    yield el("p", "Nothing is known of these parts; they may hold micro-expressions.")
    head = el("tr", *(el("th", words, scope="col") for words in ("from", "to", "frames", "why")))
    rows = [
        el(
            "tr",
            *(
                el("td", words)
                for words in (clock(s.first_s), clock(s.last_s), f"{s.first} to {s.last}", str(s.reason))
            ),
        )
        for s in video.not_analysed
    ]
    yield el("table", el("thead", head), el("tbody", *rows))


def _details(video: SpottedVideo) -> Iterator[Html]:
    yield el("h2", "How")
    width, height = video.source.size
    rows = (
        ("video", f"{video.path}: {video.frames} frames, {video.fps:.4g} per second, {width} x {height} pixels"),
        ("sampling", str(video.sampling)),
        ("checkpoint", f"{video.checkpoint}, trained at {video.sampling.wanted:.4g} samples per second"),
        ("selection rule", video.rule),
        ("frames", "numbered from 0; onset and offset belong to the interval"),
    )
    yield el("table", el("tbody", *(el("tr", el("th", a, scope="row"), el("td", b)) for a, b in rows)))
