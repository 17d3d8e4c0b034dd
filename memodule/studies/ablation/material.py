"""What a study leaves to decode: curves, labels and the subjects of its folds, read once for all variants."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from memodule.datasets.catalog import Catalog, VideoKey
from memodule.decoding.comparison import compared
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import Decoded, labelled_curve
from memodule.decoding.protocol import Protocol
from memodule.emotions import NEUTRAL
from memodule.errors import UserError
from memodule.intervals import LabelledCurve
from memodule.metrics.functional import Tally, tally_video
from memodule.studies.study import Study


@dataclasses.dataclass(frozen=True, eq=False)
class Video:
    """One curve, ready to be decoded and counted many times.

    Attributes:
        curve: The curve itself.
        labelled: Scores, class probabilities and truth in sampled frames.
        true: (m, 3) onset, apex, offset of the truths in compared frames.
        true_emotions: (m,) class indices.
    """

    curve: VideoCurve
    labelled: LabelledCurve
    true: npt.NDArray[np.int64]
    true_emotions: npt.NDArray[np.int64]

    @property
    def key(self) -> VideoKey:
        """(subject, video)."""
        return self.curve.key

    @classmethod
    def of(cls, curve: VideoCurve, catalog: Catalog, protocol: Protocol) -> "Video":
        """A curve with its truth.

        Args:
            curve: (n,) scores and (n, 5) logits, in samples.
            catalog: Holds the labels of the video.
            protocol: In which frames truth and intervals are compared.

        Returns:
            The curve, its truth, and the class that each frame votes for under either way with neutral.
        """
        nothing = Decoded(curve.key, _NO_FRAMES, _NO_CLASSES, np.empty(0), curve.frame_step)
        truth = compared(nothing, catalog, protocol)
        return cls(curve, labelled_curve(curve, catalog), truth.true, truth.true_emotions)

    def tally(self, found: Decoded, protocol: Protocol) -> Tally:
        """The counts of what was found on this curve."""
        predicted = found.sampled if protocol.frames == "sampled" else found.frames
        return tally_video(predicted, found.emotions, self.true, self.true_emotions, protocol)


_NO_FRAMES = np.empty((0, 3), np.int64)
_NO_CLASSES = np.full(0, NEUTRAL, np.int64)


@dataclasses.dataclass(frozen=True, eq=False)
class FoldMaterial:
    """One fold of one seed.

    Attributes:
        subject: The held-out subject.
        seed: Seed of the training.
        training: Subjects that the network and the priors learned from.
        inner: Inner validation subjects; none in most studies.
        known: The part of the Catalog that belongs to the training subjects.
        rule: The rule as the fold stored it, fitted and calibrated.
        test: Curves of the held-out subject.
        validation: For each inner validation subject its curves, by this fold's network.
    """

    subject: str
    seed: int
    training: tuple[str, ...]
    inner: tuple[str, ...]
    known: Catalog
    rule: Mapping[str, Any]
    test: Sequence[Video]
    validation: Mapping[str, Sequence[Video]]

    @property
    def name(self) -> str:
        """Seed and subject, unique in a study."""
        return f"seed{self.seed}/{self.subject}"


@dataclasses.dataclass(frozen=True, eq=False)
class Material:
    """All folds of a finished study.

    Attributes:
        protocol: The study's.
        catalog: The scored videos and their labels.
        folds: By seed, then subject.
        identity: Hash of everything here that can move a count.
    """

    protocol: Protocol
    catalog: Catalog
    folds: Sequence[FoldMaterial]
    identity: str

    @property
    def fps(self) -> float:
        """Frame rate of the source videos."""
        return self.catalog.videos[0].fps

    @property
    def frame_step(self) -> int:
        """Source frames per sampled frame."""
        return next((video.curve.frame_step for fold in self.folds for video in fold.test), 1)

    def out_of_fold(self, fold: FoldMaterial) -> dict[str, Sequence[Video]]:
        """For each training subject of a fold its curves by the network that held *it* out, of the same seed.

        That network was trained on the fold's held-out subject too. The held-out subject's own curves and labels are
        not among them.

        Args:
            fold: Of which the training subjects are wanted.

        Returns:
            By subject.
        """
        return {
            other.subject: other.test
            for other in self.folds
            if other.seed == fold.seed and other.subject in fold.training
        }

    def choosers(self, fold: FoldMaterial) -> Mapping[str, Sequence[Video]]:
        """The curves that a nested choice of a fold may see: inner ones where it has them, else out-of-fold ones.

        Args:
            fold: That chooses.

        Returns:
            By subject; never the held-out one.
        """
        return fold.validation if fold.inner else self.out_of_fold(fold)


def read_material(study: Study) -> Material:
    """Read a finished study.

    Args:
        study: A finished one.

    Raises:
        UserError: If a fold is missing, a file is broken, or curves are of subjects that a fold must not see.
    """
    missing = study.missing()
    if missing:
        subject, seed = missing[0]
        raise UserError(
            f"{study.folder}: fold {subject} (seed {seed}) is not finished; run the same `memodule loso` command to "
            "its end"
        )
    folds = [_fold(study, subject, seed) for seed in study.seeds for subject in study.subjects]
    return Material(study.protocol, study.catalog, folds, _identity(study, folds))


def _fold(study: Study, subject: str, seed: int) -> FoldMaterial:
    result = study.fold(subject, seed).result
    where = str(study.fold(subject, seed).folder)
    training, inner = (tuple(result["provenance"][role]) for role in ("network", "chosen_on"))
    if subject in training or subject in inner or set(training) & set(inner):
        raise UserError(f"{where}/result.json: held-out, training and inner subjects overlap; run the fold again")
    test = [Video.of(curve, study.catalog, study.protocol) for curve in study.fold(subject, seed).curves]
    _require_subjects(test, (subject,), f"{where}/test/curves.npz")
    validation: dict[str, list[Video]] = {}
    if inner:  # without inner subjects, val/ holds the watched curves of the held-out subject
        curves = study.fold(subject, seed).inner_curves
        videos = [Video.of(curve, study.catalog, study.protocol) for curve in curves]
        _require_subjects(videos, inner, f"{where}/val/curves.npz")
        for video in videos:
            validation.setdefault(video.key[0], []).append(video)
    return FoldMaterial(subject, seed, training, inner, study.catalog.of(training), result["rule"], test, validation)


def _require_subjects(videos: Sequence[Video], allowed: Sequence[str], where: str) -> None:
    strange = sorted({video.key[0] for video in videos} - set(allowed))
    if strange:
        raise UserError(f"{where}: holds curves of subject {strange[0]}, who is none of the fold's; run the fold again")


def _identity(study: Study, folds: Sequence[FoldMaterial]) -> str:
    digest = hashlib.sha256()
    plain = [
        study.description["digest"],
        dataclasses.asdict(study.protocol),
        [(*video.key, video.fps, video.frames) for video in study.catalog.videos],
        [dataclasses.astuple(expression) for expression in study.catalog.expressions],
        [(fold.name, fold.training, fold.inner, dict(fold.rule)) for fold in folds],
    ]
    digest.update(json.dumps(plain, sort_keys=True, default=str).encode())
    for fold in folds:
        for video in [*fold.test, *(video for own in fold.validation.values() for video in own)]:
            digest.update(json.dumps(video.key).encode())
            for array in (video.labelled.curve, video.labelled.probabilities, *video.curve.frame_emotions.values()):
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
