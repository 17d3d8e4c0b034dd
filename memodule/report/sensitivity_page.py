"""The page of `memodule sensitivity`: how large a movement must be to be found, from the contents of its JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from memodule.report.drawing import ALARM, HIT, INK, LINE, SOFT, Picture, page_axes, svg, tip
from memodule.report.rendering import render

Row = Mapping[str, Any]

_COUNTS: Final = (("matched", "matched", HIT, "o"), ("touched", "overlapped by a new detection", ALARM, "s"))
_TICKS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


def sensitivity_page(summary: Mapping[str, Any]) -> str:
    """The page as HTML; the same summary gives the same text."""
    return render(
        "sensitivity.html",
        summary=summary,
        pictures=sensitivity_pictures(summary),
        parts_of=[
            ("Size in pixels of the image", summary["by_pixels"]),
            ("Size as a share of the face's width", summary["by_share_of_face"]),
            ("Region", summary["by_group"]),
            ("Duration", summary["by_seconds"]),
        ],
        thresholds=[
            ("pixels of the image", threshold_text(summary["curve"]["pixels"], 1, "px")),
            ("share of the face's width", threshold_text(summary["curve"]["share_of_face"], 100, "%")),
        ],
    )


def sensitivity_pictures(summary: Mapping[str, Any]) -> list[Picture]:
    """Share found against size, by region and by duration."""
    curve = summary["curve"]
    return [
        _size_picture(summary, "by_pixels", curve["pixels"], 1, "size in pixels of the image"),
        _size_picture(summary, "by_share_of_face", curve["share_of_face"], 100, "size in % of the face's width"),
        _parts_picture("Share found by region", summary["by_group"]),
        _parts_picture("Share found by duration", summary["by_seconds"]),
    ]


def threshold_text(curve: Mapping[str, Any], factor: float, unit: str) -> str:
    """The size that is found in half of all cases, with its interval."""
    smallest, largest = (f"{factor * curve['size'][end]:.2g} {unit}" for end in (0, -1))
    if curve["threshold"] is None:
        beyond = f"above {largest}" if curve["share"][-1] < 0.5 else f"below {smallest}"
        return f"{beyond}, beyond the tried sizes"
    low = smallest if curve["low"] is None else f"{factor * curve['low']:.2g} {unit}"
    high = f"more than {largest}" if curve["high"] is None else f"{factor * curve['high']:.2g} {unit}"
    return f"{factor * curve['threshold']:.2g} {unit} ({low} to {high})"


def _size_picture(summary: Mapping[str, Any], key: str, curve: Mapping[str, Any], factor: float, name: str) -> Picture:
    figure, axes = page_axes()
    rows = summary[key]
    sizes = [factor * size for size in curve["size"]]
    axes.set(xscale="log", xlim=(0.93 * sizes[0], 1.07 * sizes[-1]), ylim=(0, 1), xlabel=name, ylabel="share found")
    ticks = [tick for tick in _TICKS if sizes[0] <= tick * 1.001 and tick <= sizes[-1] * 1.001]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{tick:g}" for tick in ticks])
    axes.axhline(summary["chance"], color=SOFT, linestyle=(0, (1, 2)), linewidth=1.2)
    axes.plot(sizes, curve["share"], color=HIT, linewidth=2)
    for number, (count, what, colour, marker) in enumerate(_COUNTS):
        shift = 1.012 ** (2 * number - 1)
        _points(axes, [row["middle"] * shift for row in rows], rows, (count, what, colour, marker))
    half = threshold_text(curve, factor, "px" if factor == 1 else "%")
    if curve["threshold"] is not None:
        axes.plot([factor * curve["threshold"]] * 2, [0, 0.5], color=LINE, linewidth=1.2, zorder=0)
    label = f"Share found against {name}; half are found at {half}"
    return Picture(f"Share found against {name}", svg(figure, label), f"Half are found at {half}.")


def _points(axes: Axes, places: Sequence[float], rows: Sequence[Row], look: tuple[str, str, str, str]) -> None:
    count, what, colour, marker = look
    for place, row in zip(places, rows, strict=True):
        share = row[count]
        axes.plot([place] * 2, [share["low"], share["high"]], color=colour, linewidth=1.2)
        (dot,) = axes.plot(place, share["share"], marker, color=colour, markersize=6)
        tip(dot, f"{row['name']}: {share['found']} of {row['movements']} {what}")


def _parts_picture(title: str, rows: Sequence[Row]) -> Picture:
    figure, axes = page_axes(left=130)
    axes.grid(visible=False)
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), xlabel="share found")
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows], color=INK)
    for number, (count, what, colour, marker) in enumerate(_COUNTS):
        for place, row in enumerate(rows):
            share, at = row[count], place + 0.24 * (number - 0.5)
            axes.plot([share["low"], share["high"]], [at] * 2, color=colour, linewidth=1.2)
            (dot,) = axes.plot(share["share"], at, marker, color=colour, markersize=6)
            tip(dot, f"{row['name']}: {share['found']} of {row['movements']} {what}")
    text = "; ".join(f"{row['name']} {row['matched']['found']} of {row['movements']}" for row in rows)
    return Picture(title, svg(figure, f"{title}: {text}"))
