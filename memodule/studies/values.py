"""How grids of `memodule ablate` and spaces of `memodule search` write the values of a parameter.

threshold: 0.5
threshold: [0.4, 0.5]                          # or {values: [0.4, 0.5]}, {choice: [0.4, 0.5]}
threshold: {from: 0.3, to: 0.9, steps: 7}      # or {from, to, step}; `log: true` for equal ratios
learning_rate: {loguniform: [0.001, 0.1]}      # also uniform, int: any number between both ends, in a search only
half_window: {values: [4, 6], when: {duration: true}}     # exists only next to these values of other parameters
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from memodule.errors import UserError
from memodule.runtime.yaml_files import did_you_mean

DRAWN: Final = ("uniform", "loguniform", "int")
"""Ranges from which a search draws."""

FORMS: Final = (
    "write a list of values, or one of {from: 1, to: 5, step: 2}, {from: 1, to: 5, steps: 3}, {uniform: [low, high]}, "
    "{loguniform: [low, high]}, {int: [low, high]}, with `when: {key: value}` if it depends on another key"
)

MOST: Final = 100_000
"""Numbers in a range that is written with steps."""

_LISTED: Final = ("values", "choice")
_STEPS: Final = ("from", "to", "step", "steps")
_KEYS: Final = {*_LISTED, *DRAWN, *_STEPS, "when"}


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter with its values.

    Attributes:
        name: As the file writes it.
        values: What it takes on; of a drawn range both ends, inclusive.
        when: For other parameters the values next to which this one exists.
        drawn: Kind of the range that values are drawn from, one of `DRAWN`; None where `values` lists all of them.
    """

    name: str
    values: tuple[Any, ...]
    when: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    drawn: str | None = None

    @property
    def varies(self) -> bool:
        """Whether it has several values."""
        return len(self.values) > 1

    def exists(self, combination: Mapping[str, Any]) -> bool:
        """Whether the parameter exists next to these values of others."""
        return all(
            other in combination and value_key(combination[other]) in map(value_key, values)
            for other, values in self.when.items()
        )


def read_parameter(name: str, written: Any, where: str) -> Parameter:
    """Read one of the forms above; any other mapping, such as a rule's description, is a single value.

    Raises:
        UserError: If it is none of the forms, has no value, a value twice, or an empty range.
    """
    if not isinstance(written, Mapping) or not _KEYS.intersection(written):
        return Parameter(name, _listed(written, where))
    form = {key: value for key, value in written.items() if key != "when"}
    when = _conditions(written["when"], where) if "when" in written else {}
    if "from" in form:
        return Parameter(name, _listed(form, where), when)
    kind = next(iter(form), None)
    if len(form) != 1 or kind not in (*_LISTED, *DRAWN):
        raise UserError(f"{where}: {FORMS}")
    if kind in DRAWN:
        return Parameter(name, _ends(kind, form[kind], where), when, kind)
    return Parameter(name, _listed(form[kind], where), when)


def combinations(parameters: Sequence[Parameter], where: str) -> list[dict[str, Any]]:
    """Every combination of values once, in the order of the file; conditional parameters only where they exist.

    Raises:
        UserError: If a condition names an unknown parameter, is circular, or never holds.
    """
    found: list[dict[str, Any]] = [{}]
    for parameter in _ordered(parameters, where):
        if not any(parameter.exists(combination) for combination in found):
            raise UserError(f"{where}.{parameter.name}.when: never holds; use values that those parameters take on")
        one_more = [{parameter.name: value} for value in parameter.values]
        found = [{**old, **new} for old in found for new in (one_more if parameter.exists(old) else [{}])]
    return found


def value_key(value: Any) -> str:
    """Text that is equal for the same values and only for those: 1 and 1.0 are the same, 1 and true are not."""
    return json.dumps(_comparable(value), sort_keys=True, default=str)


def unique(values: Iterable[Any], where: str) -> tuple[Any, ...]:
    """Values as a tuple.

    Raises:
        UserError: If there is none, or one is there twice.
    """
    listed, seen = tuple(values), set[str]()
    if not listed:
        raise UserError(f"{where}: the list is empty; give at least one value")
    for value in listed:
        key = value_key(value)
        if key in seen:
            raise UserError(f"{where}: {value!r} is listed twice; name every value once")
        seen.add(key)
    return listed


def require_known(names: Iterable[Any], known: Sequence[str], where: str) -> None:
    """Refuse keys that have no meaning.

    Raises:
        UserError: With the first of them, the key that may be meant, and all known ones.
    """
    for name in names:
        if name not in known:
            raise UserError(
                f"{where}: unknown key {name}{did_you_mean(str(name), known)}; the keys are {', '.join(known)}"
            )


def _comparable(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): _comparable(item) for key, item in value.items()}
    return [_comparable(item) for item in value] if isinstance(value, list | tuple) else value


def _ordered(parameters: Sequence[Parameter], where: str) -> list[Parameter]:
    """Each parameter after those that it depends on, otherwise in the order of the file."""
    waiting, done = list(parameters), dict[str, Parameter]()
    names = [parameter.name for parameter in parameters]
    for parameter in parameters:
        for other in parameter.when:
            if other not in names:
                near = did_you_mean(other, names)
                raise UserError(f"{where}.{parameter.name}.when: no parameter {other} here{near}; add it next to this")
    while waiting:
        ready = next((parameter for parameter in waiting if parameter.when.keys() <= done.keys()), None)
        if ready is None:
            raise UserError(f"{where}.{waiting[0].name}.when: conditions are circular; remove one")
        done[ready.name] = ready
        waiting.remove(ready)
    return list(done.values())


def _conditions(written: Any, where: str) -> dict[str, tuple[Any, ...]]:
    if not isinstance(written, Mapping) or not written:
        raise UserError(f"{where}.when: name another parameter and its value, such as {{duration: true}}")
    return {str(other): _listed(values, f"{where}.when.{other}") for other, values in written.items()}


def _listed(written: Any, where: str) -> tuple[Any, ...]:
    if isinstance(written, Mapping) and "from" in written:
        return unique(_range(written, where), where)
    return unique(written if isinstance(written, list) else [written], where)


def _ends(kind: str, written: Any, where: str) -> tuple[float, float]:
    """Both ends of a range to draw from, inclusive."""
    if not isinstance(written, list) or len(written) != 2:
        raise UserError(f"{where}: {kind} takes two numbers, [low, high]")
    low, high = (_number(end, f"{where}: {kind} takes two numbers") for end in written)
    if kind == "int" and not (isinstance(low, int) and isinstance(high, int)):
        raise UserError(f"{where}: int takes two whole numbers, [low, high]")
    if not low < high or (kind == "loguniform" and low <= 0):
        above = " above 0" if kind == "loguniform" else ""
        raise UserError(f"{where}: {kind}: [{low}, {high}]: give a lower end{above} and then a higher one")
    return low, high


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{where}: {value!r} is not a number (YAML reads 1e-3 as text: write 0.001 or 1.0e-3)")
    return value


def _range(written: Mapping[str, Any], where: str) -> list[float]:
    """Values from one end to the other; with `step`, the far end is included only where a step meets it."""
    unknown = sorted(set(written) - {*_STEPS, "log"})
    if unknown or "to" not in written or ("step" in written) == ("steps" in written):
        wrong = f"{unknown[0]} is unknown; " if unknown else ""
        raise UserError(
            f"{where}: {wrong}a range is {{from, to, step}} or {{from, to, steps}}, with `log: true` or without"
        )
    start, end, log = written["from"], written["to"], written.get("log", False)
    for name in _STEPS:
        _number(written.get(name, 1), f"{where}.{name}")
    if not isinstance(log, bool):
        raise UserError(f"{where}.log: {log!r} is neither true nor false")
    if log and min(start, end) <= 0:
        raise UserError(f"{where}: a logarithmic range needs ends above 0")
    if "steps" in written:
        return _counted(start, end, written["steps"], log, where)
    return _stepped(start, end, written["step"], log, where)


def _counted(start: float, end: float, steps: Any, log: bool, where: str) -> list[float]:
    if start == end:
        raise UserError(f"{where}: the range is empty: from {start} to {end}; give two different ends")
    if not isinstance(steps, int) or steps < 2:
        raise UserError(f"{where}.steps: {steps!r} is not a number of values; give a whole number from 2")
    _require_few(steps, where)
    if log:
        return _plain(np.geomspace(start, end, steps))
    return _plain(np.linspace(start, end, steps), isinstance(start, int) and isinstance(end, int))


def _stepped(start: float, end: float, step: float, log: bool, where: str) -> list[float]:
    """In equal steps, or with `log` by equal factors."""
    way, stride = (math.log(end / start), math.log(step) if step > 0 else 0.0) if log else (end - start, step)
    if stride == 0 or (stride > 0) != (way > 0) or abs(stride) > abs(way) * (1 + 1e-9):
        kind = "by factors" if log else "in steps"
        raise UserError(f"{where}: the range is empty: from {start} to {end} {kind} of {step}")
    _require_few(way / stride + 1, where)
    numbers = np.arange(math.floor(way / stride + 1e-9) + 1)
    if log:
        return _plain(start * float(step) ** numbers)
    return _plain(start + step * numbers, isinstance(start, int) and isinstance(step, int))


def _require_few(count: float, where: str) -> None:
    if count > MOST:
        raise UserError(f"{where}: the range has {count:.3g} values, more than {MOST}; use larger steps")


def _plain(values: np.ndarray[Any, Any], whole: bool = False) -> list[float]:
    """Numbers as a person would write them; whole ones where the range was written in whole numbers."""
    rounded = [float(f"{value:.12g}") for value in values.tolist()]
    return [int(value) for value in rounded] if whole and all(v.is_integer() for v in rounded) else rounded
