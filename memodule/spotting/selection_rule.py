"""Another selection rule for a trained checkpoint, without training."""

from pathlib import Path

import numpy as np

from memodule.emotions import FRAME_CLASSES
from memodule.errors import UserError
from memodule.intervals import SelectionRule, build_rule, describe_rule
from memodule.studies.ablation.rule_files import read_rule
from memodule.training.checkpoints import FoldModel


def rule_for(model: FoldModel, rule: Path | str | None = None, calibrate: Path | str | None = None) -> SelectionRule:
    """The rule that decodes new videos: the checkpoint's own, or another one that is fitted here.

    Another rule is fitted on the durations and emotions that the checkpoint's interval prior was fitted on. What a rule
    learns from score curves it can learn from a finished study only; without, `uncalibrated` says so.

    Args:
        rule: Name or class path of a rule, or a YAML file as in configs/intervals/, rules inside it included.
        calibrate: Folder of a study, best that of the checkpoint: the rule is fitted and calibrated as in its folds, on
            all subjects but the one that the checkpoint held out.

    Raises:
        UserError: If there is no such rule or study, the rule does not take these arguments, it needs more than an old
            checkpoint holds, or the study has another frame rate or no curves.
    """
    if rule is None and calibrate is None:
        return model.rule
    if rule is None:
        built = build_rule({**describe_rule(model.rule), "state": None}, "--calibrate")
    else:
        built = build_rule(read_rule(str(rule), Path(), "--rule"), "--rule")
    if calibrate is not None:
        return _calibrated(built, model, Path(calibrate))
    if model.expressions:
        return built.fit(model.expressions, fps=model.fps, frame_step=model.flow.frame_step)
    return _with_durations(built, model.rule, str(rule))


def _calibrated(rule: SelectionRule, model: FoldModel, folder: Path) -> SelectionRule:
    from memodule.studies.calibrating import study_rule
    from memodule.studies.study import Study

    study, wanted = Study.open(folder), model.fps / model.flow.frame_step
    where = f"--calibrate {folder}"
    curves = [curve for folds in study.finished_folds().values() for fold in folds for curve in fold.curves]
    rates = {curve.fps / curve.frame_step for curve in curves}
    if other := [rate for rate in rates if abs(rate - wanted) > 0.01 * wanted]:
        raise UserError(
            f"{where}: its curves have {other[0]:.4g} samples per second, the checkpoint's {wanted:.4g}; use the study "
            "that the checkpoint is from, or one with the same frame rate and frame_step"
        )
    study_rule(rule, study, without=model.held_out)
    if rule.uncalibrated:
        raise UserError(f"{where}: cannot calibrate {type(rule).__name__} ({rule.uncalibrated}); finish more folds")
    return rule


def _with_durations(rule: SelectionRule, fitted: SelectionRule, name: str) -> SelectionRule:
    """A rule for a checkpoint of an older version, which holds no more than the timing that its own rule learned."""
    _take_timing(rule, fitted)
    try:  # a fitted rule gives a defined result for any curve
        rule.detect(np.hanning(64), np.full((64, len(FRAME_CLASSES)), 1 / len(FRAME_CLASSES)))
    except Exception as error:
        raise UserError(
            f"--rule {name}: {type(rule).__name__} learns more from labels than this checkpoint of an older version "
            "holds; add --calibrate STUDY, train the fold again, or choose another rule"
        ) from error
    return rule


def _take_timing(rule: SelectionRule, fitted: SelectionRule) -> None:
    """Set the learned durations of a rule and of the rules inside it."""
    if fitted.timing is not None:
        rule.timing = fitted.timing
        for value in vars(rule).values():
            for part in value if isinstance(value, list | tuple) else [value]:
                if isinstance(part, SelectionRule):
                    _take_timing(part, fitted)
