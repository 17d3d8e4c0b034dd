"""Figures in the colours of the report. Pages hold them as SVG that follows the reader's theme."""

import dataclasses
import hashlib
import html
import io
import re
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from memodule.colours import LIGHT

INK, SOFT, LINE, FAINT, PAPER = (LIGHT[name] for name in ("ink", "soft", "line", "faint", "paper"))
HIT, ALARM, MISS, REFERENCE = (LIGHT[name] for name in ("hit", "alarm", "miss", "note-line"))

_VARIABLES: Final = {colour: f"var(--{name})" for name, colour in reversed(LIGHT.items())}
_TIP: Final = "tip: "
_METADATA: Final = ("Creator", "Date", "Format", "Type")


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure of a page: its title, the picture, and how to read it."""

    title: str
    svg: Markup
    hint: str = ""


def page_axes(width: int = 360, height: int = 220, left: float = 44) -> tuple[Figure, Axes]:
    """Empty axes of a picture that a page shows, in CSS pixels; `left` is the space for numbers and title."""
    figure = Figure(figsize=(width / 72, height / 72))
    right, bottom, top = 12, 38, 10
    place = (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    return figure, dress(figure.add_axes(place))


def dress(axes: Axes, size: float = 11) -> Axes:
    """Give axes the report's colours: pale horizontal lines and no frame."""
    axes.set_facecolor("none")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(SOFT)
    axes.tick_params(color=SOFT, labelcolor=SOFT, labelsize=size)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=FAINT, linewidth=1)
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set(color=INK, fontsize=size + 0.5)
    return axes


def whole_numbers(axes: Axes) -> None:
    """Write whole numbers only at the horizontal axis."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))


def tip(artist: Artist, text: str) -> None:
    """Let a page show a text where the reader points at a part of the picture."""
    artist.set_gid(_TIP + text)


def svg(figure: Figure, label: str) -> Markup:
    """A figure as an SVG element: colours are those of the reader's theme, letters those of the page.

    Args:
        figure: Drawn in colours of `memodule.colours.LIGHT`.
        label: What the picture shows, for readers who cannot see it.
    """
    for axes in figure.axes:
        for artist in axes.get_children():
            artist.set_clip_on(False)  # clip paths are found by id, and a page with many pictures would repeat those
    text = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "memodule"}):
        figure.savefig(text, format="svg", transparent=True, metadata=dict.fromkeys(_METADATA))
    width, height = (72 * inches for inches in figure.get_size_inches())
    inner = text.getvalue()
    inner = _tidied(inner[inner.index("<g ") : inner.rindex("</svg>")], label)
    start = f'<svg class="plot" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{html.escape(label)}">'
    return Markup(f"{start}\n{inner}</svg>")


def _tidied(inner: str, label: str) -> str:
    """What matplotlib wrote, shortened, with colours of the page and ids that no other picture has."""
    inner = re.sub(f'<g id="{_TIP}([^"]*)">', r"<g><title>\1</title>", inner)
    for pattern, replacement in _SHORTER:
        inner = re.sub(pattern, replacement, inner, flags=re.DOTALL)
    inner = re.sub(r' (?:d|x|y)="[^"]*"', lambda found: re.sub(r"(\.\d)\d+", r"\1", found[0]), inner)
    inner = re.sub("#[0-9a-f]{6}", lambda found: _VARIABLES.get(found[0], found[0]), inner)
    for marker in set(re.findall(r'<path id="\w+"[^>]*/>', inner)):
        first, *rest = inner.split(marker)  # matplotlib repeats markers
        inner = first + marker + "".join(rest)
    own = f"p{hashlib.sha256((label + inner).encode()).hexdigest()[:8]}"
    return re.sub(r'(id="|href="#)(m[0-9a-f]{10})', rf"\1{own}\2", inner)


_SHORTER: Final = (
    (r'<g id="[^"]*"/>', ""),
    (r'<g id="[^"]*">', "<g>"),
    (r"<defs>\s*<clipPath.*?</clipPath>\s*</defs>", ""),
    (r" font-family: [^\"]*?sans-serif;?", ""),
    (r"<!--.*?-->\n *", ""),
    (r"\n +", "\n"),
)
"""Removes what a page does not need, such as ids that would repeat and matplotlib's own fonts."""


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels from their places, in any order, until they are at least `gap` apart, between `low` and `high`.

    >>> spread([10, 11, 50], 12, 0, 100)
    [10, 22, 50]
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    floor = low
    for i in order:
        moved[i] = max(moved[i], floor)
        floor = moved[i] + gap
    ceiling = high
    for i in reversed(order):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - gap
    return moved
