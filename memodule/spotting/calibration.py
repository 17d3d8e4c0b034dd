"""A selection rule for videos from outside, calibrated on curves that a study left behind."""

import dataclasses
from typing import Final

from memodule.decoding.decode import labelled_curve
from memodule.decoding.fitted import FittedDecoder
from memodule.intervals import Calibrated, RelativeHeight, RiseFall, SelectionRule
from memodule.studies.study import Study

_GENEROUS: Final = 0.1
"""`least` of the proposing rules: they are to propose too much rather than too little."""


def calibrated_rule(study: Study, held_out: str, seed: int) -> SelectionRule:
    """The rule `Calibrated` for the fold that held a subject out.

    It learns from the fold's training subjects: durations from their labels, probabilities and threshold from their
    score curves. Those curves come from the folds in which they were held out themselves, since a network's curves of
    people it was trained on are too good to learn a threshold from. Nothing is learned from the subject `held_out`.

    Args:
        study: A finished study.
        held_out: Names the fold.
        seed: Seed of the fold.

    Returns:
        The rule; the fold's own one where the curves have too little to learn from.

    Raises:
        UserError: If a fold is not finished, or nobody but `held_out` has a micro-expression.
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
