"""Rules as plain values, as configs, grids, checkpoints and result files hold them."""

import inspect
from collections.abc import Mapping
from typing import Any

from memodule.errors import UserError
from memodule.intervals.base import SelectionRule
from memodule.runtime.class_paths import class_path, imported_class


def describe_rule(rule: SelectionRule) -> dict[str, Any]:
    """Class, arguments and learned state of a rule, as plain values; rules among the arguments are described likewise.

    Your own rules must keep constructor arguments as attributes of the same names, as dataclasses do.
    """
    return _kind_and_arguments(rule) | {"state": rule.state()}


def build_rule(description: Mapping[str, Any], where: str) -> SelectionRule:
    """The rule of a description from `describe_rule`, a config or a grid; without a state it is not fitted yet.

    Rules among the arguments are built likewise. Takes microseconds, where parsing a config takes milliseconds.

    Args:
        description: class_path, init_args (optional) and state (optional).

    Raises:
        UserError: If there is no such rule, or it does not take these arguments.
    """
    path = str(description.get("class_path"))
    kind = imported_class(path, SelectionRule, where)  # type: ignore[type-abstract]
    arguments = {name: _built(value, where) for name, value in (description.get("init_args") or {}).items()}
    try:
        rule = kind(**arguments)
    except TypeError as error:
        raise UserError(f"{where}: init_args of {path}: {error}; use arguments that the rule has") from None
    state = description.get("state")
    return rule if state is None else rule.load_state(state)


def _kind_and_arguments(rule: SelectionRule) -> dict[str, Any]:
    kind = type(rule)
    arguments = {name: _plain(getattr(rule, name)) for name in inspect.signature(kind).parameters}
    return {"class_path": class_path(kind), "init_args": arguments}


def _plain(value: Any) -> Any:
    if isinstance(value, SelectionRule):
        return _kind_and_arguments(value)
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _built(value: Any, where: str) -> Any:
    if isinstance(value, Mapping) and "class_path" in value:
        return build_rule(value, where)
    return [_built(item, where) for item in value] if isinstance(value, (list, tuple)) else value


def rule_text(description: Mapping[str, Any]) -> str:
    """A rule on one line for tables: its name, and the arguments that differ from the class's own defaults.

    >>> rule_text({"class_path": "memodule.intervals.PriorGuided", "init_args": {"threshold": 0.45, "nms_iou": 0.2}})
    'PriorGuided(threshold=0.45)'
    """
    path = str(description.get("class_path"))
    kind = imported_class(path, SelectionRule, "intervals")  # type: ignore[type-abstract]
    defaults = {name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()}
    arguments = {
        name: value for name, value in (description.get("init_args") or {}).items() if value != defaults.get(name)
    }
    spelled = ", ".join(f"{name}={_argument_text(value)}" for name, value in arguments.items())
    return f"{kind.__name__}({spelled})" if spelled else kind.__name__


def _argument_text(value: Any) -> str:
    if isinstance(value, Mapping) and "class_path" in value:
        return rule_text(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_argument_text, value))}]"
    return f"{value:g}" if type(value) is float else str(value)
