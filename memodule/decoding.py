"""Curve + selection rule + protocol -> the expressions of a video, and their tally against the truth."""

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memodule.atomic import write_text
from memodule.curves import VideoCurve
from memodule.datasets.catalog import Catalog, Expression, VideoKey
from memodule.emotions import EMOTIONS, FRAME_CLASSES
from memodule.intervals import LabelledCurve, SelectionRule, frame_emotions, vote_emotions
from memodule.metrics.functional import Tally, tally_video
from memodule.protocol import Protocol

PREDICTION_COLUMNS = ("subject", "video", "onset", "apex", "offset", "emotion", "confidence")
TRUTH_COLUMNS = ("subject", "video", "onset", "apex", "offset", "emotion")


@dataclasses.dataclass(frozen=True, eq=False)
class Decoded:
    """The expressions found in one video.

    Attributes:
        key: (subject, video).
        sampled: (n, 3) onset, apex, offset in sampled frames, inclusive.
        emotions: (n,) class index 0..4; neutral (4) is no detection where the protocol filters it.
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
        """(n, 3) onset, apex, offset in source frames, inclusive: a sampled frame stands for `frame_step` of them."""
        last_of_step = np.array([0, 0, self.frame_step - 1], dtype=np.int64)
        return np.add(self.sampled * self.frame_step, last_of_step)


def decode(curve: VideoCurve, rule: SelectionRule, protocol: Protocol) -> Decoded:
    """Select the intervals of a curve and vote their emotions."""
    found = rule.detect(curve.score, curve.probabilities)
    emotions = vote_emotions(found.frames, frame_emotions(curve.logits, protocol.neutral))
    return Decoded(curve.key, found.frames, emotions, found.confidence, curve.frame_step)


def compared(
    decoded: Decoded, truth: Sequence[Expression], protocol: Protocol
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Predicted and true intervals of a video in the frames that the protocol compares.

    Args:
        decoded: What was found.
        truth: The video's micro-expressions.
        protocol: The rules.

    Returns:
        Predicted frames (n, 3), predicted emotions (n,), true frames (m, 2), true emotions (m,).
    """
    true = np.array([(e.onset, e.offset) for e in truth], dtype=np.int64).reshape(-1, 2)
    emotions = np.array([EMOTIONS.index(e.emotion) for e in truth], dtype=np.int64)
    if protocol.frames == "sampled":
        return decoded.sampled, decoded.emotions, true // decoded.frame_step, emotions
    return decoded.frames, decoded.emotions, true, emotions


def tally_decoded(decoded: Decoded, truth: Sequence[Expression], protocol: Protocol) -> Tally:
    """Count a video's hits, false alarms and misses."""
    return tally_video(*compared(decoded, truth, protocol), protocol)


def labelled(curve: VideoCurve, catalog: Catalog) -> LabelledCurve:
    """A curve with its truth in sampled frames, as rules are calibrated on; an unknown apex is put in the middle."""
    micro = catalog.expressions_of(curve.key, "micro")
    return LabelledCurve(
        curve.score.astype(np.float64),
        _sampled(micro, curve.frame_step),
        _sampled(catalog.expressions_of(curve.key, "macro"), curve.frame_step),
        curve.probabilities.astype(np.float64),
        np.array([EMOTIONS.index(e.emotion) for e in micro], dtype=np.int64),
    )


def _sampled(expressions: Sequence[Expression], frame_step: int) -> NDArray[np.int64]:
    """(m, 3) onset, apex, offset in sampled frames."""
    rows = [(e.onset, (e.onset + e.offset) // 2 if e.apex is None else e.apex, e.offset) for e in expressions]
    return np.array(rows, dtype=np.int64).reshape(-1, 3) // frame_step


def write_predictions(path: Path, videos: Iterable[Decoded]) -> None:
    """Write a prediction CSV in source frames, one row per interval (`memodule evaluate` reads it)."""
    rows = [
        (*video.key, *frames, FRAME_CLASSES[emotion], f"{confidence:.6g}")
        for video in videos
        for frames, emotion, confidence in zip(
            video.frames.tolist(), video.emotions.tolist(), video.confidence.tolist(), strict=True
        )
    ]
    _write_csv(path, PREDICTION_COLUMNS, rows)


def write_truth(path: Path, expressions: Iterable[Expression]) -> None:
    """Write the micro-expressions of a Catalog as the truth CSV of `memodule evaluate`."""
    rows = [
        (e.subject, e.video, e.onset, "" if e.apex is None else e.apex, e.offset, e.emotion)
        for e in expressions
        if e.kind == "micro"
    ]
    _write_csv(path, TRUTH_COLUMNS, rows)


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())
