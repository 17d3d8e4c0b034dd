"""What the video browser of a page draws: curves, labels, and what was found, small enough for one file."""

import base64
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memodule.datasets.catalog import Catalog, Kind, VideoKey
from memodule.decoding.curves import VideoCurve
from memodule.emotions import FRAME_CLASSES
from memodule.intervals import frame_emotions
from memodule.report.outcomes import Found
from memodule.report.reported_study import ReportedStudy

MOST_SAMPLES: Final = 1_200_000
"""Samples of all curves of a page. A sample takes 2 bytes of the page, 3 with a spread; longer curves are thinned."""

_NO_CLASS: Final = len(FRAME_CLASSES)
_NO_SCORE: Final = 15
_NO_SPREAD: Final = 255

_OUTCOMES: Final = ("hit", "alarm", "unscored")


def browser_data(
    studies: Sequence[ReportedStudy], labels: Sequence[str], most_samples: int = MOST_SAMPLES
) -> dict[str, Any]:
    """Plain values for the script of the page.

    Studies of the same curves share them. Frames are source frames, both ends inclusive.

    Args:
        labels: What links call each study.
        most_samples: How many samples to keep of all curves together.

    Returns:
        `emotions`; `curves`: for each different curve `score` (base64 of a byte per sample, 0..255), `range` (what 0
        and 255 stand for), `emotion` (base64 of half a byte per sample; 5 without classes, 15 without a score), where
        windows overlap `spread` (base64 of a byte per sample in the unit of `score`, 255 if not known), and `thin`, how
        many samples one of these stands for; `studies`: label, name, videos
        (subject, video, fps, frames, micro and macro rows) and, for each seed, [video, curve, frame_step, found rows].
    """
    curves = _Curves(most_samples / max(1, _samples(studies)))
    return {
        "emotions": list(FRAME_CLASSES),
        "studies": [_study(study, label, curves) for study, label in zip(studies, labels, strict=True)],
        "curves": curves.packed,
    }


class _Curves:
    """The different curves of a page, each packed once.

    Args:
        share: The part of all samples that there is room for.
    """

    def __init__(self, share: float) -> None:
        self.packed: list[dict[str, Any]] = []
        self._thin = max(1, int(np.ceil(1 / share)))
        self._index: dict[tuple[int, str], int] = {}

    def add(self, curve: VideoCurve, neutral: Any) -> int:
        """The number of a curve, which is packed if it is new."""
        key = id(curve), neutral
        if key not in self._index:
            self._index[key] = len(self.packed)
            self.packed.append(_packed(curve, _frame_classes(curve, neutral), self._thin))
        return self._index[key]


def thinned(score: NDArray[np.float32], thin: int) -> NDArray[np.float32]:
    """Keep the highest and the lowest of every 2 x `thin` samples, in their order, so that peaks and valleys remain.

    Args:
        score: (n,)
        thin: How many samples one sample of the result stands for.

    Returns:
        (ceil(n / thin),)
    """
    if thin == 1 or not len(score):
        return score
    width = 2 * thin
    blocks = np.pad(score, (0, -len(score) % width), mode="edge").reshape(-1, width)
    ends = np.sort([blocks.argmin(axis=1), blocks.argmax(axis=1)], axis=0).T
    return np.take_along_axis(blocks, ends, axis=1).reshape(-1)[: -(-len(score) // thin)]


def _samples(studies: Sequence[ReportedStudy]) -> int:
    different = {id(curve): len(curve.score) for study in studies for seed in study.curves.values() for curve in seed}
    return sum(different.values())


def _frame_classes(curve: VideoCurve, neutral: Any) -> NDArray[np.int64]:
    """(n,) class of each sample, `_NO_CLASS` or `_NO_SCORE`."""
    nothing = np.full(len(curve.score), _NO_CLASS, np.int64)
    found = nothing if curve.logits is None else frame_emotions(curve.logits, neutral)
    return found if curve.known is None else np.where(curve.known, found, _NO_SCORE)


def _packed(curve: VideoCurve, emotions: NDArray[np.int64], thin: int) -> dict[str, Any]:
    scores = np.nan_to_num(thinned(curve.score, thin))
    low, high = float(scores.min(initial=0.0)), float(scores.max(initial=1.0))
    levels = np.rint((scores - low) / (high - low) * 255).astype(np.uint8)
    classes = emotions[::thin].astype(np.uint8)
    pairs = np.pad(classes, (0, len(classes) % 2)).reshape(-1, 2)
    halves = (pairs[:, 0] << 4 | pairs[:, 1]).astype(np.uint8)
    packed = {"score": _base64(levels), "range": [low, high], "emotion": _base64(halves), "thin": thin}
    if curve.spread is not None:
        packed["spread"] = _base64(_packed_spread(curve.spread, 255 / (high - low), thin))
    return packed


def _packed_spread(spread: NDArray[np.float32], unit: float, thin: int) -> NDArray[np.uint8]:
    """A byte for the largest spread of each `thin` samples (n,), `unit` times as large; `_NO_SPREAD` if it has none."""
    known = np.isfinite(spread)
    units = np.minimum(np.rint(np.where(known, spread, 0.0) * unit), _NO_SPREAD - 1)
    blocks = np.pad(np.where(known, units, -1.0), (0, -len(spread) % thin), constant_values=-1).reshape(-1, thin)
    largest = blocks.max(axis=1)
    return np.where(largest < 0, _NO_SPREAD, largest).astype(np.uint8)


def _base64(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _study(study: ReportedStudy, label: str, curves: _Curves) -> dict[str, Any]:
    numbers = {video.key: number for number, video in enumerate(study.catalog.videos)}
    seeds = []
    for seed in study.seeds:
        rows = zip(study.curves[seed], study.outcomes[seed], strict=True)
        videos = [
            [numbers[curve.key], curves.add(curve, study.protocol.neutral), curve.frame_step, _found(found)]
            for curve, found in rows
        ]
        seeds.append({"seed": seed, "videos": videos})
    catalog = study.catalog
    listed = [
        [*v.key, v.fps, v.frames, _truth(catalog, v.key, "micro"), _truth(catalog, v.key, "macro")]
        for v in catalog.videos
    ]
    return {"label": label, "name": study.name, "videos": listed, "seeds": seeds}


def _truth(catalog: Catalog, key: VideoKey, kind: Kind) -> list[list[Any]]:
    """Rows [onset, apex or null, offset, emotion], in the order of matching."""
    return [[e.onset, e.apex, e.offset, e.emotion] for e in catalog.expressions_of(key, kind)]


def _found(found: Sequence[Found]) -> list[list[Any]]:
    """Rows: onset, apex, offset, emotion or null, confidence, outcome, truth or null, IoU, 1 on a macro-expression."""
    return [
        [
            *row.frames,
            None if row.emotion is None else FRAME_CLASSES.index(row.emotion),
            round(row.confidence, 4),
            _OUTCOMES.index(row.outcome),
            row.truth,
            round(row.iou, 3),
            int(row.macro),
        ]
        for row in found
    ]
