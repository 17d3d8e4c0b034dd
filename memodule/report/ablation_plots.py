"""Inline pictures of an ablation: variants side by side, heat maps, a score against each parameter."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from memodule.metrics.score_names import NAMES
from memodule.report.html import Child, Html, el, join
from memodule.report.plot import WIDTH, Axis, Plot
from memodule.report.tables import decimal
from memodule.studies.ablation.run import Ablation
from memodule.studies.ablation.sweeps import Level, Sweep, is_numeric, labels
from memodule.studies.ablation.table import AblationRow, best_of_groups

_FOREST: Final = ("strs", "spot_f1", "recog_f1")
_NAMES_IN_CELLS: Final = 12
"""Columns of a heat map up to which its cells name their values."""


def forest(ablation: Ablation) -> Html:
    """The best row of each variant: three scores with intervals, and the difference to the reference."""
    shown = best_of_groups(ablation.rows)
    scales = {name: _scale([row for row, _ in shown], name) for name in _FOREST}
    heads = [_head(name, scales[name]) for name in _FOREST]
    lines = [_line(row, size, ablation, scales) for row, size in shown]
    head = [el("span", "best row of each variant"), *heads, el("span", "STRS \N{MINUS SIGN} reference")]
    return el("div", el("div", *head, class_="forest-line head"), *lines, class_="forest")


def _scale(rows: Sequence[AblationRow], name: str) -> tuple[float, float]:
    """Both ends of the tracks of a score: round numbers around all intervals."""
    low = math.floor(10 * min(row.ranges[name][0] for row in rows) + 1e-9) / 10
    high = math.ceil(10 * max(row.ranges[name][1] for row in rows) - 1e-9) / 10
    return (low, high) if high > low else (max(0.0, low - 0.1), min(1.0, low + 0.1))


def _head(name: str, scale: tuple[float, float]) -> Html:
    ends = el("span", el("span", f"{scale[0]:g}"), el("span", f"{scale[1]:g}"), class_="ends", aria_hidden="true")
    return el("span", NAMES[name], ends)


def marks(row: AblationRow, size: int, reference: AblationRow) -> Html:
    """What must be known of a row, as badges."""
    told: list[Child] = []
    if row is reference:
        told.append(el("span", "reference", class_="tag ref"))
    if row.leak:
        told.append(el("span", "leak", class_="tag leak", title="prior fitted on the scored subjects too"))
    if row.variant.chosen:
        told.append(el("span", "chosen by each fold", class_="tag chosen"))
    if size > 1:
        told.append(el("span", f"best of {size}", class_="tag best", title="picked by its held-out score: optimistic"))
    return join(*(join(" ", tag) for tag in told))


def kind(row: AblationRow, size: int) -> str:
    """How its dots are drawn: chosen by looking at the held-out score, leaking, or neither."""
    return "leak" if row.leak else "picked" if size > 1 else "honest"


def _line(row: AblationRow, size: int, ablation: Ablation, scales: Mapping[str, tuple[float, float]]) -> Html:
    reference = ablation.reference
    tracks = [_track(row, size, name, reference.scores[name], scales[name]) for name in _FOREST]
    name = el("span", row.name, marks(row, size, reference), class_="who")
    own = " own" if row is reference else ""
    return el("div", name, *tracks, difference(row, "strs"), class_=f"forest-line{own}")


def difference(row: AblationRow, name: str) -> Html:
    """Difference to the reference, its interval and its p."""
    if row.differences is None:
        return el("span", class_="numbers")
    test = row.differences[name]
    sign = "+" if test["difference"] > 0 else ""
    p = test["p_value"]
    told = f" [{decimal(test['low'], 2)}, {decimal(test['high'], 2)}] p {'< 0.001' if p < 0.001 else f'{p:.3f}'}"
    return el("span", el("b", f"{sign}{decimal(test['difference'])}"), el("small", told), class_="numbers")


def _track(row: AblationRow, size: int, name: str, reference: float, scale: tuple[float, float]) -> Html:
    value, (low, high) = row.scores[name], row.ranges[name]
    told = f"{NAMES[name]} {decimal(value)}, interval {decimal(low)} to {decimal(high)}"

    def at(score: float) -> float:
        return 100 * (score - scale[0]) / (scale[1] - scale[0])

    return el(
        "div",
        el(
            "div",
            el("i", class_="whisker", style=f"left:{at(low):.2f}%;width:{at(high) - at(low):.2f}%"),
            el("i", class_="against", style=f"left:{at(reference):.2f}%"),
            el("i", class_=f"dot {kind(row, size)}", style=f"left:{at(value):.2f}%"),
            class_="track",
            role="img",
            aria_label=told,
            title=told,
            style=f"--tenths:{round(10 * (scale[1] - scale[0]))}",
        ),
        el("span", decimal(value), class_="value-of"),
        class_="measure",
        data_score=NAMES[name],
    )


def sensitivity(sweep: Sweep, parameter: str, score: str, reference: float) -> Html:
    """A score against one parameter: every row a dot, their mean a line, the best another.

    Args:
        sweep: Rows that differ in parameters.
        parameter: The one to plot against.
        score: Log key of the score.
        reference: That score of the reference, drawn as a line across.
    """
    levels = sweep.levels(parameter, score)
    axis, places = _axis(parameter, [level.value for level in levels])
    values = [value for level in levels for value in level.scores]
    y = Axis.around("", min([*values, reference]), max([*values, reference]), 4)
    plot = Plot(axis, y, 200)
    rows = [(x, s) for x, level in zip(places, levels, strict=True) for s in level.scores]
    means = [(x, level.mean) for x, level in zip(places, levels, strict=True)]
    best = [(x, level.best) for x, level in zip(places, levels, strict=True)]
    layers = [
        plot.line([(axis.low, reference), (axis.high, reference)], "against"),
        plot.dots(rows, "dots"),
    ]
    if is_numeric([level.value for level in levels]):
        several = len(rows) > len(levels)
        layers += [*([plot.line(means, "line b")] if several else []), plot.line(best, "line a")]
    else:  # nothing lies between words
        layers += [plot.symbol(point, "circle", "mark b") for point in means]
        layers += [plot.symbol(point, "diamond", "mark a") for point in best]
    if not axis.ticks:
        words = labels([level.value for level in levels])
        layers += [plot.text((x, y.low), word, dy=15) for x, word in zip(places, words, strict=True)]
    return plot.svg(*layers, label=_told(levels, parameter, score))


def _axis(parameter: str, values: Sequence[Any]) -> tuple[Axis, list[float]]:
    """Numbers to scale; words, and numbers over several orders of magnitude, at equal distances."""
    if is_numeric(values) and not (min(values) > 0 and max(values) / min(values) > 30):
        return Axis.around(parameter, min(values), max(values)), [float(value) for value in values]
    return Axis(parameter, -0.5, len(values) - 0.5, ()), [float(i) for i in range(len(values))]


def _told(levels: Sequence[Level], parameter: str, score: str) -> str:
    words = labels([level.value for level in levels])
    told = [f"{word}: {decimal(level.best)}" for word, level in zip(words, levels, strict=True)]
    return f"{NAMES[score]} against {parameter}, best over other parameters: {', '.join(told)}"


def heat_map(sweep: Sweep, score: str) -> Html:
    """A score by two parameters; of others the best.

    Args:
        sweep: Rows that differ in at least two parameters.
        score: Log key of the score.
    """
    assert sweep.pair is not None
    across, up = sweep.pair
    surface = sweep.surface(score)
    known = [value for line in surface for value in line if value is not None]
    low, high = min(known), max(known)
    columns, lines = labels(sweep.parameters[across]), labels(sweep.parameters[up])
    left, top, right = 56, 6, 6
    wide, tall = (WIDTH - left - right) / len(columns), min(30.0, max(14.0, 220 / len(lines)))
    named = len(columns) <= _NAMES_IN_CELLS
    cells = []
    for i, values in enumerate(reversed(surface)):  # the largest value on top, as on an axis
        for j, value in enumerate(values):
            if value is not None:
                strength = (value - low) / (high - low) if high > low else 0.5
                tip = f"{across}={columns[j]}, {up}={lines[-1 - i]}: {NAMES[score]} {decimal(value)}"
                cells.append(_cell(left + j * wide, top + i * tall, wide, tall, value, strength, named, tip))
    bottom = top + tall * len(lines)
    return el(
        "svg",
        *cells,
        *_heat_words(across, columns, up, lines, left, top, wide, tall),
        viewBox=f"0 0 {WIDTH} {bottom + 38:g}",
        role="img",
        aria_label=f"{NAMES[score]} by {across} and {up}, from {decimal(low)} to {decimal(high)}",
        class_="plot heat",
    )


def _heat_words(
    across: str,
    columns: Sequence[str],
    up: str,
    lines: Sequence[str],
    left: float,
    top: float,
    wide: float,
    tall: float,
) -> list[Html]:
    """Names and values of both parameters beside the cells; of many columns every n-th is named."""
    bottom = top + tall * len(lines)
    step = -(-len(columns) // 10)
    words = [
        el("text", word, x=f"{left + (j + 0.5) * wide:g}", y=f"{bottom + 14:g}", text_anchor="middle")
        for j, word in enumerate(columns)
        if j % step == 0
    ]
    words += [
        el("text", word, x=left - 6, y=f"{top + (i + 0.5) * tall + 4:g}", text_anchor="end")
        for i, word in enumerate(reversed(lines))
    ]
    words.append(el("text", across, x=(left + WIDTH) / 2, y=f"{bottom + 31:g}", text_anchor="middle", class_="title"))
    turned = f"translate(11 {(top + bottom) / 2:g}) rotate(-90)"
    words.append(el("text", up, transform=turned, text_anchor="middle", class_="title"))
    return words


def _cell(
    x: float, y: float, width: float, height: float, value: float, strength: float, named: bool, tip: str
) -> Html:
    best = " top" if strength == 1 else ""
    shade = el(
        "rect",
        el("title", tip),
        x=f"{x + 0.75:.2f}",
        y=f"{y + 0.75:.2f}",
        width=f"{width - 1.5:.2f}",
        height=f"{height - 1.5:.2f}",
        rx=2,
        class_=f"shade{best}",
        style=f"--strength:{0.05 + 0.9 * strength**1.5:.3f}",
    )
    if not named:
        return shade
    dark = "strong" if strength > 0.75 else None
    words = decimal(value, 2).removeprefix("0")
    return join(
        shade,
        el("text", words, x=f"{x + width / 2:g}", y=f"{y + height / 2 + 3.5:g}", text_anchor="middle", class_=dark),
    )
