"""What a search may choose: the file `space.yaml`, its parameters, and their values as settings of a config.

    model.learning_rate: {loguniform: [0.0001, 0.01]}
    trainer.max_epochs: {int: [10, 40]}
    model: [../../configs/model/slowfast_small.yaml, ../../configs/model/metst.yaml]
    intervals: [../../configs/intervals/prior_guided.yaml, ../../configs/intervals/rise_fall.yaml]
    intervals.init_args.least: {uniform: [0.1, 0.5], when: {intervals: ../../configs/intervals/rise_fall.yaml}}

`memodule.studies.values` defines the forms. A parameter with `when` exists only where another one, further up, has one
of those values. Values that are YAML files, relative to the space file, swap whole parts.
"""

import dataclasses
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from memodule.errors import UserError
from memodule.runtime.yaml_files import did_you_mean, is_yaml_file, read_yaml_mapping
from memodule.studies.values import FORMS, Parameter, read_parameter, unique

_DIGITS: Final = 4
"""Significant digits of a drawn number: more would only make commands unreadable."""


@dataclasses.dataclass(frozen=True)
class Space:
    """All parameters of a search; calling it draws one value of each from an Optuna trial.

    Attributes:
        parameters: In the order of the file, named by config keys; listed values are text as on a command line, files
            absolute paths.
    """

    path: Path
    parameters: tuple[Parameter, ...]

    @classmethod
    def read(cls, path: Path) -> "Space":
        """Read a space file.

        Raises:
            UserError: If it cannot be read, or an entry has none of the forms.
        """
        wanted = f"a space that maps config keys to values to choose from; for each key {FORMS}"
        entries = read_yaml_mapping(path, wanted)
        if not entries:
            raise UserError(f"{path}: is empty; give {wanted}")
        known: dict[str, Parameter] = {}
        for key, entry in entries.items():
            known[str(key)] = _parameter(path, str(key), entry, known)
        return cls(path, tuple(known.values()))

    def __call__(self, trial: Any) -> None:
        """Let an Optuna trial choose (Optuna's define-by-run form)."""
        chosen: dict[str, str] = {}
        for parameter in self.parameters:
            if parameter.exists(chosen):
                chosen[parameter.name] = setting(parameter, _suggested(parameter, trial))

    def settings(self, values: Mapping[str, Any]) -> dict[str, str]:
        """What an Optuna trial chose, as `--set` takes it: whole parts first, so that single keys replace in them."""
        return _parts_first({p.name: setting(p, values[p.name]) for p in self.parameters if p.name in values})

    def describe(self) -> list[dict[str, Any]]:
        """Plain values that differ whenever two spaces differ; they name the folder of a search."""
        return [
            {
                "key": parameter.name,
                "kind": parameter.drawn or "choice",
                "choices": () if parameter.drawn else parameter.values,
                **dict(zip(("low", "high"), parameter.values if parameter.drawn else (0.0, 0.0), strict=True)),
                "when": tuple(parameter.when.items()),
            }
            for parameter in self.parameters
        ]

    def samples(self) -> list[tuple[Parameter, dict[str, str]]]:
        """(parameter, settings) for every end of every parameter, with the fewest settings that it needs."""
        first = {parameter.name: parameter for parameter in self.parameters}
        found = []
        for parameter in self.parameters:
            needed = _needed(parameter, first)
            for parts in self._parts_above(parameter, needed):
                found += [
                    (parameter, _parts_first({**needed, **parts, parameter.name: end})) for end in ends(parameter)
                ]
        return found

    def _parts_above(self, parameter: Parameter, needed: Mapping[str, str]) -> list[dict[str, str]]:
        """All that a key may be set in: a key without `when` must fit every part that the space swaps above it."""
        above = [p for p in self.parameters if parameter.name.startswith(f"{p.name}.") and p.name not in needed]
        choices = itertools.product(*(ends(part) for part in above))
        return [dict(zip((part.name for part in above), chosen, strict=True)) for chosen in choices]


def _parts_first(settings: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(settings.items(), key=lambda item: item[0].count(".")))


def _needed(parameter: Parameter, known: Mapping[str, Parameter]) -> dict[str, str]:
    """Values of other keys without which the parameter does not exist."""
    needed: dict[str, str] = {}
    for key, values in parameter.when.items():
        needed |= {**_needed(known[key], known), key: values[0]}
    return needed


def setting(parameter: Parameter, value: Any) -> str:
    """A value as text on a command line; a drawn number is rounded to four digits but never out of its range."""
    if parameter.drawn is None:
        return str(value)
    if parameter.drawn == "int":
        return str(int(value))
    low, high = parameter.values
    return repr(min(max(float(f"{value:.{_DIGITS}g}"), low), high))


def ends(parameter: Parameter) -> tuple[str, ...]:
    """The values that show whether all of them can be used: each listed one, or both ends of the range."""
    return tuple(setting(parameter, value) for value in parameter.values)


def _suggested(parameter: Parameter, trial: Any) -> Any:
    name, values = parameter.name, parameter.values
    if parameter.drawn is None:
        return trial.suggest_categorical(name, values)
    if parameter.drawn == "int":
        return trial.suggest_int(name, *values)
    return trial.suggest_float(name, *values, log=parameter.drawn == "loguniform")


def _parameter(path: Path, key: str, entry: Any, above: Mapping[str, Parameter]) -> Parameter:
    where = f"{path}: {key}"
    parameter = read_parameter(key, entry, where)
    when = {}
    for other, values in parameter.when.items():
        when[other] = tuple(_text(value, path, where) for value in values)
        choices = above[other].values if other in above and not above[other].drawn else ()
        near = "" if choices else did_you_mean(other, above)
        for text in when[other]:
            if text not in choices:
                raise UserError(f"{where}: when: {text} is not a choice of {other} further up{near}")
    values = parameter.values
    if parameter.drawn is None:
        values = unique((_text(value, path, where) for value in values), where)
    return dataclasses.replace(parameter, values=values, when=when)


def _text(value: Any, path: Path, where: str) -> str:
    """A choice as text on a command line; a file as its absolute path."""
    if isinstance(value, Mapping):
        raise UserError(f"{where}: {FORMS}")
    if not is_yaml_file(value):
        return value if isinstance(value, str) else json.dumps(value)
    file = (path.parent / value).resolve()
    if not file.is_file():
        raise UserError(f"{where}: {file} does not exist; name config files relative to the space file")
    return str(file)
