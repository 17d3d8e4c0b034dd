"""What a parameter of a grid takes on: one value, a list, or a range; always, or only beside values of others."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from memodule.errors import UserError

_RANGE: Final = {"from", "to", "step", "steps", "log"}
_CONDITIONAL: Final = {"values", "when"}


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a variant.

    Attributes:
        name: As the grid writes it.
        values: What it takes on; one value is fixed, several are swept or chosen.
        when: For other parameters the values beside which this one exists; elsewhere it keeps the rule's default.
    """

    name: str
    values: tuple[Any, ...]
    when: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)

    @property
    def varies(self) -> bool:
        """Whether it has several values."""
        return len(self.values) > 1


def read_parameter(name: str, written: Any, where: str) -> Parameter:
    """Read what a grid says of a parameter.

    Args:
        name: Of the parameter.
        written: A value; a list of values; a range `{from, to, step}` or `{from, to, steps}`, `log: true` for equal
            ratios, both ends included where the step meets them; or `{values: <list or range>, when: {other: value}}`.
        where: File and key, for the message.

    Raises:
        UserError: If it has no value, a value twice, or a range that goes nowhere.
    """
    when: dict[str, tuple[Any, ...]] = {}
    if isinstance(written, Mapping) and "when" in written:
        unknown = sorted(set(written) - _CONDITIONAL)
        if unknown or "values" not in written:
            raise UserError(f"{where}: a conditional parameter has `values` and `when`, and nothing else")
        if not isinstance(written["when"], Mapping) or not written["when"]:
            raise UserError(f"{where}.when: name another parameter and its value, such as {{duration: true}}")
        when = {str(other): _values(value, f"{where}.when.{other}") for other, value in written["when"].items()}
        written = written["values"]
    return Parameter(name, _values(written, where), when)


def combinations(parameters: Sequence[Parameter], where: str) -> list[dict[str, Any]]:
    """Every combination of values once, in the order of the grid; conditional parameters only where they exist.

    Args:
        parameters: Of one variant.
        where: File and key, for the message.

    Returns:
        Values by the name of the parameter.

    Raises:
        UserError: If a condition names an unknown parameter, goes round in a circle, or never holds.
    """
    found: list[dict[str, Any]] = [{}]
    for parameter in _ordered(parameters, where):
        if not any(_exists(parameter, combination) for combination in found):
            raise UserError(f"{where}.{parameter.name}.when: never holds; give values that those parameters take on")
        found = [
            wider
            for combination in found
            for wider in (
                [{**combination, parameter.name: value} for value in parameter.values]
                if _exists(parameter, combination)
                else [combination]
            )
        ]
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same value; 1 and 1.0 are, 1 and true are not."""
    return value_key(one) == value_key(other)


def value_key(value: Any) -> str:
    """Text that is equal for the same values and only for those."""
    return json.dumps(_comparable(value), sort_keys=True, default=str)


def _comparable(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): _comparable(item) for key, item in value.items()}
    return [_comparable(item) for item in value] if isinstance(value, list | tuple) else value


def _exists(parameter: Parameter, combination: Mapping[str, Any]) -> bool:
    return all(
        other in combination and any(same(combination[other], value) for value in values)
        for other, values in parameter.when.items()
    )


def _ordered(parameters: Sequence[Parameter], where: str) -> list[Parameter]:
    """Each parameter behind those that it depends on, else in the order of the grid."""
    waiting, done = list(parameters), list[Parameter]()
    names = {parameter.name for parameter in parameters}
    for parameter in parameters:
        unknown = [other for other in parameter.when if other not in names]
        if unknown:
            raise UserError(
                f"{where}.{parameter.name}.when: {unknown[0]} is no parameter of this variant; list it beside"
            )
    while waiting:
        ready = [p for p in waiting if set(p.when) <= {other.name for other in done}]
        if not ready:
            raise UserError(f"{where}.{waiting[0].name}.when: conditions go round in a circle; break it")
        done.append(ready[0])
        waiting.remove(ready[0])
    return done


def _values(written: Any, where: str) -> tuple[Any, ...]:
    if isinstance(written, Mapping) and "from" in written:
        values: Iterable[Any] = _range(written, where)
    elif isinstance(written, list):
        values = written
    else:
        values = [written]
    values, seen = tuple(values), set[str]()
    if not values:
        raise UserError(f"{where}: the list is empty; give at least one value")
    for value in values:
        key = value_key(value)
        if key in seen:
            raise UserError(f"{where}: {value!r} stands there twice; name every value once")
        seen.add(key)
    return values


def _range(written: Mapping[str, Any], where: str) -> list[float]:
    unknown = sorted(set(written) - _RANGE)
    if unknown or "to" not in written or ("step" in written) == ("steps" in written):
        wrong = f"{unknown[0]} is unknown; " if unknown else ""
        raise UserError(
            f"{where}: {wrong}a range is {{from, to, step}} or {{from, to, steps}}, with `log: true` or not"
        )
    for name in ("from", "to", "step", "steps"):
        value = written.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise UserError(f"{where}.{name}: {value!r} is no number (YAML reads 1e-3 as text; write 0.001)")
    start, end = written["from"], written["to"]
    if start == end:
        raise UserError(f"{where}: the range goes nowhere: from {start} to {end}; give two different ends")
    if not isinstance(written.get("log", False), bool):
        raise UserError(f"{where}.log: {written['log']!r} is neither true nor false")
    by_count = "steps" in written
    return _counted(written, where) if by_count else _stepped(written, where)


def _counted(written: Mapping[str, Any], where: str) -> list[float]:
    """`steps` values, both ends among them."""
    start, end, steps = written["from"], written["to"], written["steps"]
    if not isinstance(steps, int) or steps < 2:
        raise UserError(f"{where}.steps: {steps!r} is no number of values; give a whole number from 2")
    if written.get("log"):
        if min(start, end) <= 0:
            raise UserError(f"{where}: a logarithmic range needs ends above 0")
        return _plain(np.geomspace(start, end, steps))
    whole = isinstance(start, int) and isinstance(end, int)
    return _plain(np.linspace(start, end, steps), whole)


def _stepped(written: Mapping[str, Any], where: str) -> list[float]:
    """From the start in equal steps (with `log`, by equal factors), the end included where a step meets it."""
    start, end, step = written["from"], written["to"], written["step"]
    if written.get("log"):
        if min(start, end) <= 0 or step <= 0 or step == 1 or (step > 1) != (end > start):
            raise UserError(f"{where}: the range goes nowhere: from {start} to {end} by factors of {step}")
        count = math.floor(math.log(end / start) / math.log(step) + 1e-9)
        return _plain(start * float(step) ** np.arange(count + 1))
    if step == 0 or (step > 0) != (end > start) or abs(step) > abs(end - start) * (1 + 1e-9):
        raise UserError(f"{where}: the range goes nowhere: from {start} to {end} in steps of {step}")
    count = math.floor((end - start) / step + 1e-9)
    whole = isinstance(start, int) and isinstance(step, int)
    return _plain(start + step * np.arange(count + 1), whole)


def _plain(values: np.ndarray[Any, Any], whole: bool = False) -> list[float]:
    """Numbers as a person would write them; whole ones where the range was written in whole numbers."""
    rounded = [float(f"{value:.12g}") for value in values.tolist()]
    return [int(value) for value in rounded] if whole and all(v.is_integer() for v in rounded) else rounded
