"""The pictures of one study: durations, IoU sweep, precision and recall, timing errors, training."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from memodule.metrics.functional import timing_errors
from memodule.metrics.functional.timing import LANDMARKS
from memodule.report.drawing import (
    ALARM,
    HIT,
    INK,
    LINE,
    MISS,
    PAPER,
    SOFT,
    Picture,
    page_axes,
    spread,
    svg,
    tip,
    whole_numbers,
)
from memodule.report.rendering import decimal
from memodule.report.reported_study import ReportedStudy

Point = tuple[float, float]

_MOST_POINTS: Final = 250
"""Points of a line; more would not be seen."""

_SWEEP: Final = (
    ("strs", "STRS", INK, "D", "-"),
    ("spot_f1", "spotting F1", HIT, "o", "-"),
    ("recog_f1", "recognition F1", ALARM, "s", (0, (4, 2))),
)

_TRAINING: Final = {
    "train/loss": "training loss",
    "train/loss_spot": "training loss, spotting",
    "train/loss_recog": "training loss, recognition",
    "val/loss": "loss on watched subjects",
    "val/spot_f1": "spotting F1 on watched subjects",
    "val/recog_f1": "recognition F1 on watched subjects",
}
"""What is drawn over the epochs, where it was logged."""


def result_pictures(study: ReportedStudy) -> list[Picture]:
    """The pictures of what a study found; those that its results cannot fill are left out."""
    drawn = (duration_picture(study), sweep_picture(study), ranking_picture(study), timing_picture(study))
    return [picture for picture in drawn if picture is not None]


def duration_picture(study: ReportedStudy) -> Picture:
    """Labelled durations upwards, found ones downwards, as shares of each."""
    true, found = durations(study)
    both = np.concatenate([true, found])
    figure, axes = page_axes()
    last = _round_end(float(np.quantile(both, 0.98)) if len(both) else 1000.0)
    edges = np.linspace(0, last, 25)
    shares = [np.histogram(np.minimum(values, last), edges)[0] / max(1, len(values)) for values in (true, found)]
    peak = max(0.05, *(float(share.max()) for share in shares))
    looks: tuple[dict[str, Any], ...] = (
        {"facecolor": "none", "edgecolor": MISS, "linewidth": 1.3},
        {"facecolor": HIT, "edgecolor": PAPER},
    )
    for kind, share, sign, look in zip(("labelled", "found"), shares, (1, -1), looks, strict=True):
        bars = axes.bar(edges[:-1], sign * share, np.diff(edges), align="edge", **look)
        for bar, value, (low, high) in zip(bars, share.tolist(), itertools.pairwise(edges.tolist()), strict=True):
            span = f"{low:.0f} to {high:.0f} ms" if high < last else f"{low:.0f} ms and more"
            tip(bar, f"{kind}, {span}: {value:.1%}")
            bar.set_visible(value > 0)
    axes.axhline(0, color=SOFT, linewidth=1)
    texts = f"labelled: {_median(true)}", f"found: {_median(found)}"
    axes.text(last, peak, texts[0], ha="right", va="center", color=MISS, fontsize=11.5)
    axes.text(last, -peak, texts[1], ha="right", va="center", color=HIT, fontsize=11.5)
    axes.set(xlim=(0, last), ylim=(-1.12 * peak, 1.12 * peak), yticks=[])
    axes.set(xlabel="duration in ms", ylabel="share found | labelled")
    beyond = int((both > last).sum())
    label = f"Durations. {'; '.join(texts)}. {beyond} are longer than {last:.0f} ms."
    return Picture("Durations", svg(figure, label), "Shares of all labelled and of all found intervals.")


def durations(study: ReportedStudy) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lengths of all labelled micro-expressions, and of all intervals that are scored, over all seeds.

    Returns:
        (labelled,) and (found,) in ms, onset and offset included.
    """
    true, found = [], []
    for seed in study.seeds:
        for curve, decoded, judged in zip(study.curves[seed], study.decoded[seed], study.outcomes[seed], strict=True):
            labelled = study.catalog.expressions_of(decoded.key, "micro")
            true += [(e.offset - e.onset + 1) * 1000 / curve.fps for e in labelled]
            scored = [row.frames for row in judged if row.outcome != "unscored"]
            found += [(offset - onset + 1) * 1000 / curve.fps for onset, _, offset in scored]
    return np.array(true), np.array(found)


def sweep_picture(study: ReportedStudy) -> Picture:
    """The scores at each IoU that a hit may be required to have."""
    sweep = {float(iou): scores for iou, scores in study.results["sweep"].items()}
    thresholds = sorted(sweep)
    figure, axes = page_axes()
    low, last = thresholds[0] - 0.05, thresholds[-1]
    axes.set(xlim=(low, last + 0.47 * (last - low)), ylim=(0, 1), xticks=thresholds)  # the names follow the curves
    axes.set(xlabel="IoU required of a hit", ylabel="score")
    drawn = [look for look in _SWEEP if sweep[last][look[0]] is not None]
    ends = spread([float(sweep[last][key]) for key, *_ in drawn], 0.08, 0.02, 1.0)
    for (key, name, colour, marker, line), end in zip(drawn, ends, strict=True):
        values = [float(sweep[iou][key]) for iou in thresholds]
        axes.plot(thresholds, values, marker, color=colour, linestyle=line, linewidth=2, markersize=5.5)
        axes.annotate(name, (last, end), (9, 0), textcoords="offset points", va="center", color=colour, fontsize=11.5)
    used = study.protocol.iou
    scores = "; ".join(f"{name} {sweep[used][key]:.3f}" for key, name, *_ in drawn) if used in sweep else "not drawn"
    return Picture(
        "How strict is a hit?",
        svg(figure, f"Scores against the IoU required of a hit. At {used:g}: {scores}"),
        "A steep fall means that intervals are in the right place but begin or end wrongly.",
    )


def ranking_picture(study: ReportedStudy) -> Picture | None:
    """Precision against recall as less and less certain intervals are counted; None without confidences."""
    ranking = study.results["ranking"]
    if ranking is None:
        return None
    figure, axes = page_axes()
    for f1 in (0.2, 0.4, 0.6, 0.8):
        recalls = np.linspace(f1 / (2 - f1), 1, 40)
        axes.plot(recalls, f1 * recalls / (2 * recalls - f1), ":", color=LINE, linewidth=1)
        axes.text(1, f1 / (2 - f1) + 0.01, f"F1 {f1:g}", ha="right", va="bottom", color=SOFT, fontsize=9.5)
    curve, best, spotting = ranking["curve"], ranking["operating_point"], study.results["spotting"]
    points = _fewer(list(zip(curve["recall"], curve["precision"], strict=True)))
    axes.plot(*zip(*points, strict=True), color=HIT, linewidth=2) if points else None
    average = ranking["average_precision"]
    label = f"Precision against recall: average precision {average:.3f}"
    if best:
        axes.plot(best["recall"], best["precision"], "o", color=HIT, markerfacecolor=PAPER, markeredgewidth=2)
        label += f", best F1 in hindsight {best['f1']:.3f}"
    axes.plot(spotting["recall"], spotting["precision"], "D", color=INK, markersize=6.5)
    label += f", all intervals: precision {spotting['precision']:.3f}, recall {spotting['recall']:.3f}"
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="recall", ylabel="precision")
    return Picture(
        f"Precision and recall (average precision {decimal(average)})",
        svg(figure, label),
        "◆ all intervals, as scored. ○ the threshold with the best F1 in hindsight: an upper bound, not a result.",
    )


def timing_picture(study: ReportedStudy) -> Picture | None:
    """The onset, apex and offset error of every hit; None where there is no hit."""
    errors = hit_timing(study)
    known = errors[~np.isnan(errors)]
    if not len(known):
        return None
    reach = float(np.quantile(np.abs(known), 0.98)) or 1.0
    figure, axes = page_axes(height=200)
    axes.axvline(0, color=SOFT, linewidth=1)
    axes.grid(visible=False)
    means = []
    for row, (name, column) in enumerate(zip(LANDMARKS, errors.T, strict=True)):
        values = column[~np.isnan(column)]
        if len(values):
            # a golden-ratio sequence spreads the dots evenly, and in the same way each time
            heights = row + 0.62 * ((np.arange(len(values)) * 0.618034) % 1 - 0.5)
            axes.plot(values.clip(-1.1 * reach, 1.1 * reach), heights, ".", color=HIT, alpha=0.5, markersize=7)
            bias = float(values.mean())
            axes.plot([bias, bias], [row - 0.42, row + 0.42], color=INK, linewidth=3)
            means.append(f"{name} {bias:+.0f} ms on average over {len(values)} hits")
    axes.set_yticks(range(len(LANDMARKS)), LANDMARKS)
    axes.set(xlim=(-1.1 * reach, 1.1 * reach), ylim=(2.5, -0.5), xlabel="too early | too late, in ms")
    label = f"Timing errors of the hits: {'; '.join(means)}"
    return Picture("Timing of hits", svg(figure, label), "Each dot is a hit, the bar their mean.")


def hit_timing(study: ReportedStudy) -> NDArray[np.float64]:
    """Timing errors of all hits, over all seeds.

    Returns:
        (hits, 3) predicted minus true onset, apex and offset in ms, negative is early; NaN where an apex is unknown.
    """
    errors = [np.empty((0, 3))]
    for seed in study.seeds:
        for video, judged in zip(study.intervals[seed], study.outcomes[seed], strict=True):
            if video.length is not None and video.length.fps is not None:
                match = [row.truth if row.outcome == "hit" and row.truth is not None else -1 for row in judged]
                errors.append(timing_errors(video.predicted, video.true, match, video.length.fps))
    return np.concatenate(errors)


def training_pictures(study: ReportedStudy) -> list[Picture]:
    """What any fold logged over the epochs: each fold thin, the mean of the folds thick."""
    pictures = []
    for key, title in _TRAINING.items():
        lines = [line for history in study.histories if (line := _over_epochs(history, key))]
        if lines:
            figure, axes = page_axes(height=170)
            label = f"{title}: {_draw_training(axes, lines, share=key.endswith('f1'))}"
            pictures.append(Picture(title, svg(figure, label)))
    return pictures


def _draw_training(axes: Axes, lines: Sequence[Sequence[Point]], share: bool) -> str:
    """Draw the folds and their mean; returns what the picture shows, for readers who cannot see it."""
    for line in lines:
        axes.plot(*zip(*_fewer(line, 100), strict=True), color=HIT, alpha=0.28, linewidth=1)
    mean = _mean(lines)
    axes.plot(*zip(*_fewer(mean), strict=True), color=INK, linewidth=2.5)
    last = max(epoch for line in lines for epoch, _ in line)
    axes.set(xlabel="epoch", xlim=(0, last), ylim=(0, 1 if share else None))
    whole_numbers(axes)
    return f"mean of {len(lines)} folds from {mean[0][1]:.3f} to {mean[-1][1]:.3f} in {last:.0f} epochs"


def _over_epochs(history: Sequence[dict[str, Any]], key: str) -> list[Point]:
    values = ((epoch + 1, entry.get(key)) for epoch, entry in enumerate(history))
    return [(epoch, float(value)) for epoch, value in values if value is not None and np.isfinite(value)]


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


def _round_end(value: float) -> float:
    """The next multiple of 100 ms, or of 1,000 ms for long ones."""
    step = 100 if value <= 3000 else 1000
    return float(-(-value // step) * step)


def _median(values: NDArray[np.float64]) -> str:
    return f"{len(values)}, median {np.median(values):.0f} ms" if len(values) else "none"
