"""Another selection rule for a trained checkpoint, without training."""

from pathlib import Path

import numpy as np

from memodule.emotions import FRAME_CLASSES
from memodule.errors import UserError
from memodule.intervals import SelectionRule, build_rule
from memodule.studies.ablation.rule_files import read_rule


def replaced_rule(fitted: SelectionRule, rule: Path | str) -> SelectionRule:
    """A rule that takes over the durations (the interval prior) that the checkpoint's own rule was fitted with.

    A checkpoint holds nothing else to learn from: a rule that calibrates on score curves works uncalibrated.

    Args:
        fitted: The checkpoint's rule.
        rule: Name or class path of a rule, or a YAML file as in configs/intervals/, rules inside it included.

    Raises:
        UserError: If there is no such rule, it does not take these arguments, or it needs more than durations.
    """
    replacement = _with_timing(build_rule(read_rule(str(rule), Path(), "--rule"), "--rule"), fitted)
    try:  # a fitted rule gives a defined result for any curve
        replacement.detect(np.hanning(64), np.full((64, len(FRAME_CLASSES)), 1 / len(FRAME_CLASSES)))
    except Exception as error:
        raise UserError(
            f"--rule {rule}: {type(replacement).__name__} cannot decode with the durations that a checkpoint holds "
            f"({error}); train a checkpoint with this rule and use it without --rule, or choose another rule"
        ) from error
    return replacement


def _with_timing(rule: SelectionRule, fitted: SelectionRule) -> SelectionRule:
    """Set the learned durations of a rule and of the rules inside it."""
    if fitted.timing is not None:
        rule.timing = fitted.timing
        for value in vars(rule).values():
            for part in value if isinstance(value, list | tuple) else [value]:
                if isinstance(part, SelectionRule):
                    _with_timing(part, fitted)
    return rule
