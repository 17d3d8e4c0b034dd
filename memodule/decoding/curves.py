"""Score curves: what a network says about whole videos, and the file that holds a fold's curves.

Curves are kept so that every selection rule can be tried on them without training again.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memodule.datasets.catalog import VideoKey
from memodule.emotions import FRAME_CLASSES
from memodule.errors import UserError
from memodule.intervals.emotion_vote import NEUTRAL_WAYS, frame_emotions
from memodule.runtime.atomic import replacing


@dataclasses.dataclass(frozen=True, eq=False)
class VideoCurve:
    """The stitched output of a network for one video.

    Attributes:
        score: (n,) float32 spotting score per sampled frame, 0..1 (imported ones may be any finite number); empty for a
            video shorter than a window.
        logits: (n, 5) float32 class logits per sampled frame, in the order of `FRAME_CLASSES`; None for imported curves
            of a system that has no classes.
        fps: Frame rate of the source video.
        frame_step: Source frames per sampled frame.
        known: (n,) False where there is no score, and `score` and `logits` are place holders; None if all are known.
        spread: (n,) float32 standard deviation of the scores that overlapping windows give a sample, NaN where a single
            one covers it; None where that is so everywhere, or not known (curves of earlier versions, imported ones).
    """

    subject: str
    video: str
    score: NDArray[np.float32]
    logits: NDArray[np.float32] | None
    fps: float
    frame_step: int
    known: NDArray[np.bool_] | None = None
    spread: NDArray[np.float32] | None = None

    @property
    def key(self) -> VideoKey:
        """(subject, video)."""
        return self.subject, self.video

    @functools.cached_property
    def probabilities(self) -> NDArray[np.float32] | None:
        """(n, 5) class probabilities: softmax of the logits; None without classes."""
        from scipy.special import softmax

        return None if self.logits is None else np.asarray(softmax(self.logits, axis=1))

    @functools.cached_property
    def frame_emotions(self) -> Mapping[str, NDArray[np.int64]]:
        """For each way to treat the neutral class (`Protocol.neutral`) the (n,) class of every sampled frame.

        Empty without classes.
        """
        return {} if self.logits is None else {way: frame_emotions(self.logits, way) for way in NEUTRAL_WAYS}


def have_classes(curves: Iterable[VideoCurve]) -> bool:
    """Whether curves say anything about emotions; all of a study do, or none."""
    return not any(curve.logits is None for curve in curves)


def curve_key(curve: VideoCurve) -> list[Any]:
    """Plain values that differ wherever two curves differ: its video, rates, and a hash of each array."""
    arrays = (curve.score, curve.logits, *(part for part in (curve.known, curve.spread) if part is not None))
    digests = [None if array is None else hashlib.sha256(array.tobytes()).hexdigest() for array in arrays]
    return [*curve.key, curve.fps, curve.frame_step, *digests]


def write_curves(path: Path, curves: Sequence[VideoCurve]) -> None:
    """Write curves of any number of videos to one .npz file, in one step; all of them have classes, or none."""
    logits = [curve.logits for curve in curves if curve.logits is not None]
    assert len(logits) in (0, len(curves))
    optional: dict[str, NDArray[Any]] = {}
    if logits or not curves:
        optional["logits"] = np.concatenate([np.empty((0, len(FRAME_CLASSES)), np.float32), *logits])
    if any(curve.known is not None for curve in curves):
        known = [np.ones(len(curve.score), bool) if curve.known is None else curve.known for curve in curves]
        optional["known"] = np.concatenate(known)
    if any(curve.spread is not None for curve in curves):
        nothing = np.float32(np.nan)
        spread = [np.full(len(c.score), nothing) if c.spread is None else c.spread for c in curves]
        optional["spread"] = np.concatenate(spread)
    arrays = {
        "subject": np.array([curve.subject for curve in curves], dtype=np.str_),
        "video": np.array([curve.video for curve in curves], dtype=np.str_),
        "length": np.array([len(curve.score) for curve in curves], dtype=np.int64),
        "fps": np.array([curve.fps for curve in curves], dtype=np.float64),
        "frame_step": np.array([curve.frame_step for curve in curves], dtype=np.int64),
        "score": np.concatenate([np.empty(0, np.float32), *(curve.score for curve in curves)]),
    }
    with replacing(path) as aside:
        np.savez_compressed(aside, allow_pickle=True, **arrays, **optional)


def read_curves(path: Path) -> list[VideoCurve]:
    """Read the curves that `write_curves` wrote, in the same order.

    Raises:
        UserError: If the file is missing, damaged, not ours, or holds numbers that are not finite.
    """
    try:
        with np.load(path) as file:
            ends = np.cumsum(file["length"])[:-1]
            arrays = {name: file[name] for name in ("score", "logits", "known", "spread") if name in file}
            if not all(np.isfinite(array).all() for name, array in arrays.items() if name != "spread"):
                raise ValueError("it holds numbers that are not finite")
            codes, rates = (file["subject"].tolist(), file["video"].tolist()), (file["fps"], file["frame_step"])
            parts = {name: np.split(array, ends) for name, array in arrays.items()}
            nothing = [None] * len(codes[0])
            logits, known = parts.get("logits", nothing), (_mask(own) for own in parts.get("known", nothing))
            spread = (_some(own) for own in parts.get("spread", nothing))
            columns = (*codes, parts["score"], logits, *(numbers.tolist() for numbers in rates), known, spread)
            return [VideoCurve(*row) for row in zip(*columns, strict=False)]
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run `memodule loso` to get score curves") from None
    except Exception as error:  # numpy and zipfile raise many kinds for a broken file
        raise UserError(
            f"{path}: not a file of score curves, or damaged ({error}); delete the fold's folder and run the fold again"
        ) from None


def _mask(known: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """None where all samples are known, as curves have it."""
    return None if known is None or known.all() else known


def _some(spread: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    """None where no sample has one, as curves have it."""
    return None if spread is None or np.isnan(spread).all() else spread
