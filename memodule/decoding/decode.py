"""Score curve + selection rule + protocol -> the expressions of a video."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memodule.datasets.catalog import Catalog, Expression, VideoKey
from memodule.decoding.curves import VideoCurve
from memodule.decoding.protocol import Protocol
from memodule.emotions import EMOTIONS, FRAME_CLASSES, NEUTRAL
from memodule.intervals import LabelledCurve, SelectionRule, vote_emotions
from memodule.intervals.emotion_vote import without_voters
from memodule.runtime.csv_files import write_csv

UNKNOWN: Final = -1
"""An apex or an emotion that is not known."""

PREDICTION_COLUMNS = ("subject", "video", "onset", "apex", "offset", "emotion", "confidence")
TRUTH_COLUMNS = ("subject", "video", "onset", "apex", "offset", "emotion")


@dataclasses.dataclass(frozen=True, eq=False)
class Decoded:
    """The expressions found in one video.

    Attributes:
        key: (subject, video).
        sampled: (n, 3) onset, apex, offset in sampled frames, inclusive.
        emotions: (n,) class index 0..4, -1 = unknown; neutral (4) does not count as a detection if the protocol
            filters it.
        confidence: (n,) larger is more certain.
        frame_step: Source frames per sampled frame.
    """

    key: VideoKey
    sampled: NDArray[np.int64]
    emotions: NDArray[np.int64]
    confidence: NDArray[np.float64]
    frame_step: int

    @property
    def frames(self) -> NDArray[np.int64]:
        """(n, 3) onset, apex, offset in source frames, inclusive: a sampled frame covers `frame_step` of them."""
        last_of_step = np.array([0, 0, self.frame_step - 1], dtype=np.int64)
        return np.add(self.sampled * self.frame_step, last_of_step)


def decode(curve: VideoCurve, rule: SelectionRule, protocol: Protocol) -> Decoded:
    """Select the intervals of a curve; their frames vote the emotions unless the rule assigns them.

    `protocol.neutral` says how frames vote, `protocol.short_intervals` what becomes of intervals without inner frames,
    those whose emotion a rule assigns included. Intervals voted neutral are kept. On a curve without classes all
    emotions are unknown.
    """
    found = rule.detect(curve.score, curve.probabilities, curve.known, curve.spread)
    emotions = found.emotions
    if curve.logits is None:
        emotions = np.full(len(found), UNKNOWN, np.int64)
    elif emotions is None:
        emotions = vote_emotions(found.frames, curve.frame_emotions[protocol.neutral], short=protocol.short_intervals)
    elif protocol.short_intervals == "neutral":
        emotions = np.where(without_voters(found.frames, len(curve.score)), NEUTRAL, emotions)
    return Decoded(curve.key, found.frames, emotions, found.confidence, curve.frame_step)


def labelled_curve(curve: VideoCurve, catalog: Catalog) -> LabelledCurve:
    """A curve and its true expressions in sampled frames, rounded down; an unknown apex is put in the middle."""
    micro = catalog.expressions_of(curve.key, "micro")
    return LabelledCurve(
        curve.score.astype(np.float64),
        _sampled(micro, curve.frame_step),
        _sampled(catalog.expressions_of(curve.key, "macro"), curve.frame_step),
        None if curve.probabilities is None else curve.probabilities.astype(np.float64),
        np.array([EMOTIONS.index(e.emotion) for e in micro], dtype=np.int64),
        curve.known,
        None if curve.spread is None else curve.spread.astype(np.float64),
    )


def _sampled(expressions: Sequence[Expression], frame_step: int) -> NDArray[np.int64]:
    """(m, 3) onset, apex, offset in sampled frames."""
    rows = [(e.onset, (e.onset + e.offset) // 2 if e.apex is None else e.apex, e.offset) for e in expressions]
    return np.array(rows, dtype=np.int64).reshape(-1, 3) // frame_step


def prediction_rows(videos: Iterable[Decoded]) -> Iterator[tuple[Any, ...]]:
    """One row of `PREDICTION_COLUMNS` per interval, in 0-based, inclusive source frames; unknown emotions are empty."""
    for video in videos:
        columns = (video.frames.tolist(), video.emotions.tolist(), video.confidence.tolist())
        for frames, emotion, confidence in zip(*columns, strict=True):
            yield (*video.key, *frames, "" if emotion == UNKNOWN else FRAME_CLASSES[emotion], confidence)


def write_predictions(path: Path, videos: Iterable[Decoded]) -> None:
    """Write a prediction CSV in source frames, one row per interval (`memodule evaluate` reads it), in one step."""
    write_csv(path, PREDICTION_COLUMNS, ((*row, f"{confidence:.6g}") for *row, confidence in prediction_rows(videos)))


def write_truth(path: Path, expressions: Iterable[Expression]) -> None:
    """Write the micro-expressions as a truth CSV for `memodule evaluate`, in one step."""
    rows = [
        (e.subject, e.video, e.onset, "" if e.apex is None else e.apex, e.offset, e.emotion)
        for e in expressions
        if e.kind == "micro"
    ]
    write_csv(path, TRUTH_COLUMNS, rows)
