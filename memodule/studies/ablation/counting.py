"""Decode all folds of a study in one way, and count."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from memodule.decoding.fitted import FittedDecoder
from memodule.intervals import LabelledCurve, build_rule
from memodule.metrics.functional import Tally
from memodule.studies.ablation.prepared import PreparedCurve, PreparedFold, PreparedStudy
from memodule.studies.ablation.variants import DecodingSpec
from memodule.studies.calibrating import calibrated_decoder
from memodule.studies.calibration_marks import FoldCalibration

_PARTS: Final = 3
"""Groups of subjects by which a calibrated rule is cross-fitted before it takes part in a nested choice."""


@dataclasses.dataclass(frozen=True, eq=False)
class Counts:
    """What one way of decoding counts.

    Attributes:
        held_out: For each fold, by its name, the counts of its held-out subject.
        calibration: For each fold how the rule behind them was calibrated; None where it learns nothing from curves.
        chooser: For each fold the pooled counts of the subjects that a nested choice looks at; empty without a choice.
    """

    held_out: Mapping[str, Tally]
    calibration: Mapping[str, FoldCalibration | None]
    chooser: Mapping[str, Tally] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `from_dict` takes them."""
        return {
            "held_out": {fold: tally.to_dict() for fold, tally in self.held_out.items()},
            "calibration": {fold: own and dataclasses.asdict(own) for fold, own in self.calibration.items()},
            "chooser": {fold: tally.to_dict() for fold, tally in self.chooser.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Counts":
        """The counts that `to_dict` described."""
        held_out, chooser = (
            {fold: Tally.from_dict(tally) for fold, tally in values[name].items()} for name in ("held_out", "chooser")
        )
        calibration = {fold: own and FoldCalibration(**own) for fold, own in values["calibration"].items()}
        return cls(held_out, calibration, chooser)


def count(decoding: DecodingSpec, study: PreparedStudy, choosing: bool = False) -> Counts:
    """Fit, calibrate and decode, fold by fold; for a nested choice (`choosing`) also the choosers' curves.

    Raises:
        UserError: If the rule cannot be fitted, or a fold has no curves to choose on.
    """
    worker = _Counter(decoding, study)
    held_out = {fold.name: worker.held_out(fold) for fold in study.folds}
    return Counts(
        {name: tally for name, (tally, _) in held_out.items()},
        {name: calibration for name, (_, calibration) in held_out.items()},
        {fold.name: worker.chooser(fold) for fold in study.folds} if choosing else {},
    )


class _Counter:
    """One way of decoding, and the counts so far: folds that fit alike share those of their choosers' curves."""

    def __init__(self, decoding: DecodingSpec, study: PreparedStudy) -> None:
        self._decoding, self._study = decoding, study
        self._protocol = decoding.protocol(study.protocol)
        self._learns = decoding.rule is not None and decoding.build().learns_from_curves
        self._seen: dict[tuple[str, int, str, str], Tally] = {}

    def held_out(self, fold: PreparedFold) -> tuple[Tally, FoldCalibration | None]:
        """Counts of the held-out subject, and how the rule was calibrated."""
        if self._decoding.rule is None:
            subjects = fold.calibrated_on
            decoder = FittedDecoder(build_rule(fold.rule, f"{fold.name}: result.json"), self._protocol)
        else:
            calibrators = self._calibrators(fold)
            subjects = tuple(calibrators)
            decoder = self._fitted(fold, [curve for _, curve in _labelled(calibrators)])
        return tally_curves(decoder, fold.test), FoldCalibration.of(decoder.rule, subjects, fold.inner)

    def chooser(self, fold: PreparedFold) -> Tally:
        """Pooled counts of the subjects that the fold's choice looks at.

        A rule that learns from curves is not judged by those it learned from: each third of the subjects is decoded by
        the rule calibrated on the others. With a single subject there are no others, and it is judged by its own.
        """
        curves = self._study.choosers(fold)
        names = sorted(curves)
        if not self._calibrators(fold):
            decoder = self._fitted(fold)
            return sum((self._remembered(decoder, fold, name, curves[name]) for name in names), Tally())
        labelled = _labelled({name: curves[name] for name in names})
        if len(names) == 1:
            decoder = self._fitted(fold, [curve for _, curve in labelled])
            return tally_curves(decoder, curves[names[0]])
        pooled = Tally()
        for judged, decoder in self._fitted(fold).cross_calibrated(labelled, _PARTS):
            pooled += sum((tally_curves(decoder, curves[name]) for name in judged), Tally())
        return pooled

    def _fitted(self, fold: PreparedFold, curves: Sequence[LabelledCurve] = ()) -> FittedDecoder:
        return calibrated_decoder(
            self._decoding.build(), self._protocol, self._study.catalog, fold.known, curves, self._study.frame_step
        )

    def _calibrators(self, fold: PreparedFold) -> Mapping[str, Sequence[PreparedCurve]]:
        """By subject the curves that calibrate the fold's rule; none where it does not learn from curves."""
        if not self._learns:
            return {}
        if self._decoding.calibrate == "nested":  # insists
            return self._study.choosers(fold)
        return fold.validation if fold.inner or self._decoding.calibrate == "inner" else self._study.out_of_fold(fold)

    def _remembered(
        self, decoder: FittedDecoder, fold: PreparedFold, subject: str, curves: Sequence[PreparedCurve]
    ) -> Tally:
        """Counts of a subject; out-of-fold curves are the same in all folds of a seed."""
        owner = fold.name if fold.inner else ""
        key = (json.dumps(decoder.rule.state()), fold.seed, subject, owner)
        if key not in self._seen:
            self._seen[key] = tally_curves(decoder, curves)
        return self._seen[key]


def tally_curves(decoder: FittedDecoder, curves: Sequence[PreparedCurve]) -> Tally:
    """Decode curves and pool the counts, as `memodule.metrics.evaluation` counts them."""
    return sum((own.tally(decoder.decode(own.curve), decoder.protocol) for own in curves), Tally())


def _labelled(groups: Mapping[str, Sequence[PreparedCurve]]) -> list[tuple[str, LabelledCurve]]:
    return [(subject, own.labelled) for subject, curves in groups.items() for own in curves]
