"""A small plot in inline SVG: axes, lines, bars, marks. Colours and line widths are the style sheet's, by class."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Final

from memodule.report.html import Html, el

WIDTH: Final = 360
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 38

Point = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis of a plot.

    Attributes:
        title: What is measured, with its unit.
        low: Value at the start.
        high: Value at the end; larger than `low`.
        ticks: Values that are named.
    """

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def around(cls, title: str, low: float, high: float, count: int = 5) -> "Axis":
        """An axis that holds both values and begins and ends at round numbers.

        >>> Axis.around("s", 0, 9.2).ticks
        (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)
        """
        span = high - low if high > low else max(abs(low), 1.0)
        rough = span / count
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough * 0.999)
        first, last = math.floor(low / step + 1e-9), max(math.ceil(high / step - 1e-9), math.floor(low / step) + 1)
        ticks = tuple(round(i * step, 10) for i in range(first, last + 1))
        return cls(title, ticks[0], ticks[-1], ticks)

    @classmethod
    def share(cls, title: str) -> "Axis":
        """From 0 to 1."""
        return cls(title, 0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))

    def at(self, value: float) -> float:
        """Where a value lies between both ends: 0..1, cut off beyond.

        Args:
            value: In the unit of the axis.

        Returns:
            0 at `low`, 1 at `high`.
        """
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


@dataclasses.dataclass(frozen=True)
class Plot:
    """A coordinate system; its methods draw layers, and `svg` puts them together.

    Attributes:
        x: The horizontal axis.
        y: The vertical axis; without ticks where rows carry names of their own.
        height: Of the picture; its width is `WIDTH`.
    """

    x: Axis
    y: Axis
    height: int = 220

    def px(self, value: float) -> float:
        """Horizontal place of a value.

        Args:
            value: In the unit of the horizontal axis.

        Returns:
            Units of the picture, from the left.
        """
        return round(LEFT + self.x.at(value) * (WIDTH - LEFT - RIGHT), 1)

    def py(self, value: float) -> float:
        """Vertical place of a value.

        Args:
            value: In the unit of the vertical axis.

        Returns:
            Units of the picture, from the top.
        """
        return round(self.height - BOTTOM - self.y.at(value) * (self.height - TOP - BOTTOM), 1)

    def line(self, points: Iterable[Point], class_: str) -> Html:
        """Points joined by a line."""
        path = "L".join(f"{self.px(x):g} {self.py(y):g}" for x, y in points)
        return el("path", d=f"M{path}" if path else None, class_=class_)

    def dots(self, points: Iterable[Point], class_: str) -> Html:
        """Points on their own, as one path with round ends."""
        return el("path", d="".join(f"M{self.px(x):g} {self.py(y):g}h0" for x, y in points), class_=class_)

    def bar(self, low: Point, high: Point, class_: str, title: str | None = None) -> Html:
        """A rectangle between two corners."""
        x, y = self.px(low[0]), self.py(high[1])
        width, height = max(self.px(high[0]) - x, 0.5), max(self.py(low[1]) - y, 0)
        tip = el("title", title) if title else None
        return el("rect", tip, x=f"{x:g}", y=f"{y:g}", width=f"{width:g}", height=f"{height:g}", class_=class_)

    def text(self, point: Point, words: str, class_: str = "", anchor: str = "middle", dy: float = 0) -> Html:
        """Words at a point, `dy` pixels below it."""
        x, y = self.px(point[0]), self.py(point[1]) + dy
        return el("text", words, x=f"{x:g}", y=f"{y:g}", text_anchor=anchor, class_=class_ or None)

    def symbol(self, point: Point, shape: str, class_: str) -> Html:
        """A mark that differs by shape: circle, square, diamond or triangle."""
        path = {
            "circle": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
            "square": "m-3.6 -3.6h7.2v7.2h-7.2z",
            "diamond": "m0 -5l5 5l-5 5l-5 -5z",
            "triangle": "m0 -4.8l4.6 8.4h-9.2z",
        }[shape]
        return el("path", d=f"M{self.px(point[0]):g} {self.py(point[1]):g}{path}", class_=class_)

    def svg(self, *layers: Html, label: str) -> Html:
        """The picture: grid, layers, axes.

        Args:
            *layers: What the other methods drew; later ones lie above.
            label: What readers who cannot see it are told.
        """
        return el(
            "svg",
            *self._grid(),
            *layers,
            *self._titles(),
            viewBox=f"0 0 {WIDTH} {self.height}",
            role="img",
            aria_label=label,
            class_="plot",
        )

    def _grid(self) -> list[Html]:
        left, right, bottom = LEFT, WIDTH - RIGHT, self.height - BOTTOM
        parts = []
        for tick in self.y.ticks:
            y = f"{self.py(tick):g}"
            parts.append(el("path", d=f"M{left} {y}H{right}", class_="grid"))
            parts.append(el("text", number(tick), x=left - 6, y=f"{self.py(tick) + 3.5:g}", text_anchor="end"))
        for tick in self.x.ticks:
            x = f"{self.px(tick):g}"
            parts.append(el("path", d=f"M{x} {bottom}v4", class_="tick"))
            parts.append(el("text", number(tick), x=x, y=bottom + 15, text_anchor="middle"))
        return parts

    def _titles(self) -> list[Html]:
        left, right, bottom = LEFT, WIDTH - RIGHT, self.height - BOTTOM
        middle = (TOP + bottom) / 2
        return [
            el("path", d=f"M{left} {bottom}H{right}", class_="axis"),
            el("text", self.x.title, x=(left + right) / 2, y=self.height - 5, text_anchor="middle", class_="title"),
            el(
                "text",
                self.y.title,
                transform=f"translate(11 {middle:g}) rotate(-90)",
                text_anchor="middle",
                class_="title",
            ),
        ]


def number(value: float) -> str:
    """A number of an axis: no more digits than it needs, and a real minus sign."""
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart that would lie on each other, keeping their order.

    Args:
        places: Where they want to be, in any order.
        gap: Smallest distance.
        low: Smallest place.
        high: Largest place.

    Returns:
        Where they may lie, in the order of `places`.

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
