"""What another system said about one video, sample by sample, from an array or from arrays by name."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memodule.datasets.catalog import VideoKey
from memodule.emotions import FRAME_CLASSES
from memodule.errors import UserError

_SCORES: Final = ("score", "scores")
_FRAMES: Final = ("frame", "frames")
_CLASSES: Final = ("probabilities", "logits", "classes")
_WIDTH: Final = 1 + len(FRAME_CLASSES)
_LARGEST: Final = 1e30
"""Larger numbers do not fit into the curves of a study."""

_ROUNDING: Final = 0.02
"""How far from 1 the sum of printed probabilities may be."""

KNOWN: Final = (*_SCORES, *_FRAMES, *_CLASSES)
"""Names of arrays."""

SHAPES: Final = f"use (samples,) scores, or (samples, {_WIDTH}) with the classes {', '.join(FRAME_CLASSES)} behind"
"""What an array may look like, for messages."""


@dataclasses.dataclass(frozen=True, eq=False)
class SampledScores:
    """What another system said about one video, sample by sample.

    Attributes:
        where: File, and the name or rows inside it, for messages.
        scores: (n,) float64; nan where the system said nothing.
        classes: (n, 5) probabilities or logits in the order of `FRAME_CLASSES`; None if the system has no classes.
        frames: (n,) the source frame of each sample, if the file names it.
    """

    where: str
    key: VideoKey
    scores: NDArray[np.float64]
    classes: NDArray[np.float64] | None = None
    frames: NDArray[np.int64] | None = None


def samples_of(where: str, key: VideoKey, value: Any) -> SampledScores:
    """A curve from an array, or from arrays by name."""
    if not isinstance(value, Mapping):
        table = _numbers(where, value)
        if table.ndim == 2 and table.shape[1] == _WIDTH:
            return checked(SampledScores(where, key, table[:, 0], table[:, 1:]))
        if table.ndim == 2 and 1 in table.shape:
            table = table.ravel()
        if table.ndim != 1:
            raise UserError(f"{where}: has shape {table.shape}; {SHAPES}")
        return checked(SampledScores(where, key, table))
    named = {str(name): part for name, part in value.items()}
    if unknown := [name for name in named if name not in KNOWN]:
        raise UserError(f"{where}: {unknown[0]!r} is not understood; use score, frame, and probabilities or logits")
    parts = [[named[name] for name in names if name in named] for names in (_SCORES, _CLASSES, _FRAMES)]
    if len(parts[0]) != 1 or len(parts[1]) > 1 or len(parts[2]) > 1:
        raise UserError(f"{where}: needs one score array, at most one of the classes and one of frames")
    scores = _numbers(where, parts[0][0]).ravel()
    classes = _numbers(where, parts[1][0]) if parts[1] else None
    if classes is not None and classes.shape != (len(scores), len(FRAME_CLASSES)):
        raise UserError(
            f"{where}: classes have shape {classes.shape}, not ({len(scores)}, {len(FRAME_CLASSES)}): one column for "
            f"each of {', '.join(FRAME_CLASSES)}"
        )
    return checked(SampledScores(where, key, scores, classes, frames_of(where, parts[2], len(scores))))


def _numbers(where: str, value: Any) -> NDArray[np.float64]:
    try:
        found: NDArray[Any] = np.asarray(value)
    except ValueError:  # rows of different lengths
        found = np.empty(0, object)
    if found.dtype.kind not in "iufb":
        raise UserError(f"{where}: does not hold numbers alone; {SHAPES}")
    return found.astype(np.float64)


def frames_of(where: str, given: Sequence[Any], length: int) -> NDArray[np.int64] | None:
    """The source frame of each of `length` samples, if `given` holds them."""
    if not given:
        return None
    numbers = _numbers(where, given[0]).ravel()
    if len(numbers) != length or not (np.isfinite(numbers) & (numbers >= 0) & (numbers % 1 == 0)).all():
        raise UserError(f"{where}: frame must be a whole number from 0 for each of the {length} samples")
    frames = numbers.astype(np.int64)
    if len(np.unique(frames)) < length:
        raise UserError(f"{where}: two samples are about the same frame; keep one of them, or their mean")
    return frames


def checked(samples: SampledScores) -> SampledScores:
    """Refuse what no rule can use."""
    too_large = np.abs(samples.scores) > _LARGEST  # False for nan
    if too_large.any():
        place = int(too_large.argmax())
        raise UserError(f"{samples.where}: the score of sample {place} is infinite; use a number, or nan if unknown")
    if samples.classes is not None:
        wrong = np.isfinite(samples.scores) & ~(np.abs(samples.classes) <= _LARGEST).all(axis=1)
        if wrong.any():
            raise UserError(
                f"{samples.where}: sample {int(wrong.argmax())} has a score, but not all of its classes are finite"
            )
    return samples


def sums_to_one(classes: NDArray[np.float64]) -> bool:
    """Whether all rows are probabilities: not negative, with a sum of 1 (give or take rounding)."""
    return bool((classes >= 0).all() and (np.abs(classes.sum(axis=1) - 1) < _ROUNDING).all())
