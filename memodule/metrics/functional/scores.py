"""From counts to scores: always a number in 0..1, whatever is missing.

Videos are given as four lists: for each video predicted (n, 2) onset, offset or (n, 3) onset, apex, offset in inclusive
frames, their (n,) class indices 0..4 (neutral is 4), true (m, 2) or (m, 3), and their (m,) class indices 0..3.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memodule.decoding.protocol import MEGC, Protocol
from memodule.emotions import EMOTIONS, SCORED_EMOTIONS
from memodule.metrics.functional.tally import CONFUSION_SHAPE, Tally, tally_video
from memodule.metrics.score_names import SCORE_NAMES

IOU_SWEEP: Final = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Thresholds that show how much a score depends on where exactly intervals begin and end."""

Numbers = NDArray[np.float64]


def spotting_scores(tp: int, fp: int, fn: int) -> dict[str, float]:
    """Precision, recall and F1 of pooled counts; 0 if there is nothing to divide by.

    >>> spotting_scores(tp=3, fp=1, fn=3)
    {'precision': 0.75, 'recall': 0.5, 'f1': 0.6}
    >>> spotting_scores(0, 0, 5)
    {'precision': 0.0, 'recall': 0.0, 'f1': 0.0}
    """
    return {name: float(value) for name, value in _spotting(np.array([tp, fp, fn], np.float64)).items()}


def recognition_scores(
    confusion: ArrayLike,
    emotions: Sequence[str] = SCORED_EMOTIONS,
    absent_classes: Literal["zero", "skip"] = "zero",
) -> dict[str, float]:
    """Recognition of the true positives whose true emotion is scored.

    Precision and recall are macro averages over the scored emotions, and F1 = 2PR/(P+R) of these two averages
    (published code, `train_evaluate.py`); UF1 is the mean of the classes' own F1. UAR is the macro recall, listed twice
    since both names are in use. A prediction of another class (others, neutral) is a miss of the true class.

    Args:
        confusion: (4, 5) counts: rows the true `EMOTIONS`, columns the predicted `FRAME_CLASSES`.
        emotions: The scored classes; true positives of other emotions are left out.
        absent_classes: A class that neither occurs nor is predicted counts as "zero", or is left out ("skip").

    Returns:
        f1, uf1, uar, precision, recall in 0..1 and support, the number of true positives behind them.

    >>> confusion = [[4, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 2], [3, 0, 0, 0, 0]]  # the 3 'others' are left out
    >>> scores = recognition_scores(confusion)
    >>> round(scores["precision"], 3), scores["recall"], round(scores["f1"], 3), scores["support"]
    (0.6, 0.5, 0.545, 8.0)
    """
    table = np.asarray(confusion, dtype=np.float64)
    if table.shape != CONFUSION_SHAPE:
        raise ValueError(f"confusion has shape {table.shape}, not {CONFUSION_SHAPE} (true x predicted emotion)")
    return {name: float(value) for name, value in _recognition(table, emotions, absent_classes).items()}


def score(tally: Tally, protocol: Protocol = MEGC) -> dict[str, float]:
    """All of `SCORES`, each in 0..1, of pooled counts; STRS = spotting F1 x recognition F1.

    >>> score(Tally(tp=2, fp=2, fn=2))["spot_f1"]
    0.5
    """
    scores = score_counts(as_counts([tally])[0], protocol)
    return {name: float(value) for name, value in scores.items()}


def spot_then_recognize_score(
    predicted: Sequence[ArrayLike],
    predicted_emotions: Sequence[ArrayLike],
    true: Sequence[ArrayLike],
    true_emotions: Sequence[ArrayLike],
    protocol: Protocol = MEGC,
) -> dict[str, float]:
    """Score videos: counts are pooled over all of them, then `score`.

    >>> scores = spot_then_recognize_score([[[10, 29]], [[5, 9]]], [[0], [1]], [[[12, 30]], []], [[0], []])
    >>> round(scores["spot_f1"], 3), round(scores["recog_f1"], 3)  # two of three classes never found
    (0.667, 0.333)
    """
    videos = zip(predicted, predicted_emotions, true, true_emotions, strict=True)
    return score(sum((tally_video(*video, protocol) for video in videos), Tally()), protocol)


def iou_sweep(
    predicted: Sequence[ArrayLike],
    predicted_emotions: Sequence[ArrayLike],
    true: Sequence[ArrayLike],
    true_emotions: Sequence[ArrayLike],
    protocol: Protocol = MEGC,
    thresholds: Sequence[float] = IOU_SWEEP,
) -> dict[float, dict[str, float]]:
    """`spot_then_recognize_score` for each of several IoU thresholds (above 0, at most 1); all other options stay.

    >>> sweep = iou_sweep([[[10, 29]]], [[0]], [[[16, 35]]], [[0]])
    >>> {iou: scores["spot_f1"] for iou, scores in sweep.items()}
    {0.3: 1.0, 0.4: 1.0, 0.5: 1.0, 0.6: 0.0, 0.7: 0.0}
    """
    videos = predicted, predicted_emotions, true, true_emotions
    return {iou: spot_then_recognize_score(*videos, dataclasses.replace(protocol, iou=iou)) for iou in thresholds}


def as_counts(tallies: Sequence[Tally]) -> Numbers:
    """(len(tallies), 23): tp, fp, fn and the confusion matrix row by row; linear, so weights can pool them."""
    rows = [[tally.tp, tally.fp, tally.fn, *tally.confusion.ravel().tolist()] for tally in tallies]
    return np.array(rows, np.float64).reshape(len(tallies), 3 + CONFUSION_SHAPE[0] * CONFUSION_SHAPE[1])


def score_counts(counts: Numbers, protocol: Protocol) -> dict[str, Numbers]:
    """`score` of many pooled counts (…, 23), laid out as by `as_counts`; arrays of shape (…)."""
    spotting = _spotting(counts[..., :3])
    confusion = counts[..., 3:].reshape(*counts.shape[:-1], *CONFUSION_SHAPE)
    recognition = _recognition(confusion, protocol.emotions, protocol.absent_classes)
    blocks = {"spotting": spotting, "recognition": recognition}
    scores = {key: blocks[name.block][name.key] for key, name in SCORE_NAMES.items() if name.block}
    return scores | {"strs": spotting["f1"] * recognition["f1"]}


def _spotting(counts: Numbers) -> dict[str, Numbers]:
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    return {"precision": _share(tp, tp + fp), "recall": _share(tp, tp + fn), "f1": _share(2 * tp, 2 * tp + fp + fn)}


def _recognition(confusion: Numbers, emotions: Sequence[str], absent: str) -> dict[str, Numbers]:
    classes = [EMOTIONS.index(emotion) for emotion in emotions]
    scored = confusion[..., classes, :]
    hits = confusion[..., classes, classes]
    true, predicted = scored.sum(axis=-1), scored[..., classes].sum(axis=-2)
    counted: Any = len(classes) if absent == "zero" else (true + predicted > 0).sum(axis=-1)

    def macro(values: Numbers) -> Numbers:
        return _share(values.sum(axis=-1), counted)

    precision, recall = macro(_share(hits, predicted)), macro(_share(hits, true))
    return {
        "f1": _share(2 * precision * recall, precision + recall),
        "uf1": macro(_share(2 * hits, true + predicted)),
        "uar": recall,
        "precision": precision,
        "recall": recall,
        "support": true.sum(axis=-1),
    }


def _share(part: Numbers, whole: Any) -> Numbers:
    """`part / whole`; 0 if the whole is 0."""
    share: Numbers = np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) > 0)
    return share
