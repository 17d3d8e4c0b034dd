"""Counts of one video, subject or data set: everything that scores are made of. Counts add up."""

import dataclasses
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memodule.decoding.protocol import MEGC, Protocol
from memodule.emotions import EMOTIONS, FRAME_CLASSES, NEUTRAL
from memodule.metrics.functional.matching import Frames, as_frames, match_intervals

CONFUSION_SHAPE: Final = (len(EMOTIONS), len(FRAME_CLASSES))
FALSE_ALARM: Final = -1
NOT_SCORED: Final = -2


@dataclasses.dataclass(frozen=True, eq=False)
class Tally:
    """Plain counts; `+` and `sum` pool them.

    Attributes:
        tp: True positives: predictions matched with a truth.
        fp: False positives: predictions without one.
        fn: False negatives: truths without a prediction. tp + fn is the number of truths.
        confusion: (4, 5) int64 over the true positives: rows are the true `EMOTIONS`, columns the predicted
            `FRAME_CLASSES`, neutral last. Pairs with an unknown emotion are left out.

    >>> sum([Tally(tp=1, fp=2, fn=0), Tally(tp=3, fp=0, fn=1)], Tally()).fn
    1
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    confusion: NDArray[np.int64] = dataclasses.field(default_factory=lambda: np.zeros(CONFUSION_SHAPE, np.int64))

    def __add__(self, other: "Tally | int") -> "Tally":
        if isinstance(other, Tally):
            return Tally(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.confusion + other.confusion)
        return self if other == 0 else NotImplemented  # sum() starts at 0

    __radd__ = __add__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.tp, self.fp, self.fn, self.confusion.tobytes()))

    def to_dict(self) -> dict[str, Any]:
        """tp, fp, fn, and confusion as four lists of five, ready for JSON."""
        return {"tp": self.tp, "fp": self.fp, "fn": self.fn, "confusion": self.confusion.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Tally":
        """The Tally of a `to_dict`; ValueError unless its confusion matrix is 4 x 5."""
        confusion = np.asarray(values["confusion"], dtype=np.int64)
        if confusion.shape != CONFUSION_SHAPE:
            raise ValueError(f"confusion has shape {confusion.shape}, not {CONFUSION_SHAPE} (true x predicted emotion)")
        return cls(int(values["tp"]), int(values["fp"]), int(values["fn"]), confusion)


def match_video(
    predicted: ArrayLike,
    predicted_emotions: ArrayLike,
    true: ArrayLike,
    true_emotions: ArrayLike,
    protocol: Protocol = MEGC,
) -> NDArray[np.int64]:
    """What each prediction of one video finds.

    Args:
        predicted: (n, 2) onset, offset or (n, 3) onset, apex, offset; inclusive frames. Their order matters under
            "greedy" matching.
        predicted_emotions: (n,) class indices 0..4 (`FRAME_CLASSES`); -1 = unknown.
        true: (m, 2) or (m, 3) frames of the truths, of the same kind and in the same frames as the predictions.
        true_emotions: (m,) class indices 0..3 (`EMOTIONS`); -1 = unknown.

    Returns:
        (n,) int64: the row of the truth that a prediction finds, `FALSE_ALARM` (-1), or `NOT_SCORED` (-2) if the
        protocol filters the prediction or does not score the video.

    Raises:
        ValueError: If intervals and emotions differ in number or a class index does not exist.

    >>> match_video([[10, 29], [50, 60], [80, 90]], [0, 4, 1], [[12, 30]], [0])
    array([ 0, -2, -1])
    """
    spotted, spotted_as = _checked(predicted, predicted_emotions, len(FRAME_CLASSES), "predicted")
    truth, truth_is = _checked(true, true_emotions, len(EMOTIONS), "true")
    match = np.full(len(spotted), NOT_SCORED, np.int64)
    if protocol.videos == "with_micro" and len(truth) == 0:
        return match
    early = protocol.filter_neutral and not protocol.filter_after_matching
    rows, columns = np.flatnonzero(spotted_as != NEUTRAL) if early else np.arange(len(spotted)), np.arange(len(truth))
    if protocol.matching == "one_to_one" and len(rows) and len(truth):
        # Equal intervals are ordered by emotion, so that the order of rows does not matter.
        rows = rows[np.argsort(spotted_as[rows], kind="stable")]
        columns = np.argsort(truth_is, kind="stable")
    found = match_intervals(spotted[rows], truth[columns], protocol.iou, protocol.matching)
    match[rows] = FALSE_ALARM
    match[rows[found >= 0]] = columns[found[found >= 0]]
    if protocol.filter_neutral and protocol.filter_after_matching:
        match[spotted_as == NEUTRAL] = NOT_SCORED
    return match


def tally_video(
    predicted: ArrayLike,
    predicted_emotions: ArrayLike,
    true: ArrayLike,
    true_emotions: ArrayLike,
    protocol: Protocol = MEGC,
) -> Tally:
    """Count hits, false alarms, misses of one video, and confusions of the hits; arguments as for `match_video`.

    All counts are zero if the protocol does not score the video.

    >>> tally = tally_video([[10, 29], [50, 60]], [0, 4], [[12, 30]], [0])  # the neutral one is not a detection
    >>> tally.tp, tally.fp, tally.fn
    (1, 0, 0)
    """
    match = match_video(predicted, predicted_emotions, true, true_emotions, protocol)
    truth_is = np.asarray(true_emotions, dtype=np.int64).reshape(-1)
    spotted_as = np.asarray(predicted_emotions, dtype=np.int64).reshape(-1)
    false_alarms = int(np.count_nonzero(match == FALSE_ALARM))
    hits = np.flatnonzero(match >= 0)
    if len(hits) == 0:
        return Tally(0, false_alarms, len(truth_is))  # a video that is not scored has no truth, so no miss
    confusion = confusion_of(truth_is[match[hits]], spotted_as[hits])
    return Tally(len(hits), false_alarms, len(truth_is) - len(hits), confusion)


def _checked(intervals: ArrayLike, emotions: ArrayLike, classes: int, which: str) -> tuple[Frames, NDArray[np.int64]]:
    frames = as_frames(intervals)
    labels = np.asarray(emotions, dtype=np.int64).reshape(-1)
    if len(labels) != len(frames):
        raise ValueError(f"{len(frames)} {which} intervals but {len(labels)} {which} emotions")
    if labels.size and not (labels.min() >= -1 and labels.max() < classes):
        raise ValueError(f"{which} emotions must be class indices 0..{classes - 1}, or -1 if unknown")
    return frames, labels


def confusion_of(true: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The confusion matrix of pairs of emotions; pairs with an unknown emotion (-1) are left out.

    Args:
        true: (n,) class indices 0..3 (`EMOTIONS`), or -1.
        predicted: (n,) class indices 0..4 (`FRAME_CLASSES`), or -1.

    Returns:
        (4, 5) int64: rows the true emotions, columns the predicted ones, neutral last.

    >>> confusion_of(np.array([0, 0, 1, -1]), np.array([0, 4, 1, 2]))[:2]
    array([[1, 0, 0, 0, 1],
           [0, 1, 0, 0, 0]])
    """
    known = (true >= 0) & (predicted >= 0)
    flat = true[known] * CONFUSION_SHAPE[1] + predicted[known]
    return np.bincount(flat, minlength=CONFUSION_SHAPE[0] * CONFUSION_SHAPE[1]).reshape(CONFUSION_SHAPE)
