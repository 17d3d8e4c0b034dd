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
from memodule.runtime.yaml_files import did_you_mean, read_yaml_mapping
from memodule.studies.values import FORMS, is_yaml_file, read_parameter, unique

_DIGITS: Final = 4
"""Significant digits of a drawn number: more would only make commands unreadable."""


@dataclasses.dataclass(frozen=True)
class SpaceParameter:
    """One key that a search may set.

    Attributes:
        key: Dotted config key.
        kind: "choice", or the kind of range: "uniform", "loguniform", "int".
        choices: The values of a choice, as text on a command line; files as absolute paths.
        low: Smallest value of a range.
        high: Largest value of a range.
        when: Keys further up and the values that they must have for this parameter to exist.
    """

    key: str
    kind: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def ends(self) -> tuple[str, ...]:
        """The values that show whether all of them can be used: each choice, or both ends of the range."""
        return self.choices or (self.text(self.low), self.text(self.high))

    def exists(self, settings: Mapping[str, str]) -> bool:
        """Whether the parameter exists next to these settings."""
        return all(settings.get(key) in values for key, values in self.when)

    def suggest(self, trial: Any) -> str | float:
        """A value from an Optuna trial: text for a choice, otherwise a number between the ends, inclusive."""
        if self.kind == "choice":
            return str(trial.suggest_categorical(self.key, self.choices))
        if self.kind == "int":
            return int(trial.suggest_int(self.key, int(self.low), int(self.high)))
        return float(trial.suggest_float(self.key, self.low, self.high, log=self.kind == "loguniform"))

    def text(self, value: str | float) -> str:
        """A value as text on a command line, rounded to four digits but never out of its range."""
        if self.kind == "choice":
            return str(value)
        if self.kind == "int":
            return str(int(value))
        rounded = float(f"{value:.{_DIGITS}g}")
        return repr(min(max(rounded, self.low), self.high))


@dataclasses.dataclass(frozen=True)
class Space:
    """All parameters of a search; calling it draws one value of each from an Optuna trial.

    Attributes:
        path: The file.
        parameters: In the order of the file.
    """

    path: Path
    parameters: tuple[SpaceParameter, ...]

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
        known: dict[str, SpaceParameter] = {}
        for key, entry in entries.items():
            known[str(key)] = _parameter(path, str(key), entry, known)
        return cls(path, tuple(known.values()))

    def __call__(self, trial: Any) -> None:
        """Let an Optuna trial choose (Optuna's define-by-run form)."""
        chosen: dict[str, str] = {}
        for parameter in self.parameters:
            if parameter.exists(chosen):
                chosen[parameter.key] = parameter.text(parameter.suggest(trial))

    def settings(self, values: Mapping[str, Any]) -> dict[str, str]:
        """What an Optuna trial chose, as `--set` takes it: whole parts first, so that single keys replace in them."""
        return _parts_first({p.key: p.text(values[p.key]) for p in self.parameters if p.key in values})

    def describe(self) -> list[dict[str, Any]]:
        """Plain values that differ whenever two spaces differ."""
        return [dataclasses.asdict(parameter) for parameter in self.parameters]

    def samples(self) -> list[tuple[SpaceParameter, dict[str, str]]]:
        """(parameter, settings) for every end of every parameter, with the fewest settings that it needs."""
        first = {parameter.key: parameter for parameter in self.parameters}
        found = []
        for parameter in self.parameters:
            needed = _needed(parameter, first)
            for parts in self._parts_above(parameter, needed):
                found += [(parameter, _parts_first({**needed, **parts, parameter.key: end})) for end in parameter.ends]
        return found

    def _parts_above(self, parameter: SpaceParameter, needed: Mapping[str, str]) -> list[dict[str, str]]:
        """All that a key may be set in: a key without `when` must fit every part that the space swaps above it."""
        above = [p for p in self.parameters if parameter.key.startswith(f"{p.key}.") and p.key not in needed]
        choices = itertools.product(*(part.choices for part in above))
        return [dict(zip((part.key for part in above), chosen, strict=True)) for chosen in choices]


def _parts_first(settings: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(settings.items(), key=lambda item: item[0].count(".")))


def _needed(parameter: SpaceParameter, known: Mapping[str, SpaceParameter]) -> dict[str, str]:
    """Values of other keys without which the parameter does not exist."""
    needed: dict[str, str] = {}
    for key, values in parameter.when:
        needed |= {**_needed(known[key], known), key: values[0]}
    return needed


def _parameter(path: Path, key: str, entry: Any, above: Mapping[str, SpaceParameter]) -> SpaceParameter:
    where = f"{path}: {key}"
    parameter = read_parameter(key, entry, where)
    when = []
    for other, values in parameter.when.items():
        texts = tuple(_text(value, path, where) for value in values)
        choices = above[other].choices if other in above else ()
        near = "" if choices else did_you_mean(other, above)
        for text in texts:
            if text not in choices:
                raise UserError(f"{where}: when: {text} is not a choice of {other} further up{near}")
        when.append((other, texts))
    if parameter.drawn is None:
        choices = unique((_text(value, path, where) for value in parameter.values), where)
        return SpaceParameter(key, "choice", choices, when=tuple(when))
    low, high = parameter.values
    return SpaceParameter(key, parameter.drawn, (), low, high, tuple(when))


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
