"""The outcome of every interval that was found in a video."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

from memodule.decoding.comparison import VideoIntervals
from memodule.decoding.decode import UNKNOWN, Decoded
from memodule.decoding.protocol import Protocol
from memodule.emotions import FRAME_CLASSES
from memodule.metrics.functional import NOT_SCORED, interval_iou, match_video

Outcome = Literal["hit", "alarm", "unscored"]
"""A true positive, a false positive, or an interval that the protocol leaves out of the counts."""


@dataclasses.dataclass(frozen=True)
class Found:
    """One interval that was found, as the protocol judges it.

    Attributes:
        frames: Onset, apex, offset in source frames, inclusive.
        emotion: One of `FRAME_CLASSES`; None if unknown.
        truth: Row of the micro-expression that it hits or, failing that, overlaps most; None if it touches none.
        iou: Intersection over union with that one, in compared frames.
        macro: Whether it touches a labelled macro-expression.
    """

    frames: tuple[int, int, int]
    emotion: str | None
    confidence: float
    outcome: Outcome
    truth: int | None
    iou: float
    macro: bool


def judge(decoded: Decoded, pair: VideoIntervals, macros: Sequence[tuple[int, int]], protocol: Protocol) -> list[Found]:
    """Judge every interval of a video.

    Args:
        pair: The same next to the truth, in compared frames.
        macros: Onset and offset of the video's macro-expressions in source frames, inclusive.
    """
    match = match_video(pair.predicted, pair.predicted_emotions, pair.true, pair.true_emotions, protocol)
    overlap = interval_iou(pair.predicted, pair.true)
    touched = interval_iou(decoded.frames, np.array(macros, dtype=np.int64).reshape(-1, 2)).sum(axis=1) > 0
    found = []
    for row, frames in enumerate(decoded.frames.tolist()):
        nearest = int(np.argmax(overlap[row])) if overlap[row].any() else None
        truth = int(match[row]) if match[row] >= 0 else nearest
        iou = 0.0 if truth is None else float(overlap[row, truth])
        emotion = None if decoded.emotions[row] == UNKNOWN else FRAME_CLASSES[decoded.emotions[row]]
        confidence = float(decoded.confidence[row])
        found.append(Found(tuple(frames), emotion, confidence, _outcome(match[row]), truth, iou, bool(touched[row])))
    return found


def _outcome(match: np.int64) -> Outcome:
    if match == NOT_SCORED:
        return "unscored"
    return "hit" if match >= 0 else "alarm"
