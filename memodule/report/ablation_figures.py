"""Matplotlib figures of an ablation: PNG files, and pictures for dashboards."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memodule.errors import UserError
from memodule.metrics.score_names import NAMES
from memodule.report.figures import FOUND_COLOUR, SCORE_COLOUR, TRUE_COLOUR
from memodule.runtime.atomic import replacing
from memodule.studies.ablation.run import Ablation
from memodule.studies.ablation.sweeps import Sweep, is_numeric, labels, sweeps_of
from memodule.studies.ablation.table import best_of_groups

_SCORE = "strs"
_REFERENCE_COLOUR = "#9a6b00"


def figures(ablation: Ablation) -> dict[str, Figure]:
    """All figures by name: `variants`, and for each sweep of the grid one.

    Args:
        ablation: With its rows.

    Returns:
        Figures by file name, without its ending.
    """
    drawn = {"variants": forest_figure(ablation)}
    for sweep in sweeps_of(ablation.rows, [variant.group for variant in ablation.grid.variants]):
        drawn[file_name(sweep.group)] = sweep_figure(sweep, ablation.reference.scores[_SCORE])
    return drawn


def write_figures(drawn: dict[str, Figure], folder: Path) -> None:
    """Write each figure as PNG.

    Args:
        drawn: What `figures` gave.
        folder: Where they go.

    Raises:
        UserError: If they cannot be written.
    """
    for name, figure in drawn.items():
        path = folder / f"{name}.png"
        try:
            with replacing(path) as aside:
                figure.savefig(aside, dpi=150, metadata={"Software": None})
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error}); make room and give the command again") from None


def file_name(group: str) -> str:
    """Name of a variant as the name of a file: `threshold and half window` is `sweep-threshold_and_half_window`."""
    return "sweep-" + "".join(c if c.isalnum() or c in "-." else "_" for c in group)


def forest_figure(ablation: Ablation) -> Figure:
    """The best row of each variant: STRS with its interval; picked rows are hollow, leaking ones diamonds."""
    shown = best_of_groups(ablation.rows)
    figure = Figure(figsize=(9, 1.4 + 0.28 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(ablation.reference.scores[_SCORE], color=_REFERENCE_COLOUR, linewidth=1.2)
    for place, (row, size) in enumerate(shown):
        low, high = row.ranges[_SCORE]
        axes.plot([low, high], [place, place], color=TRUE_COLOUR, alpha=0.4, linewidth=4, solid_capstyle="round")
        colour = FOUND_COLOUR if row.leak else TRUE_COLOUR
        filled = "white" if size > 1 and not row.leak else colour
        marker = "D" if row.leak else "o"
        axes.plot(row.scores[_SCORE], place, marker, color=colour, markerfacecolor=filled, markersize=6.5)
    names = [
        row.name + (f" (best of {size})" if size > 1 else "") + (" (chosen)" if row.variant.chosen else "")
        for row, size in shown
    ]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.invert_yaxis()
    axes.grid(axis="x", color="#e2e6ea")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set(xlabel=f"{NAMES[_SCORE]}, 95 % interval over subjects; line: {ablation.grid.reference}")
    return figure


def sweep_figure(sweep: Sweep, reference: float) -> Figure:
    """The heat map of a sweep, where two parameters are swept, and the score against each parameter."""
    panels = len(sweep.parameters) + (sweep.pair is not None)
    figure = Figure(figsize=(4.4 * panels, 3.4), layout="constrained")
    axes = list(figure.subplots(1, panels, squeeze=False)[0])
    if sweep.pair is not None:
        _heat(figure, axes.pop(0), sweep)
    for own, parameter in zip(axes, sweep.parameters, strict=True):
        _sensitivity(own, sweep, parameter, reference)
    figure.suptitle(f"{sweep.group}: {NAMES[_SCORE]} of held-out subjects", fontsize=10)
    return figure


def _heat(figure: Figure, axes: Axes, sweep: Sweep) -> None:
    assert sweep.pair is not None
    across, up = sweep.pair
    values = np.array(sweep.surface(_SCORE), dtype=np.float64)  # None becomes nan, which stays white
    image = axes.imshow(values, cmap="Blues", origin="lower", aspect="auto")
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    axes.plot(column, row, "*", color=FOUND_COLOUR, markersize=10)
    for name, ticks in ((across, axes.set_xticks), (up, axes.set_yticks)):
        words = labels(sweep.parameters[name])
        step = -(-len(words) // 8)
        ticks(range(0, len(words), step), words[::step], fontsize=8)
    axes.set(xlabel=across, ylabel=up)
    figure.colorbar(image, ax=axes)


def _sensitivity(axes: Axes, sweep: Sweep, parameter: str, reference: float) -> None:
    levels = sweep.levels(parameter, _SCORE)
    values = [level.value for level in levels]
    numeric = is_numeric(values)
    places: list[Any] = values if numeric else list(range(len(values)))
    for place, level in zip(places, levels, strict=True):
        axes.plot([place] * len(level.scores), level.scores, ".", color=TRUE_COLOUR, alpha=0.4)
    line = "-" if numeric else ""
    axes.plot(places, [level.mean for level in levels], line + "o", color=TRUE_COLOUR, markersize=3, label="mean")
    axes.plot(places, [level.best for level in levels], line + "D", color=SCORE_COLOUR, markersize=3, label="best")
    axes.axhline(reference, color=_REFERENCE_COLOUR, linestyle="--", linewidth=1, label="reference")
    if not numeric:
        axes.set_xticks(places, labels(values), fontsize=8)
        axes.set_xlim(-0.5, len(places) - 0.5)
    elif min(values) > 0 and max(values) / min(values) > 30:
        axes.set_xscale("log")
    axes.set(xlabel=parameter, ylabel=NAMES[_SCORE])
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7, frameon=False)
