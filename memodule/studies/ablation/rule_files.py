"""Selection rules as a grid writes them: by name, by class path, or by a file of configs/intervals."""

import copy
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import memodule.intervals
from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.runtime.class_paths import imported_class
from memodule.runtime.own_parts import import_named
from memodule.runtime.packaged import packaged_names
from memodule.runtime.yaml_files import did_you_mean, is_yaml_file, read_yaml

RULES: Final = tuple(
    sorted(
        name
        for name in memodule.intervals.__all__
        if isinstance(kind := getattr(memodule.intervals, name), type)
        and issubclass(kind, SelectionRule)
        and kind is not SelectionRule
    )
)
"""Names of the selection rules of this package."""

RuleDescription = dict[str, Any]
"""class_path and init_args; rules among the arguments are descriptions too."""


def read_rule(written: Any, folder: Path, where: str) -> RuleDescription:
    """The description of a selection rule, with nested files read and class paths complete.

    Args:
        written: Name of a rule or of an included YAML file, a class path, a YAML file, or class_path and init_args.
        folder: What the names of files are relative to.

    Raises:
        UserError: If there is no such file or rule.
    """
    if isinstance(written, str) and not (folder / written).is_file():
        name = written.removeprefix("configs/intervals/").removesuffix(".yaml")
        written = str(packaged_names("configs/intervals").get(name, written))
    if is_yaml_file(written):
        path = folder / written
        try:
            contents = read_yaml(path, "a file of configs/intervals, relative to the file that names it")
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        return read_rule(contents, path.parent, f"{where} ({path})")
    if isinstance(written, str):
        written = {"class_path": written}
    if not isinstance(written, Mapping) or not isinstance(written.get("class_path"), str):
        raise UserError(f"{where}: {written!r} is not a rule; give a file of configs/intervals, or a class_path")
    extra = sorted(map(str, set(written) - {"class_path", "init_args"}))
    arguments = written.get("init_args") or {}
    if extra or not isinstance(arguments, Mapping):
        raise UserError(
            f"{where}: {(extra or ['init_args'])[0]} is not understood; a rule has class_path and init_args"
        )
    class_path, kind = _rule_class(written["class_path"], where)
    for name in arguments:
        _require_argument(kind, str(name), f"{where}.init_args")
    resolved = {name: resolve(value, folder, f"{where}.{name}") for name, value in arguments.items()}
    return {"class_path": class_path, "init_args": resolved}


def resolve(value: Any, folder: Path, where: str) -> Any:
    """A value of an argument, in which rules and files of rules become descriptions."""
    if is_yaml_file(value) or (isinstance(value, Mapping) and "class_path" in value):
        return read_rule(value, folder, where)
    return [resolve(item, folder, where) for item in value] if isinstance(value, list) else value


def with_argument(rule: RuleDescription, name: str, value: Any, where: str) -> RuleDescription:
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
        raise UserError(f"{where}: {'.'.join(outer)} is not a rule, so it has no {last}")
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
    raise UserError(f"{where}: no argument {part} inside; write for example rule.threshold or rules.0.least")


def _rule_class(path: str, where: str) -> tuple[str, type[SelectionRule]]:
    """The complete class path, and the class; a grid is a config, so its class paths may be imported."""
    if "." in path:
        import_named(path, where)
        return path, imported_class(path, SelectionRule, where)  # type: ignore[type-abstract]
    if path not in RULES:
        raise UserError(f"{where}: there is no rule {path}{did_you_mean(path, RULES)}; there are {', '.join(RULES)}")
    return f"memodule.intervals.{path}", getattr(memodule.intervals, path)


def _require_argument(kind: type[SelectionRule], name: str, where: str) -> None:
    known = list(inspect.signature(kind).parameters)
    if name not in known:
        near = did_you_mean(name, known)
        raise UserError(f"{where}: {kind.__name__} has no parameter {name}{near}; it has {', '.join(known)}")
