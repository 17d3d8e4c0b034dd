"""Figures of a study for dashboards, in the report's colours."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from memodule.colours import LIGHT
from memodule.datasets.catalog import Expression
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import Decoded
from memodule.emotions import EMOTIONS, FRAME_CLASSES
from memodule.report.drawing import HIT, INK, MISS, PAPER, dress
from memodule.studies.study import Study

_MOST_CURVES: Final = 24
"""Pictures of curves per study; more only slow a dashboard down."""


def confusion_figure(confusion: ArrayLike) -> Figure:
    """The confusion matrix of the true positives: rows the true emotion, columns the predicted one.

    Args:
        confusion: (4, 5) counts.
    """
    counts = np.asarray(confusion)
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = dress(figure.subplots(), 10)
    axes.grid(visible=False)
    axes.imshow(counts, cmap=LinearSegmentedColormap.from_list("hits", [PAPER, HIT]), vmin=0)
    for (row, column), count in np.ndenumerate(counts):
        dark = count > counts.max() / 2
        axes.text(column, row, str(count), ha="center", va="center", color=PAPER if dark else INK)
    axes.set_xticks(range(len(FRAME_CLASSES)), FRAME_CLASSES, rotation=30)
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set(xlabel="predicted", ylabel="true", title=f"{counts.sum()} true positives")
    return figure


def curve_figure(curve: VideoCurve, truth: Sequence[Expression], decoded: Decoded) -> Figure:
    """The score of one video over time, with true intervals below (macro-expressions in grey) and found ones above."""
    figure = Figure(figsize=(10, 2.4))
    # Fixed margins: computing them takes as long as drawing, and a study has dozens of these figures.
    axes = dress(figure.subplots(gridspec_kw={"left": 0.055, "right": 0.99, "bottom": 0.19, "top": 0.88}), 9)
    rate = curve.fps
    axes.plot(np.arange(len(curve.score)) * curve.frame_step / rate, curve.score, color=INK, linewidth=1)
    for expression in truth:
        colour = MISS if expression.kind == "micro" else LIGHT["macro"]
        axes.axvspan(expression.onset / rate, (expression.offset + 1) / rate, ymax=0.5, color=colour, alpha=0.4, lw=0)
    for onset, _, offset in decoded.frames.tolist():
        axes.axvspan(onset / rate, (offset + 1) / rate, ymin=0.5, color=HIT, alpha=0.4, lw=0)
    title = f"{curve.subject}/{curve.video}: found (above, blue), labelled (below, purple; macro grey)"
    axes.set(xlabel="seconds", ylabel="score", ylim=(0, 1), title=title)
    return figure


def study_figures(study: Study, results: Mapping[str, Any]) -> dict[str, Figure | dict[str, Figure]]:
    """The pictures of a study's summary run.

    Args:
        results: Contents of its `results.json`.

    Returns:
        `confusion` (if recognition is given), and `curves` by subject/video: the first seed's, of videos with
        micro-expressions.
    """
    folds = next(folds for folds in study.finished_folds().values() if folds)
    videos = [pair for fold in folds for pair in zip(fold.curves, fold.decoded, strict=True)]
    shown = [(c, d) for c, d in videos if study.catalog.expressions_of(c.key, "micro")][:_MOST_CURVES]
    recognition = results["recognition"]
    return {
        **({"confusion": confusion_figure(recognition["confusion"])} if recognition else {}),
        "curves": {
            "/".join(curve.key): curve_figure(curve, study.catalog.expressions_of(curve.key), decoded)
            for curve, decoded in shown
        },
    }
