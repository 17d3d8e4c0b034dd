"""A selection rule for a user's videos, calibrated on the curves of a finished study."""

import dataclasses
from typing import Final

from memodule.decoding.decode import labelled_curve
from memodule.decoding.fitted import FittedDecoder
from memodule.intervals import Calibrated, RelativeHeight, RiseFall, SelectionRule
from memodule.studies.study import Study

_GENEROUS: Final = 0.1
"""`least` of the proposing rules: low, because they should propose too many intervals rather than too few."""


def calibrated_rule(study: Study, held_out: str, seed: int) -> SelectionRule:
    """The rule `Calibrated` for the fold that held a subject out.

    It learns from the fold's training subjects: durations from their labels, probabilities and threshold from their
    score curves. Those curves come from the folds in which these subjects were held out, because a network's curves of
    people it was trained on are too good to learn a threshold from. Nothing is learned from the subject `held_out`.

    Returns:
        The rule, or the fold's own rule where the curves have too little to learn from.

    Raises:
        UserError: If a fold is not finished, or no one but `held_out` has a micro-expression.
    """
    training = [subject for subject in study.subjects if subject != held_out]
    curves = [curve for subject in training for curve in study.fold(subject, seed).curves]
    rule = Calibrated([RiseFall(least=_GENEROUS), RelativeHeight(least=_GENEROUS)])
    FittedDecoder.fit(
        rule,
        dataclasses.replace(study.protocol, fitted_on="training"),
        training=study.catalog.of(training),
        everyone=study.catalog,
        frame_step=curves[0].frame_step,
    ).calibrate([labelled_curve(curve, study.catalog) for curve in curves])
    return study.fold(held_out, seed).rule if rule.learned is None else rule
