"""Score curves: what a network says about whole videos, and the file that holds a fold's curves.

Curves are kept so that every selection rule can be tried on them without training again.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

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
        score: (n,) float32 spotting score per sampled frame, 0..1; empty for a video shorter than a window.
        logits: (n, 5) float32 class logits per sampled frame, in the order of `FRAME_CLASSES`.
        fps: Frame rate of the source video.
        frame_step: Source frames per sampled frame.
    """

    subject: str
    video: str
    score: NDArray[np.float32]
    logits: NDArray[np.float32]
    fps: float
    frame_step: int

    @property
    def key(self) -> VideoKey:
        """(subject, video)."""
        return self.subject, self.video

    @functools.cached_property
    def probabilities(self) -> NDArray[np.float32]:
        """(n, 5) class probabilities: softmax of the logits."""
        from scipy.special import softmax

        return np.asarray(softmax(self.logits, axis=1))

    @functools.cached_property
    def frame_emotions(self) -> Mapping[str, NDArray[np.int64]]:
        """For each way to treat the neutral class (`Protocol.neutral`) the (n,) class of every sampled frame."""
        return {way: frame_emotions(self.logits, way) for way in NEUTRAL_WAYS}


def write_curves(path: Path, curves: Sequence[VideoCurve]) -> None:
    """Write curves of any number of videos to one .npz file, in one step."""
    classes = len(FRAME_CLASSES)
    with replacing(path) as aside:
        np.savez_compressed(
            aside,
            subject=np.array([curve.subject for curve in curves], dtype=np.str_),
            video=np.array([curve.video for curve in curves], dtype=np.str_),
            length=np.array([len(curve.score) for curve in curves], dtype=np.int64),
            fps=np.array([curve.fps for curve in curves], dtype=np.float64),
            frame_step=np.array([curve.frame_step for curve in curves], dtype=np.int64),
            score=np.concatenate([np.empty(0, np.float32), *(curve.score for curve in curves)]),
            logits=np.concatenate([np.empty((0, classes), np.float32), *(curve.logits for curve in curves)]),
        )


def read_curves(path: Path) -> list[VideoCurve]:
    """Read the curves that `write_curves` wrote, in the same order.

    Raises:
        UserError: If the file is missing, damaged, not ours, or holds numbers that are not finite.
    """
    try:
        with np.load(path) as file:
            ends = np.cumsum(file["length"])[:-1]
            if not (np.isfinite(file["score"]).all() and np.isfinite(file["logits"]).all()):
                raise ValueError("it holds numbers that are not finite")
            scores, logits = np.split(file["score"], ends), np.split(file["logits"], ends)
            columns = (file["subject"].tolist(), file["video"].tolist(), scores, logits, file["fps"].tolist())
            steps = file["frame_step"].tolist()
            return [VideoCurve(*row) for row in zip(*columns, steps, strict=False)]
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run `memodule loso` to get score curves") from None
    except Exception as error:  # numpy and zipfile raise many kinds for a broken file
        raise UserError(
            f"{path}: not a file of score curves, or damaged ({error}); delete the fold's folder and run the fold again"
        ) from None
