"""Another selection rule for a trained checkpoint, without training."""

from pathlib import Path

import yaml

import memodule.intervals
from memodule.errors import UserError
from memodule.intervals import SelectionRule, build_rule


def replaced_rule(fitted: SelectionRule, prior: Path | str) -> SelectionRule:
    """A rule that takes over the durations which the checkpoint's own rule learned.

    What a rule learns from score curves (`calibrate`) is not taken over; rules work without it.

    Args:
        fitted: The checkpoint's rule.
        prior: Name of a rule in `memodule.intervals`, or a YAML file with class_path and init_args as in
            configs/intervals/.

    Raises:
        UserError: If there is no such rule, or it does not take these arguments.
    """
    path = Path(prior)
    if path.suffix not in (".yaml", ".yml"):
        return _with_timing(build_rule({"class_path": _class_of(str(prior))}, "--prior"), fitted)
    try:
        description = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from None
    if not isinstance(description, dict) or "class_path" not in description:
        raise UserError(f"{path}: no selection rule; give class_path and init_args as in configs/intervals/")
    return _with_timing(build_rule({**description, "state": None}, str(path)), fitted)


def _class_of(name: str) -> str:
    kind = getattr(memodule.intervals, name, None)
    if isinstance(kind, type) and issubclass(kind, SelectionRule) and kind is not SelectionRule:
        return f"{kind.__module__}.{kind.__qualname__}"
    known = [
        known
        for known in memodule.intervals.__all__
        if isinstance(kind := getattr(memodule.intervals, known), type)
        and issubclass(kind, SelectionRule)
        and kind is not SelectionRule
    ]
    raise UserError(f"--prior {name}: no selection rule; give a YAML file or one of {', '.join(known)}")


def _with_timing(rule: SelectionRule, fitted: SelectionRule) -> SelectionRule:
    """Give a rule, and those inside of it, the learned durations."""
    if fitted.timing is not None:
        rule.timing = fitted.timing
        for value in vars(rule).values():
            for part in value if isinstance(value, list | tuple) else [value]:
                if isinstance(part, SelectionRule):
                    _with_timing(part, fitted)
    return rule
