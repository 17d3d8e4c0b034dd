"""The figures of an ablation: drawn once, as SVG for its page, as PNG files, and as pictures for W&B."""

from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from memodule.errors import UserError
from memodule.metrics.score_names import NAMES
from memodule.report.drawing import ALARM, HIT, INK, LINE, PAPER, REFERENCE, Picture, dress, page_axes, svg, tip
from memodule.report.rendering import decimal
from memodule.runtime.atomic import replacing
from memodule.studies.ablation.run import Ablation
from memodule.studies.ablation.sweeps import Sweep, is_numeric, labels, sweeps_of
from memodule.studies.ablation.table import best_of_groups

_PAGE_SCORES: Final = ("strs", "spot_f1")
_MOST_NAMED: Final = 12
"""Columns of a heat map up to which its cells hold their values."""

_ACROSS_MAGNITUDES: Final = 30
"""Positive values whose largest is this many times the smallest are drawn at equal distances."""


def figures(ablation: Ablation) -> dict[str, Figure]:
    """All figures by file name without suffix: `variants`, and one for each sweep of the grid."""
    drawn = {"variants": forest_figure(ablation)}
    for sweep in sweeps(ablation):
        drawn[file_name(sweep.group)] = sweep_figure(sweep, ablation)
    return drawn


def write_figures(drawn: dict[str, Figure], folder: Path) -> None:
    """Write each figure as PNG.

    Raises:
        UserError: If they cannot be written.
    """
    for name, figure in drawn.items():
        path = folder / f"{name}.png"
        try:
            with replacing(path) as aside:
                figure.savefig(aside, dpi=150, metadata={"Software": None})
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error}); free some space and repeat the command") from None


def file_name(group: str) -> str:
    """Name of a variant as the name of a file: `threshold and half window` is `sweep-threshold_and_half_window`."""
    return "sweep-" + "".join(c if c.isalnum() or c in "-." else "_" for c in group)


def sweeps(ablation: Ablation) -> list[Sweep]:
    """The sweeps of the grid, in its order."""
    return sweeps_of(ablation.rows, [variant.group for variant in ablation.grid.variants])


def sweep_pictures(sweep: Sweep, ablation: Ablation) -> list[Picture]:
    """What the page shows of a sweep: heat maps, if two parameters are swept, and scores against each parameter."""
    pictures = []
    if sweep.pair is not None:
        rest = ", best over the other parameters" if len(sweep.parameters) > 2 else ""
        names = labels(sweep.parameters[sweep.pair[1]])
        for score in _given(ablation):
            height = 48 + len(names) * min(30, max(14, 220 // len(names)))
            figure, axes = page_axes(height=height, left=26 + 7 * max(map(len, names)))
            pictures.append(Picture(NAMES[score] + rest, svg(figure, draw_heat_map(axes, sweep, score))))
    for parameter in sweep.parameters:
        for score in _given(ablation):
            figure, axes = page_axes(height=200)
            label = draw_sensitivity(axes, sweep, parameter, score, ablation.reference.scores[score])
            pictures.append(Picture(f"{NAMES[score]} against {parameter}", svg(figure, label)))
    return pictures


def _given(ablation: Ablation) -> list[str]:
    return [score for score in _PAGE_SCORES if score in ablation.reference.scores]


def sweep_figure(sweep: Sweep, ablation: Ablation) -> Figure:
    """The heat map of a sweep, if two parameters are swept, and STRS (or spotting F1) against each parameter."""
    score = ablation.headline
    panels = len(sweep.parameters) + (sweep.pair is not None)
    figure = Figure(figsize=(4.4 * panels, 3.4), layout="constrained")
    axes = [dress(one, 8) for one in figure.subplots(1, panels, squeeze=False)[0]]
    if sweep.pair is not None:
        draw_heat_map(axes.pop(0), sweep, score, size=8)
    for own, parameter in zip(axes, sweep.parameters, strict=True):
        draw_sensitivity(own, sweep, parameter, score, ablation.reference.scores[score])
        own.set_ylabel(NAMES[score])
        own.legend(fontsize=7, frameon=False)
    figure.suptitle(f"{sweep.group}: {NAMES[score]} of held-out subjects", fontsize=10)
    return figure


def forest_figure(ablation: Ablation) -> Figure:
    """The best row of each variant: STRS (or spotting F1) with its interval; picked rows are hollow, leaks diamonds."""
    shown, score = best_of_groups(ablation.rows), ablation.headline
    figure = Figure(figsize=(9, 1.4 + 0.28 * len(shown)), layout="constrained")
    axes = dress(figure.subplots(), 8)
    axes.axvline(ablation.reference.scores[score], color=REFERENCE, linewidth=1.2)
    for place, (row, size) in enumerate(shown):
        axes.plot(row.ranges[score], [place, place], color=HIT, alpha=0.4, linewidth=4, solid_capstyle="round")
        colour = ALARM if row.leak else HIT
        filled = PAPER if size > 1 and not row.leak else colour
        marker = "D" if row.leak else "o"
        axes.plot(row.scores[score], place, marker, color=colour, markerfacecolor=filled, markersize=6.5)
    names = [
        row.name + (f" (best of {size})" if size > 1 else "") + (" (chosen)" if row.variant.chosen else "")
        for row, size in shown
    ]
    axes.set_yticks(range(len(shown)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=LINE)
    axes.set_xlabel(f"{NAMES[score]}, 95 % interval over subjects; line: {ablation.grid.reference}")
    return figure


def draw_heat_map(axes: Axes, sweep: Sweep, score: str, size: float = 10.5) -> str:
    """Draw a score (log key) by two parameters, the best over all others; the best cell has a border.

    Returns:
        What the picture shows, for readers who cannot see it.
    """
    assert sweep.pair is not None
    across, up = sweep.pair
    columns, lines = labels(sweep.parameters[across]), labels(sweep.parameters[up])
    cells = [(x, y, v) for y, line in enumerate(sweep.surface(score)) for x, v in enumerate(line) if v is not None]
    low, high = min(value for *_, value in cells), max(value for *_, value in cells)
    for x, y, value in cells:
        share = (value - low) / (high - low) if high > low else 0.5
        look: dict[str, Any] = {
            "facecolor": (HIT, 0.05 + 0.9 * share**1.5),
            "edgecolor": REFERENCE if share == 1 else "none",
        }
        cell = Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, linewidth=2.5, **look)
        tip(cell, f"{across}={columns[x]}, {up}={lines[y]}: {NAMES[score]} {decimal(value)}")
        axes.add_patch(cell)
        if len(columns) <= _MOST_NAMED:
            text = decimal(value, 2).removeprefix("0")
            axes.text(x, y, text, ha="center", va="center", color=PAPER if share > 0.75 else INK, fontsize=size)
    step = -(-len(columns) // 10)
    axes.set_xticks(range(0, len(columns), step), columns[::step])
    axes.set_yticks(range(len(lines)), lines)
    axes.set(xlabel=across, ylabel=up, xlim=(-0.5, len(columns) - 0.5), ylim=(-0.5, len(lines) - 0.5))
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    return f"{NAMES[score]} by {across} and {up}, from {decimal(low)} to {decimal(high)}"


def draw_sensitivity(axes: Axes, sweep: Sweep, parameter: str, score: str, reference: float) -> str:
    """Draw a score against one parameter: every row a dot, their mean a line, the best another.

    Args:
        score: Log key.
        reference: That score of the reference, drawn as a dashed line.

    Returns:
        What the picture shows, for readers who cannot see it.
    """
    levels = sweep.levels(parameter, score)
    values = [level.value for level in levels]
    names, numeric = labels(values), is_numeric(values)
    to_scale = numeric and not (min(values) > 0 and max(values) / min(values) > _ACROSS_MAGNITUDES)
    places: list[Any] = values if to_scale else list(range(len(values)))
    line = "-" if numeric else ""  # there is nothing between two names
    axes.axhline(reference, color=REFERENCE, linestyle="--", linewidth=1.5, label="reference")
    for place, level in zip(places, levels, strict=True):
        axes.plot([place] * len(level.scores), level.scores, ".", color=HIT, alpha=0.4)
    if any(len(level.scores) > 1 for level in levels):
        means = [sum(level.scores) / len(level.scores) for level in levels]
        axes.plot(places, means, f"{line}o", color=HIT, linewidth=2, markersize=3.5, label="mean")
    bests = [max(level.scores) for level in levels]
    axes.plot(places, bests, f"{line}D", color=INK, linewidth=2, markersize=3.5, label="best")
    if not to_scale:
        axes.set_xticks(places, names)
        axes.set_xlim(-0.5, len(places) - 0.5)
    axes.set_xlabel(parameter)
    best = ", ".join(f"{name}: {decimal(value)}" for name, value in zip(names, bests, strict=True))
    return f"{NAMES[score]} against {parameter}, best over other parameters: {best}"
