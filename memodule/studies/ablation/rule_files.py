"""Selection rules as a grid writes them: by name, by class path, or by a file of configs/intervals."""

import copy
import difflib
import importlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

import memodule.intervals
from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.runtime.class_paths import imported_class

RULES: Final = tuple(
    sorted(
        name
        for name in memodule.intervals.__all__
        if isinstance(kind := getattr(memodule.intervals, name), type)
        and issubclass(kind, SelectionRule)
        and kind is not SelectionRule
    )
)
"""Names of the rules that come along."""

Description = dict[str, Any]
"""class_path and init_args; rules among the arguments are descriptions too."""


def read_rule(written: Any, folder: Path, where: str) -> Description:
    """The description of a rule, nested files read and class paths complete.

    Args:
        written: Name of a rule of ours, a class path, a YAML file, or class_path and init_args.
        folder: What the names of files are relative to.
        where: File and key, for the message.

    Raises:
        UserError: If there is no such file or rule.
    """
    if isinstance(written, str) and _is_file(written):
        path = folder / written
        return read_rule(_contents(path, where), path.parent, f"{where} ({path})")
    if isinstance(written, str):
        written = {"class_path": written}
    if not isinstance(written, Mapping) or not isinstance(written.get("class_path"), str):
        raise UserError(f"{where}: {written!r} is no rule; give a file of configs/intervals, or a class_path")
    extra = sorted(map(str, set(written) - {"class_path", "init_args"}))
    arguments = written.get("init_args") or {}
    if extra or not isinstance(arguments, Mapping):
        raise UserError(
            f"{where}: {(extra or ['init_args'])[0]} is not understood; a rule has class_path and init_args"
        )
    path_, kind = _rule_class(written["class_path"], where)
    for name in arguments:
        _require_argument(kind, str(name), f"{where}.init_args")
    resolved = {name: resolve(value, folder, f"{where}.{name}") for name, value in arguments.items()}
    return {"class_path": path_, "init_args": resolved}


def resolve(value: Any, folder: Path, where: str) -> Any:
    """A value of an argument, in which rules and files of rules become descriptions."""
    if (isinstance(value, str) and _is_file(value)) or (isinstance(value, Mapping) and "class_path" in value):
        return read_rule(value, folder, where)
    return [resolve(item, folder, where) for item in value] if isinstance(value, list) else value


def with_argument(rule: Description, name: str, value: Any, where: str) -> Description:
    """The rule with another value of an argument; `rule.threshold` or `rules.0.least` is one of a rule inside it.

    Raises:
        UserError: If the rule has no such argument.
    """
    changed = copy.deepcopy(rule)
    *outer, last = name.split(".")
    inner: Any = changed
    for part in outer:
        inner = _inside(inner, part, where)
    if not isinstance(inner, dict) or "class_path" not in inner:
        raise UserError(f"{where}: {'.'.join(outer)} is no rule that could have {last}")
    _require_argument(_rule_class(inner["class_path"], where)[1], last, where)
    inner["init_args"][last] = value
    return changed


def rule_names(rule: Any) -> str:
    """A rule's name, with the names of the rules inside it: Abstaining(PriorGuided)."""
    inside = [value for value in rule["init_args"].values() if _holds_rules(value)]
    names = [rule_names(part) for value in inside for part in (value if isinstance(value, list) else [value])]
    own = str(rule["class_path"]).rpartition(".")[2]
    return f"{own}({', '.join(names)})" if names else own


def _holds_rules(value: Any) -> bool:
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and "class_path" in first


def _inside(rule: Any, part: str, where: str) -> Any:
    if isinstance(rule, list) and part.isdigit() and int(part) < len(rule):
        return rule[int(part)]
    if isinstance(rule, dict) and "class_path" in rule:
        _require_argument(_rule_class(rule["class_path"], where)[1], part, where)
        return rule["init_args"].get(part)
    raise UserError(f"{where}: nothing called {part} is inside; write rule.threshold or rules.0.least")


def _rule_class(path: str, where: str) -> tuple[str, type[SelectionRule]]:
    """The complete class path, and the class; a grid is a config, so its class paths may be imported."""
    complete = path if "." in path else f"memodule.intervals.{path}"
    module, _, name = complete.rpartition(".")
    try:
        importlib.import_module(module)
        return complete, imported_class(complete, SelectionRule, where)  # type: ignore[type-abstract]
    except (ImportError, UserError):
        near = nearest(name, RULES)
        raise UserError(f"{where}: there is no rule {path}{near}; there are {', '.join(RULES)}") from None


def _require_argument(kind: type[SelectionRule], name: str, where: str) -> None:
    known = list(inspect.signature(kind).parameters)
    if name not in known:
        near = nearest(name, known)
        raise UserError(f"{where}: {kind.__name__} has no parameter {name}{near}; it has {', '.join(known)}")


def nearest(name: str, known: Sequence[str]) -> str:
    """What a misspelt name may mean, as words to put behind it; nothing if it is like none of them."""
    close = difflib.get_close_matches(name, known, 1)
    return f" (is {close[0]} meant?)" if close else ""


def _is_file(text: str) -> bool:
    return text.endswith((".yaml", ".yml"))


def _contents(path: Path, where: str) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{where}: {path}: no such file; names of files are relative to the file they stand in"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{where}: {path}: cannot be read as YAML ({' '.join(str(error).split())})") from None
