"""What a study leaves to decode: curves, labels and the subjects of its folds, read once for all variants."""

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from memodule.datasets.catalog import Catalog
from memodule.decoding.comparison import compared
from memodule.decoding.curves import VideoCurve, curve_key, have_classes
from memodule.decoding.decode import Decoded, labelled_curve
from memodule.decoding.protocol import Protocol
from memodule.emotions import NEUTRAL
from memodule.errors import UserError
from memodule.intervals import LabelledCurve
from memodule.metrics.functional import Tally, tally_video
from memodule.runtime.digests import json_sha256
from memodule.studies.calibrating import out_of_fold
from memodule.studies.fold_result import FoldResult
from memodule.studies.own_code import own_code
from memodule.studies.study import Study

_NO_FRAMES = np.empty((0, 3), np.int64)
_NO_CLASSES = np.full(0, NEUTRAL, np.int64)


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedCurve:
    """One curve with its truth, ready to be decoded and counted many times.

    Attributes:
        labelled: Scores, class probabilities and truth in sampled frames.
        true: (m, 3) onset, apex, offset of the truths in compared frames.
        true_emotions: (m,) class indices.
    """

    curve: VideoCurve
    labelled: LabelledCurve
    true: npt.NDArray[np.int64]
    true_emotions: npt.NDArray[np.int64]

    @classmethod
    def of(cls, curve: VideoCurve, catalog: Catalog, protocol: Protocol) -> "PreparedCurve":
        """Add the truth to a curve; the protocol says in which frames intervals are compared with it."""
        nothing = Decoded(curve.key, _NO_FRAMES, _NO_CLASSES, np.empty(0), curve.frame_step)
        truth = compared(nothing, catalog, protocol)
        return cls(curve, labelled_curve(curve, catalog), truth.true, truth.true_emotions)

    def tally(self, found: Decoded, protocol: Protocol) -> Tally:
        """The counts of what was found on this curve."""
        predicted = found.sampled if protocol.frames == "sampled" else found.frames
        return tally_video(predicted, found.emotions, self.true, self.true_emotions, protocol)


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedFold:
    """One finished fold of one seed, which holds out `subject`.

    Attributes:
        training: Subjects that the network and the priors learned from.
        inner: Inner validation subjects; none in most studies.
        calibrated_on: Subjects on whose curves the stored rule was calibrated.
        known: The part of the Catalog that belongs to the training subjects.
        rule: The rule as the fold stored it, fitted and calibrated.
        test: Curves of the held-out subject.
        validation: For each inner validation subject its curves, by this fold's network.
    """

    subject: str
    seed: int
    training: tuple[str, ...]
    inner: tuple[str, ...]
    calibrated_on: tuple[str, ...]
    known: Catalog
    rule: Mapping[str, Any]
    test: Sequence[PreparedCurve]
    validation: Mapping[str, Sequence[PreparedCurve]]

    @property
    def name(self) -> str:
        """Seed and subject, unique in a study."""
        return f"seed{self.seed}/{self.subject}"


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedStudy:
    """All finished folds of a study.

    Attributes:
        catalog: The scored videos and their labels.
        folds: By seed, then subject.
        identity: Hash of everything here that can change a count.
        missing: (subject, seed) of the folds that are not finished.
    """

    protocol: Protocol
    catalog: Catalog
    folds: Sequence[PreparedFold]
    identity: str
    missing: Sequence[tuple[str, int]] = ()

    @functools.cached_property
    def classes(self) -> bool:
        """Whether the curves say anything about emotions."""
        return have_classes(own.curve for fold in self.folds for own in fold.test)

    @property
    def frame_step(self) -> int:
        """Source frames per sampled frame."""
        return next((curve.curve.frame_step for fold in self.folds for curve in fold.test), 1)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects that at least one finished fold holds out."""
        return tuple(dict.fromkeys(fold.subject for fold in self.folds))

    @property
    def partial(self) -> str | None:
        """What must be next to every score where folds are missing, such as "4 of 30 folds"; else None."""
        return f"{len(self.folds)} of {len(self.folds) + len(self.missing)} folds" if self.missing else None

    def partial_entry(self) -> dict[str, Any]:
        """`partial` for files: how many folds are finished, and which are missing; empty in a complete study."""
        missing = [f"{subject} (seed {seed})" for subject, seed in self.missing]
        return {"partial": {"finished": self.partial, "missing": missing}} if missing else {}

    def out_of_fold(self, fold: PreparedFold) -> dict[str, Sequence[PreparedCurve]]:
        """For each training subject its curves by the network that held *it* out, of the same seed.

        That network was trained on the fold's held-out subject too. The held-out subject's own curves and labels are
        not among them. Training subjects whose folds are not finished have no curves.
        """
        return {other.subject: other.test for other in out_of_fold(fold, self.folds)}

    def choosers(self, fold: PreparedFold) -> Mapping[str, Sequence[PreparedCurve]]:
        """By subject the curves that a fold may choose on: of its inner subjects if it has some, else out-of-fold ones.

        Raises:
            UserError: If no fold of a training subject is finished.
        """
        curves = fold.validation if fold.inner else self.out_of_fold(fold)
        if not curves:
            raise UserError(
                f"{fold.name}: no other finished fold has curves to choose or calibrate on; finish more folds, or "
                "remove `choose`, `choose_from` and `calibrate: nested` from the grid"
            )
        return curves


def prepare_study(study: Study) -> PreparedStudy:
    """Read the finished folds of a study.

    Raises:
        UserError: If no fold is finished, a file is damaged, or curves are of subjects that a fold must not see.
    """
    folds = [_fold(study, fold) for finished in study.finished_folds().values() for fold in finished]
    if not folds:
        raise UserError(f"{study.folder}: no fold is finished; run the same `memodule loso` command again")
    return PreparedStudy(study.protocol, study.catalog, folds, _identity(study, folds), study.missing())


def _fold(study: Study, fold: FoldResult) -> PreparedFold:
    subject, training, inner = fold.subject, fold.training, fold.inner

    def prepared(curves: Sequence[VideoCurve], allowed: Sequence[str], file: str) -> list[PreparedCurve]:
        for curve in curves:
            if curve.subject not in allowed:
                raise UserError(f"{fold.folder}/{file}: holds curves of subject {curve.subject}; run the fold again")
        return [PreparedCurve.of(curve, study.catalog, study.protocol) for curve in curves]

    test = prepared(fold.curves, (subject,), "test/curves.npz")
    validation: dict[str, list[PreparedCurve]] = {}
    if inner:  # without inner subjects, val/ holds the watched curves of the held-out subject
        for own in prepared(fold.inner_curves, inner, "val/curves.npz"):
            validation.setdefault(own.curve.subject, []).append(own)
    roles, known = (training, inner, fold.calibrated_on), study.catalog.of(training)
    return PreparedFold(subject, fold.seed, *roles, known, fold.result["rule"], test, validation)


def _identity(study: Study, folds: Sequence[PreparedFold]) -> str:
    groups = itertools.chain.from_iterable((fold.test, *fold.validation.values()) for fold in folds)
    return json_sha256(
        [
            study.description["digest"],
            dataclasses.asdict(study.protocol),
            [(*video.key, video.fps, video.frames) for video in study.catalog.videos],
            [dataclasses.astuple(expression) for expression in study.catalog.expressions],
            [(fold.name, fold.training, fold.inner, dict(fold.rule), own_code(fold.rule)) for fold in folds],
            [curve_key(own.curve) for group in groups for own in group],
        ]
    )
