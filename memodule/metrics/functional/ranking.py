"""Detections ranked by confidence: precision-recall curve, average precision, operating point.

Matching order: within a video, predictions in falling order of confidence (ties: as given) each claim the truth they
overlap most among those that are close enough and still free. Less confident predictions cannot change a claim, so
every threshold cuts the same ranking. If truths overlap each other, the hits at a threshold can be fewer than
one-to-one matching finds, never more.
"""

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memodule.metrics.functional.matching import interval_iou


@dataclasses.dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """What remains of a ranking at each threshold on the confidence.

    Attributes:
        confidence: (k,) the distinct confidences, falling.
        tp: (k,) true positives among the predictions at least as confident.
        predicted: (k,) number of those predictions.
        truths: Number of truths.
    """

    confidence: NDArray[np.float64]
    tp: NDArray[np.int64]
    predicted: NDArray[np.int64]
    truths: int

    @property
    def precision(self) -> NDArray[np.float64]:
        """(k,) share of the predictions that are right."""
        return self.tp / self.predicted  # a threshold lets at least one prediction through

    @property
    def recall(self) -> NDArray[np.float64]:
        """(k,) share of the truths that are found; 0 without truths."""
        return self.tp / max(self.truths, 1)

    @property
    def f1(self) -> NDArray[np.float64]:
        """(k,) harmonic mean of the two."""
        return 2 * self.tp / (self.predicted + self.truths)


class OperatingPoint(NamedTuple):
    """A threshold on the confidence and the scores, 0..1, of what it keeps.

    Attributes:
        confidence: Predictions with at least this confidence are kept.
    """

    confidence: float
    precision: float
    recall: float
    f1: float


def precision_recall_curve(
    videos: Iterable[tuple[ArrayLike, ArrayLike, ArrayLike]], iou: float = 0.5
) -> PrecisionRecallCurve:
    """Rank the predictions of all videos together: one point for each distinct confidence, falling.

    Args:
        videos: For each video the predictions (n, 2|3), their confidences (n,) and the truths (m, 2|3).

    Raises:
        ValueError: If a confidence is not finite, or their number is not the number of predictions.

    >>> curve = precision_recall_curve([([[10, 29], [50, 60]], [0.4, 0.9], [[12, 30]])])
    >>> curve.confidence, curve.precision, curve.recall
    (array([0.9, 0.4]), array([0. , 0.5]), array([0., 1.]))
    """
    confidences, hits, truths = [np.empty(0)], [np.empty(0, bool)], 0
    for predicted, confidence, true in videos:
        overlap = interval_iou(predicted, true)
        values = np.asarray(confidence, dtype=np.float64).reshape(-1)
        if len(values) != len(overlap) or not np.isfinite(values).all():
            raise ValueError(f"{len(overlap)} predictions need as many finite confidences, not {values.tolist()}")
        confidences.append(values)
        hits.append(_ranked_hits(overlap, values, iou))
        truths += overlap.shape[1]
    pooled, hit = np.concatenate(confidences), np.concatenate(hits)
    order = np.argsort(-pooled, kind="stable")
    ranked = pooled[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])  # equal confidences stay together
    return PrecisionRecallCurve(ranked[last], np.cumsum(hit[order], dtype=np.int64)[last], last + 1, truths)


def average_precision(curve: PrecisionRecallCurve) -> float:
    """The area under the curve, 0..1; precision is taken as the best at that recall or a higher one.

    >>> average_precision(precision_recall_curve([([[10, 29], [50, 60]], [0.9, 0.4], [[12, 30]])]))
    1.0
    """
    envelope = np.maximum.accumulate(curve.precision[::-1])[::-1]
    return float((np.diff(curve.recall, prepend=0.0) * envelope).sum())


def operating_point(curve: PrecisionRecallCurve) -> OperatingPoint | None:
    """The threshold of the highest F1 (ties: the higher threshold), or None without predictions.

    Choose it on inner validation subjects.

    >>> operating_point(precision_recall_curve([([[10, 29], [50, 60]], [0.9, 0.4], [[12, 30]])]))
    OperatingPoint(confidence=0.9, precision=1.0, recall=1.0, f1=1.0)
    """
    if len(curve.confidence) == 0:
        return None
    best = int(np.argmax(curve.f1))
    point = (curve.confidence[best], curve.precision[best], curve.recall[best], curve.f1[best])
    return OperatingPoint(*map(float, point))


def _ranked_hits(overlap: NDArray[np.float64], confidence: NDArray[np.float64], iou: float) -> NDArray[np.bool_]:
    """(n,) whether each prediction finds a truth if confident ones choose first."""
    hit = np.zeros(len(overlap), bool)
    if overlap.shape[1]:
        free = np.where(overlap >= iou, overlap, 0.0)
        for row in np.argsort(-confidence, kind="stable"):
            column = int(np.argmax(free[row]))
            hit[row] = free[row, column] > 0
            if hit[row]:
                free[:, column] = 0.0
    return hit
