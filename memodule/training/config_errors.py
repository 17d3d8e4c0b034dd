"""What jsonargparse says about a config, as one line that names file, key, value and remedy.

It reads the messages of jsonargparse 4.49 to 4.53; one that it does not recognise is passed on, joined into one line.
"""

import inspect
import re
import sys
from collections.abc import Sequence
from typing import Final

from lightning.pytorch import Callback
from lightning.pytorch.cli import LightningArgumentParser
from lightning.pytorch.loggers import Logger
from torch import nn

from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.runtime.own_parts import how_to_import, import_named
from memodule.runtime.yaml_files import did_you_mean
from memodule.training.config_files import Sources

_KEY: Final = re.compile(r'Parser key "([^"]+)"')
_UNKNOWN: Final = (
    re.compile(r"unrecognized arguments: --?()([^\s=]+)"),
    re.compile(r"Group '([^']+)' does not accept option '([^']+)'"),
    re.compile(r"^()Option '([^']+)' is not accepted"),
)
_CLASS: Final = re.compile(r"Problem with given class_path '([^']+)':\s+(.+)", re.DOTALL)
_NO_CLASS: Final = re.compile(r"Expected a dot import path string: (\S+)")
_NO_ARGUMENT: Final = re.compile(r"(?:Group '[^']+' does not accept option|Option) '([^']+)'")
_VALUE: Final = re.compile(r"Expected an? (.+?)\. Got value: (.*)", re.DOTALL)
_UNION: Final = re.compile(
    r"Subtypes: [\[(]([^\n]*)[\])]\n.*Given value type: <class '([^']*)'>\n\s*Given value: ?(.*)", re.DOTALL
)
_NOT_A_KIND: Final = re.compile(r"Not a valid subclass of (\w+)\. Got value: ([^\n]*)")
_MISSING: Final = re.compile(r"the following arguments are required: (.*)")
_NO_FILE: Final = re.compile(r"Unable to load config ['\"]([^'\"]+)['\"]")

_NAMED_CLASS: Final = re.compile(r"(?:'class_path': |given class_path |Given value: )'?([\w.]+\.\w+)\b")

_BASES: Final = {
    "intervals": SelectionRule,
    "model.network": nn.Module,
    "trainer.callbacks": Callback,
    "trainer.logger": Logger,
}
"""What the classes of a setting must be, to guess at misspelt names."""

_LINKED: Final = {"interval_selection.rule": "intervals", "interval_selection.protocol": "protocol"}
"""Settings that the parser fills from others."""

_LONGEST: Final = 300
"""Characters of a message that is passed on."""


def in_one_line(message: str, parser: LightningArgumentParser, sources: Sources) -> str:
    """The message for the user.

    Args:
        sources: The config files of the command, readable, and the keys set next to them.
    """
    for pattern in _UNKNOWN:
        if match := pattern.search(message):
            group, option = match.groups()
            key = f"{group}.{option}" if group else option
            settings = list(parser.get_defaults(skip_validation=True).keys())
            return f"{_where(key, sources)} is not a setting{did_you_mean(key, settings)}"
    if match := _MISSING.search(message):
        missing = [re.sub(r"^(fit|validate|test|predict)\.", "", key) for key in match[1].split(", ")]
        return f"{', '.join(missing)}: not set; pass --config EXPERIMENT.yaml, or set each of them"
    if match := _KEY.search(message):
        key = _LINKED.get(match[1], match[1])
        problem = _problem(key, message[match.end() :])
        if problem:
            return f"{_where(key, sources)}{problem}"
    return f"config: {' '.join(message.split())[:_LONGEST]}"


def failed_import(message: str) -> UserError | None:
    """What went wrong in the user's module whose class a config names; None if that is not the problem.

    jsonargparse only says that the value is not of the right class. It has tried to import these modules, so that
    doing it again runs no other code.
    """
    for path in dict.fromkeys(_NAMED_CLASS.findall(message)):
        try:
            import_named(path, "config:")
        except UserError as error:
            return error
    return None


def _where(key: str, sources: Sources) -> str:
    file = sources.file_of(key)
    return f"{file}: {key}" if file else key


def _problem(key: str, message: str) -> str:
    """What is wrong with the value of a key, to be put behind it; nothing if the message is not recognised."""
    if match := _CLASS.search(message):
        return _problem_of_class(match[1], match[2])
    if (inner := _KEY.search(message)) and inner[1] != key:  # a setting of a nested file or of a class
        problem = _problem(inner[1], message[inner.end() :])
        return f".{inner[1].removeprefix(f'{key}.')}{problem}" if problem else ""
    if match := _NO_FILE.search(message):
        return f": {match[1]}: no such file, and not a mapping of settings"
    if match := _NO_CLASS.search(message):
        names = _class_names(_BASES[key]) if key in _BASES else []
        return f": {match[1]} is not a known class{did_you_mean(match[1], names)}"
    if match := _VALUE.search(message):
        return _not_of_type([match[1]], match[2].strip(), "")
    if match := _NOT_A_KIND.search(message):
        return f": {match[2]} is not a {match[1]}; write its class_path and init_args"
    if match := _UNION.search(message):
        return _not_of_type(_parts(match[1]), match[3].strip(), match[2])
    return ""


def _problem_of_class(path: str, message: str) -> str:
    module, _, name = path.rpartition(".")
    if message.startswith("No module named"):
        return f": {path}: no module {module} was found; {how_to_import(module)}"
    if "has no attribute" in message.partition("\n")[0]:
        known = [each for each in dir(sys.modules.get(module)) if each[:1].isupper()]
        return f": {path} does not exist; check the name{did_you_mean(name, known)}"
    if match := _NO_ARGUMENT.match(message):
        known = _arguments(getattr(sys.modules.get(module), name, None))
        return f": {name} has no argument {match[1]}{did_you_mean(match[1], known)}; it has {', '.join(known)}"
    if match := _KEY.match(message):
        problem = _problem(match[1], message[match.end() :])
        return f".init_args.{match[1]}{problem}" if problem else ""
    return ""


def _not_of_type(types: Sequence[str], value: str, kind: str) -> str:
    choices = [choice for each in types if "Literal[" in each for choice in re.findall(r"'([^']*)'|(\d+)", each)]
    named = list(dict.fromkeys(first or second for first, second in choices))
    short = [_short(each) for each in types if "Literal[" not in each]
    wanted = " or ".join([*([", ".join(named)] if named else []), *short])
    shown = repr(value) if kind in ("", "str") and value[:1] not in ("[", "{") else value
    article = "" if named else ("an " if wanted[:1] in "aeiou" else "a ")
    return f": {shown[:_LONGEST]} is not {'one of ' if named else article}{wanted}{did_you_mean(value, named)}"


def _parts(types: str) -> list[str]:
    """The types of a union, split at the commas outside of brackets."""
    parts, depth = [""], 0
    for letter in types:
        depth += (letter == "[") - (letter == "]")
        parts = [*parts, ""] if letter == "," and not depth else [*parts[:-1], parts[-1] + letter]
    return [part.strip() for part in parts]


def _short(kind: str) -> str:
    name = re.sub(r"<class '([^']+)'>", r"\1", kind)
    return "null" if name == "NoneType" else re.sub(r"[\w.]+\.(\w+)", r"\1", name)


def _class_names(base: type) -> list[str]:
    below: list[type] = type.__subclasses__(base)
    return [name for kind in below for name in (kind.__name__, *_class_names(kind))]


def _arguments(kind: object) -> list[str]:
    return [name for name in inspect.signature(kind).parameters if name != "kwargs"] if callable(kind) else []
