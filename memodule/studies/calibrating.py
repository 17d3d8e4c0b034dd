"""Calibration inside a study: a rule that learns from curves gets curves to learn from, fold by fold.

They are the curves of the fold's inner validation subjects. A fold without inner subjects takes out-of-fold curves:
those of its training subjects, each by the network that held that subject out, with the same seed. (A network's curves
of the people it was trained on would be too good to learn a threshold from.) These networks were trained on the fold's
held-out subject too, but its own curves and labels are not looked at.

Out-of-fold curves exist only once other folds are finished, so folds are calibrated in a second pass over the study,
`calibrate_study`, which every command that pools a study makes first.
"""

import json
import typing
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from memodule import console
from memodule.datasets.catalog import Catalog
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import labelled_curve
from memodule.decoding.fitted import FittedDecoder
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.intervals import LabelledCurve, SelectionRule
from memodule.intervals.description import build_rule, describe_rule
from memodule.studies.fold_result import FoldResult
from memodule.studies.influences import calibration_influences
from memodule.studies.study import Study

INNER: Final = "inner"
OUT_OF_FOLD: Final = "out-of-fold"


class HeldOut(typing.Protocol):
    """What `out_of_fold` needs to know about a fold."""

    @property
    def subject(self) -> str:
        """The held-out subject."""

    @property
    def seed(self) -> int:
        """Of the fold's training."""

    @property
    def training(self) -> tuple[str, ...]:
        """Subjects that the network learned from."""


Fold = TypeVar("Fold", bound=HeldOut)


def out_of_fold(fold: Fold, finished: Iterable[Fold]) -> list[Fold]:
    """The finished folds of the same seed whose held-out subject trains `fold`."""
    return [other for other in finished if other.seed == fold.seed and other.subject in fold.training]


def calibrated_decoder(
    rule: SelectionRule,
    protocol: Protocol,
    catalog: Catalog,
    training: Catalog,
    curves: Sequence[LabelledCurve],
    frame_step: int,
) -> FittedDecoder:
    """Fit a rule, in place, for one fold, and calibrate it if it learns from curves and there are some.

    Args:
        catalog: All subjects, the held-out one included.
        training: The part of it that belongs to the fold's training subjects.
        curves: Of inner validation subjects, or out-of-fold curves of the training subjects.
    """
    decoder = FittedDecoder.fit(rule, protocol, training=training, everyone=catalog, frame_step=frame_step)
    return decoder.calibrate(curves) if curves and rule.learns_from_curves else decoder


def fold_decoder(rule: SelectionRule, study: Study, fold: FoldResult) -> FittedDecoder:
    """A rule, fitted and calibrated in place for one fold of a study with the curves that its finished folds have."""
    return _decoder(rule, study, fold, _calibrating_curves(fold, study.finished_folds().get(fold.seed, ())))


def study_rule(rule: SelectionRule, study: Study, without: str) -> SelectionRule:
    """Fit and calibrate a rule, in place, for new videos: as in a fold of the study that holds out `without`.

    Args:
        without: A subject that is left out; a name that the study does not have leaves out no one.

    Raises:
        UserError: If no other subject has a finished fold, or none of them has a micro-expression.
    """
    finished = next((folds for folds in study.finished_folds().values() if folds), [])
    curves = [curve for fold in finished if fold.subject != without for curve in fold.curves]
    if not curves:
        raise UserError(f"{study.folder}: has no finished fold whose curves could calibrate a rule; finish some")
    known = study.catalog.of([subject for subject in study.subjects if subject != without])
    labelled = [labelled_curve(curve, study.catalog) for curve in curves]
    calibrated_decoder(rule, Protocol(), study.catalog, known, labelled, curves[0].frame_step)
    return rule


def calibrate_study(study: Study) -> None:
    """Calibrate the rules of all finished folds, where the study's rule learns from curves.

    Rewrites what differs: `model.ckpt`, `test/intervals.csv` and, last, `result.json`. The same finished folds give the
    same files, however often and in whatever order they were finished. A fold that inner validation subjects have
    calibrated stays as it is.

    Raises:
        UserError: If a file of a finished fold is damaged.
    """
    if not _rule(study).learns_from_curves:
        return
    finished = study.finished_folds()
    waiting = [
        fold for folds in finished.values() for fold in folds if not fold.inner or fold.rule.uncalibrated is not None
    ]
    for fold in console.track(waiting, "calibration"):
        others = out_of_fold(fold, finished[fold.seed])
        curves = _calibrating_curves(fold, finished[fold.seed])
        decoder = _decoder(_rule(study), study, fold, curves)
        networks = [subject for subject in study.subjects if any(subject in other.training for other in others)]
        subjects = dict.fromkeys(curve.subject for curve in curves)
        used = calibration_influences(decoder.rule, list(subjects), fold.training if fold.inner else networks)
        result = {
            **fold.result,
            "provenance": {**fold.result["provenance"], **used},
            "rule": describe_rule(decoder.rule),
        }
        result = json.loads(json.dumps(result))  # as it is read again
        if result != fold.result:
            fold.rewrite(result)


def _rule(study: Study) -> SelectionRule:
    return build_rule(study.config["intervals"], f"{study.folder}/config.yaml: intervals")


def _calibrating_curves(fold: FoldResult, finished: Sequence[FoldResult]) -> list[VideoCurve]:
    if fold.inner:
        return fold.inner_curves
    return [curve for other in out_of_fold(fold, finished) for curve in other.curves]


def _decoder(rule: SelectionRule, study: Study, fold: FoldResult, curves: Sequence[VideoCurve]) -> FittedDecoder:
    labelled = [labelled_curve(curve, study.catalog) for curve in curves]
    frame_step = next((curve.frame_step for curve in (*fold.curves, *curves)), 1)
    return calibrated_decoder(
        rule, study.protocol, study.catalog, study.catalog.of(fold.training), labelled, frame_step
    )
