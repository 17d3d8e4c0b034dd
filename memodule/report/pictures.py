"""The plots of one run: durations, IoU sweep, precision and recall, timing errors, training."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memodule.metrics.functional import timing_errors
from memodule.metrics.functional.timing import LANDMARKS
from memodule.report.html import Html, el
from memodule.report.plot import Axis, Plot, Point, number, spread
from memodule.report.runs import Run

_MOST_POINTS: Final = 250
"""Points of a line; more would not be seen."""

_SWEEP: Final = (("strs", "STRS", "a"), ("spot_f1", "spotting F1", "b"), ("recog_f1", "recognition F1", "c"))
_SHAPES: Final = {"a": "diamond", "b": "circle", "c": "square"}
_NAMES_SHARE: Final = 0.32
"""Share of the width that the names behind the curves of the sweep take."""

TRAINING: Final = (
    ("train/loss", "training loss"),
    ("train/loss_spot", "training loss, spotting"),
    ("train/loss_recog", "training loss, recognition"),
    ("val/loss", "loss on watched subjects"),
    ("val/spot_f1", "spotting F1 on watched subjects"),
    ("val/recog_f1", "recognition F1 on watched subjects"),
)
"""What is drawn over the epochs, where it was logged."""


def durations(run: Run) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lengths in ms of all labelled micro-expressions, and of all intervals that are scored, over all seeds.

    Args:
        run: A finished study.

    Returns:
        (labelled,) and (found,) in ms, onset and offset included.
    """
    true, found = [], []
    for seed in run.seeds:
        for curve, decoded, judged in zip(run.curves[seed], run.decoded[seed], run.outcomes[seed], strict=True):
            labelled = run.catalog.expressions_of(decoded.key, "micro")
            true += [(e.offset - e.onset + 1) * 1000 / curve.fps for e in labelled]
            scored = [row.frames for row in judged if row.outcome != "unscored"]
            found += [(offset - onset + 1) * 1000 / curve.fps for onset, _, offset in scored]
    return np.array(true), np.array(found)


def duration_plot(run: Run) -> Html:
    """Labelled durations upwards, found ones downwards, as shares of each."""
    true, found = durations(run)
    both = np.concatenate([true, found])
    top = float(np.quantile(both, 0.98)) if len(both) else 1000.0
    x = Axis.around("duration in ms", 0, top, 6)
    edges = np.linspace(0, x.high, 25)
    shares = [np.histogram(np.minimum(values, x.high), edges)[0] / max(1, len(values)) for values in (true, found)]
    peak = max(0.05, *(float(share.max()) for share in shares))
    plot = Plot(x, Axis("share found | labelled", -peak * 1.12, peak * 1.12, ()))
    bars = []
    for (low, high), up, down in zip(itertools.pairwise(edges.tolist()), *shares, strict=True):
        span = f"{low:.0f} to {high:.0f} ms" if high < x.high else f"{low:.0f} ms and more"
        if up:
            bars.append(plot.bar((low, 0), (high, up), "labelled", f"labelled, {span}: {up:.1%}"))
        if down:
            bars.append(plot.bar((low, -down), (high, 0), "found", f"found, {span}: {down:.1%}"))
    words = [
        plot.text((x.high, peak), f"labelled: {_median(true)}", "labelled", "end", 2),
        plot.text((x.high, -peak), f"found: {_median(found)}", "found", "end", 6),
        plot.line([(0, 0), (x.high, 0)], "axis"),
    ]
    beyond = int((both > x.high).sum())
    label = f"Durations. Labelled: {_median(true)}. Found: {_median(found)}. {beyond} are longer than {x.high:.0f} ms."
    return plot.svg(*bars, *words, label=label)


def sweep_plot(run: Run) -> Html:
    """The scores at each IoU that is asked of a hit."""
    sweep = {float(iou): scores for iou, scores in run.results["sweep"].items()}
    thresholds = sorted(sweep)
    low, last = thresholds[0] - 0.05, thresholds[-1]
    high = last + (last - low) * _NAMES_SHARE / (1 - _NAMES_SHARE)  # names stand behind the curves, not on them
    plot = Plot(Axis("IoU asked of a hit", low, high, tuple(thresholds)), Axis.share("score"))
    layers: list[Html] = []
    ends = [plot.py(sweep[last][key]) for key, _, _ in _SWEEP]
    places = spread([y + 4 for y in ends], 13, 14, plot.height - 42)
    for (key, name, line), y in zip(_SWEEP, places, strict=True):
        points = [(iou, float(sweep[iou][key])) for iou in thresholds]
        layers.append(plot.line(points, f"line {line}"))
        layers += [plot.symbol(point, _SHAPES[line], f"mark {line}") for point in points]
        layers.append(el("text", name, x=f"{plot.px(last) + 9:g}", y=f"{y:g}", class_=f"name {line}"))
    used = f"{run.protocol.iou:g}"
    told = "; ".join(
        f"{name} {sweep[run.protocol.iou][key]:.3f}" for key, name, _ in _SWEEP if run.protocol.iou in sweep
    )
    return plot.svg(*layers, label=f"Scores against the IoU asked of a hit. At {used}: {told or 'not in the sweep'}")


def ranking_plot(run: Run) -> Html | None:
    """Precision against recall when less and less certain intervals are let through; None without confidences."""
    ranking = run.results["ranking"]
    if ranking is None:
        return None
    plot = Plot(Axis.share("recall"), Axis.share("precision"))
    layers = []
    for f1 in (0.2, 0.4, 0.6, 0.8):
        recalls = np.linspace(f1 / (2 - f1), 1, 40)
        layers.append(plot.line([(r, f1 * r / (2 * r - f1)) for r in recalls.tolist()], "contour"))
        layers.append(plot.text((1, f1 / (2 - f1)), f"F1 {number(f1)}", "contour", "end", -3))
    curve, best, spotting = ranking["curve"], ranking["operating_point"], run.results["spotting"]
    points = list(zip(curve["recall"], curve["precision"], strict=True))
    layers.append(plot.line(_fewer(points), "line b"))
    told = f"average precision {ranking['average_precision']:.3f}"
    if best:
        layers.append(plot.symbol((best["recall"], best["precision"]), "circle", "mark hollow"))
        told += f", best F1 in hindsight {best['f1']:.3f}"
    layers.append(plot.symbol((spotting["recall"], spotting["precision"]), "diamond", "mark a"))
    told += f", all intervals: precision {spotting['precision']:.3f}, recall {spotting['recall']:.3f}"
    return plot.svg(*layers, label=f"Precision against recall: {told}")


def timing_plot(run: Run) -> Html | None:
    """Every hit's onset, apex and offset error; None where there is no hit."""
    errors = timing(run)
    known = errors[~np.isnan(errors)]
    if not len(known):
        return None
    reach = float(np.quantile(np.abs(known), 0.98)) or 1.0
    x = Axis.around("too early | too late, in ms", -reach, reach, 6)
    plot = Plot(x, Axis("", 0, 3, ()), height=200)
    layers = [plot.line([(0, 0), (0, 3)], "axis")]
    told = []
    for row, (name, column) in enumerate(zip(LANDMARKS, errors.T, strict=True)):
        values = column[~np.isnan(column)]
        middle = 2.5 - row
        layers.append(plot.text((x.low, middle), name, "name", "end", 4))
        if len(values):
            heights = middle + 0.62 * (
                (np.arange(len(values)) * 0.618034) % 1 - 0.5
            )  # spread evenly, the same each time
            layers.append(plot.dots(zip(values.tolist(), heights.tolist(), strict=True), "dots"))
            bias = float(values.mean())
            layers.append(plot.line([(bias, middle - 0.42), (bias, middle + 0.42)], "mean"))
            told.append(f"{name} {bias:+.0f} ms on average over {len(values)} hits")
    return plot.svg(*layers, label=f"Timing errors of the hits: {'; '.join(told)}")


def timing(run: Run) -> NDArray[np.float64]:
    """(hits, 3) onset, apex and offset errors in ms over all seeds; NaN where an apex is unknown.

    Args:
        run: A finished study.

    Returns:
        Predicted minus true, in ms; negative is early.
    """
    errors = [np.empty((0, 3))]
    for seed in run.seeds:
        for video, judged in zip(run.intervals[seed], run.outcomes[seed], strict=True):
            if video.length is not None and video.length.fps is not None:
                match = [row.truth if row.outcome == "hit" and row.truth is not None else -1 for row in judged]
                errors.append(timing_errors(video.predicted, video.true, match, video.length.fps))
    return np.concatenate(errors)


def training_plots(run: Run) -> list[tuple[str, Html]]:
    """(title, plot) of everything in `TRAINING` that was logged: each fold thin, the mean of the folds thick.

    Args:
        run: A finished study.

    Returns:
        Nothing for what no fold has logged.
    """
    histories = [fold["history"] for folds in run.folds.values() for fold in folds.values()]
    plots = []
    for key, title in TRAINING:
        lines = [line for history in histories if (line := _over_epochs(history, key))]
        if lines:
            plots.append((title, _training_plot(lines, title, share=key.endswith("f1"))))
    return plots


def _training_plot(lines: Sequence[Sequence[Point]], title: str, share: bool) -> Html:
    mean = _mean(lines)
    last = max(epoch for line in lines for epoch, _ in line)
    highest = max(value for line in lines for _, value in line)
    epochs = Axis.around("epoch", 0, last)
    plot = Plot(epochs, Axis.share("") if share else Axis.around("", 0, highest), height=170)
    layers = [plot.line(_fewer(line, 100), "fold") for line in lines]
    layers.append(plot.line(_fewer(mean), "line mean"))
    told = f"mean of {len(lines)} folds from {mean[0][1]:.3f} to {mean[-1][1]:.3f} in {last:.0f} epochs"
    return plot.svg(*layers, label=f"{title}: {told}")


def _over_epochs(history: Sequence[dict[str, Any]], key: str) -> list[Point]:
    values = ((epoch + 1, entry.get(key)) for epoch, entry in enumerate(history))
    return [(float(epoch), float(value)) for epoch, value in values if value is not None and np.isfinite(value)]


def _mean(lines: Sequence[Sequence[Point]]) -> list[Point]:
    """Mean at each epoch over the folds that reached it."""
    at: dict[float, list[float]] = {}
    for epoch, value in itertools.chain.from_iterable(lines):
        at.setdefault(epoch, []).append(value)
    return [(epoch, sum(at[epoch]) / len(at[epoch])) for epoch in sorted(at)]


def _fewer(points: Sequence[Point], most: int = _MOST_POINTS) -> list[Point]:
    """Evenly chosen points, first and last included."""
    if len(points) <= most:
        return list(points)
    return [points[i] for i in np.unique(np.linspace(0, len(points) - 1, most).round().astype(int)).tolist()]


def _median(values: NDArray[np.float64]) -> str:
    return f"{len(values)}, median {np.median(values):.0f} ms" if len(values) else "none"
