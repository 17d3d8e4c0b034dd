"""Rules as plain values: in checkpoints, in result files."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from memodule.class_paths import class_path, imported_class
from memodule.intervals.base import SelectionRule


def describe_rule(rule: SelectionRule) -> dict[str, Any]:
    """Which rule it is, its arguments, and what it has learned."""
    arguments = dataclasses.asdict(rule)  # type: ignore[call-overload]
    return {"class_path": class_path(type(rule)), "init_args": arguments, "state": rule.state()}


def build_rule(description: Mapping[str, Any], where: str) -> SelectionRule:
    """The rule that `describe_rule` described, or that a config describes (which has learned nothing yet).

    Args:
        description: class_path, init_args and, if it was fitted, state.
        where: Which file holds it, for the message.

    Raises:
        UserError: If there is no such rule.
    """
    kind = imported_class(description["class_path"], SelectionRule, where)  # type: ignore[type-abstract]
    rule = kind(**description.get("init_args") or {})
    state = description.get("state")
    return rule if state is None else rule.load_state(state)
