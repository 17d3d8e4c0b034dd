"""What a search may choose: the file `space.yaml`, its parameters, and their values as settings of a config.

    model.learning_rate: {loguniform: [0.0001, 0.01]}
    trainer.max_epochs: {int: [10, 40]}
    model: [../../configs/model/slowfast_small.yaml, ../../configs/model/metst.yaml]
    intervals: [../../configs/intervals/prior_guided.yaml, ../../configs/intervals/rise_fall.yaml]
    intervals.init_args.least: {uniform: [0.1, 0.5], when: {intervals: ../../configs/intervals/rise_fall.yaml}}

A list is a choice. Ranges hold both of their ends. A parameter with `when` exists only where another one, further up,
has that value or one of those values. Values that are YAML files, relative to the space file, swap whole parts.
"""

import dataclasses
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from memodule.errors import UserError

_RANGES: Final = ("uniform", "loguniform", "int")
_DIGITS: Final = 4
"""Significant digits of a drawn number: more would only make commands unreadable."""

_FORM: Final = (
    "write a list of choices, or one of {uniform: [low, high]}, {loguniform: [low, high]}, {int: [low, high]}, "
    "{choice: [...]}, with `when: {key: value}` beside if it depends on another key"
)


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One key that a search may set.

    Attributes:
        key: Dotted config key.
        kind: "choice", or the kind of range: "uniform", "loguniform", "int".
        choices: The values of a choice, as words of a command line; files as absolute paths.
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
        """Whether the parameter exists beside these settings."""
        return all(settings.get(key) in values for key, values in self.when)

    def suggest(self, trial: Any) -> str | float:
        """Ask an Optuna trial for a value.

        Args:
            trial: An `optuna.Trial`.

        Returns:
            Text for a choice, a number within both ends (inclusive) otherwise.
        """
        if self.kind == "choice":
            return str(trial.suggest_categorical(self.key, self.choices))
        if self.kind == "int":
            return int(trial.suggest_int(self.key, int(self.low), int(self.high)))
        return float(trial.suggest_float(self.key, self.low, self.high, log=self.kind == "loguniform"))

    def text(self, value: str | float) -> str:
        """A value as a word of a command line, rounded to four digits but never out of its range."""
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
    parameters: tuple[Parameter, ...]

    @classmethod
    def read(cls, path: Path) -> "Space":
        """Read a space file.

        Raises:
            UserError: If it cannot be read, or an entry is none of the forms above.
        """
        try:
            entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UserError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from None
        if not isinstance(entries, dict) or not entries:
            raise UserError(f"{path}: a space maps config keys to values to choose from; {_FORM}")
        parameters: list[Parameter] = []
        for key, entry in entries.items():
            parameters.append(_parameter(path, str(key), entry, parameters))
        return cls(path, tuple(parameters))

    def __call__(self, trial: Any) -> None:
        """Let an Optuna trial choose (Optuna's define-by-run form)."""
        chosen: dict[str, str] = {}
        for parameter in self.parameters:
            if parameter.exists(chosen):
                chosen[parameter.key] = parameter.text(parameter.suggest(trial))

    def settings(self, values: Mapping[str, Any]) -> dict[str, str]:
        """What an Optuna trial chose as settings of a config: whole parts first, so that single keys count in them.

        Args:
            values: By the key of the parameter.

        Returns:
            Config keys and values, as `--set` takes them.
        """
        return _parts_first({p.key: p.text(values[p.key]) for p in self.parameters if p.key in values})

    def describe(self) -> list[dict[str, Any]]:
        """Plain values that differ whenever two spaces differ."""
        return [dataclasses.asdict(parameter) for parameter in self.parameters]

    def samples(self) -> list[tuple[Parameter, dict[str, str]]]:
        """For every end of every parameter the least settings that have it.

        Returns:
            (parameter, settings) of each end.
        """
        first = {parameter.key: parameter for parameter in self.parameters}
        found = []
        for parameter in self.parameters:
            needed = _needed(parameter, first)
            for parts in self._parts_above(parameter, needed):
                found += [(parameter, _parts_first({**needed, **parts, parameter.key: end})) for end in parameter.ends]
        return found

    def _parts_above(self, parameter: Parameter, needed: Mapping[str, str]) -> list[dict[str, str]]:
        """All that a key may be set in: a key without `when` must fit every part that the space swaps above it."""
        above = [p for p in self.parameters if parameter.key.startswith(f"{p.key}.") and p.key not in needed]
        choices = itertools.product(*(part.choices for part in above))
        return [dict(zip((part.key for part in above), chosen, strict=True)) for chosen in choices]


def _parts_first(settings: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(settings.items(), key=lambda item: item[0].count(".")))


def _needed(parameter: Parameter, known: Mapping[str, Parameter]) -> dict[str, str]:
    """Values of other keys without which the parameter does not exist."""
    needed: dict[str, str] = {}
    for key, values in parameter.when:
        needed |= {**_needed(known[key], known), key: values[0]}
    return needed


def _parameter(path: Path, key: str, entry: Any, before: Sequence[Parameter]) -> Parameter:
    form = dict(entry) if isinstance(entry, dict) else {"choice": entry}
    when = _when(path, key, form.pop("when", {}), before)
    if len(form) != 1:
        raise UserError(f"{path}: {key}: {_FORM}")
    ((kind, values),) = form.items()
    if kind == "choice" and isinstance(values, list) and values:
        texts = tuple(_text(path, key, value) for value in values)
        if len(set(texts)) == len(texts):
            return Parameter(key, kind, texts, when=when)
        raise UserError(f"{path}: {key}: a choice is named twice; name each once")
    if kind in _RANGES:
        return Parameter(key, kind, (), *_ends(path, key, kind, values), when)
    raise UserError(f"{path}: {key}: {_FORM}")


def _ends(path: Path, key: str, kind: str, values: Any) -> tuple[float, float]:
    number = int if kind == "int" else (int, float)
    usable = isinstance(values, list) and len(values) == 2
    usable = usable and all(isinstance(value, number) and not isinstance(value, bool) for value in values)
    if not usable:
        hint = "" if kind == "int" else " (YAML reads 1e-3 as text: write 0.001 or 1.0e-3)"
        raise UserError(f"{path}: {key}: {kind} takes two {'whole ' if kind == 'int' else ''}numbers{hint}")
    low, high = values
    if not low < high or (kind == "loguniform" and low <= 0):
        above = " above 0" if kind == "loguniform" else ""
        raise UserError(f"{path}: {key}: {kind}: [{low}, {high}]: give a lower end{above} and then a higher one")
    return low, high


def _when(path: Path, key: str, when: Any, before: Sequence[Parameter]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(when, dict):
        raise UserError(f"{path}: {key}: when takes a key further up and its value, {{key: value}}")
    known = {parameter.key: parameter for parameter in before}
    conditions = []
    for other, values in when.items():
        texts = tuple(_text(path, key, value) for value in (values if isinstance(values, list) else [values]))
        strange = [text for text in texts if other not in known or text not in known[other].choices]
        if strange:
            raise UserError(f"{path}: {key}: when: {strange[0]} is no choice of {other} further up")
        conditions.append((str(other), texts))
    return tuple(conditions)


def _text(path: Path, key: str, value: Any) -> str:
    """A choice as a word of a command line; a file as its absolute path."""
    if not isinstance(value, str):
        return json.dumps(value)
    if not value.endswith((".yaml", ".yml")):
        return value
    file = (path.parent / value).resolve()
    if not file.is_file():
        raise UserError(f"{path}: {key}: {file} does not exist; name config files relative to the space file")
    return str(file)
