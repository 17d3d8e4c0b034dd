"""The plan of a study that decodes another one's curves, from that study alone: no data, flow store or network."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.intervals.description import build_rule
from memodule.runtime.class_paths import imported_class
from memodule.runtime.packaged import packaged_setting
from memodule.runtime.yaml_files import is_yaml_file, load_yaml, read_yaml
from memodule.studies.ablation.rule_files import read_rule, resolve, with_argument
from memodule.studies.plan import Plan
from memodule.studies.study import Study

_CHANGEABLE: Final = "intervals, protocol or trainer.logger"


def plan_decoding(
    source: Study,
    overrides: Mapping[str, str],
    folds: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    runs: Path = Path("runs"),
    name: str | None = None,
) -> Plan:
    """Plan to decode the curves of a study with its own config.

    Args:
        overrides: What replaces settings of that config: {"intervals": "fixed_window", "protocol.iou": "0.3"}.
        folds: Subjects to hold out; None for all, in a study of imported curves those that have some.
        seeds: None for those of the study.
        name: Of the new study; by default that of the old one.

    Raises:
        UserError: If a setting cannot be changed without other curves, or has an impossible value.
    """
    unknown = [subject for subject in folds or () if subject not in source.subjects]
    if unknown:
        raise UserError(
            f"--folds: {source.name} has no subject {unknown[0]!r}; choose from {', '.join(source.subjects)}"
        )
    config = dict(source.config)
    for key, value in overrides.items():
        config = _changed(config, key, value)
    return Plan(
        name or str(source.description["name"]),
        config,
        source.catalog,
        source.description["data_fingerprint"],
        tuple(folds or (source.finished(source.seeds[0]) if source.imported else source.subjects)),
        tuple(seeds or source.seeds),
        runs.resolve(),
        source.folder.resolve(),
    )


def resolved_rule(written: Any, where: str) -> dict[str, Any]:
    """class_path and all arguments of a rule that an option names: an included file, a YAML file, or a class path."""
    rule = read_rule(written, Path(), where)
    build_rule(rule, where)  # reports impossible values
    filled: dict[str, Any] = _with_defaults(rule, where)
    return filled


def _with_defaults(value: Any, where: str) -> Any:
    """A description of a rule with all its arguments, and so those inside it; other values stay."""
    if isinstance(value, list):
        return [_with_defaults(item, where) for item in value]
    if not isinstance(value, Mapping) or "class_path" not in value:
        return value
    kind = imported_class(str(value["class_path"]), SelectionRule, where)  # type: ignore[type-abstract]
    defaults = {name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()}
    arguments = {name: _with_defaults(part, where) for name, part in (value.get("init_args") or {}).items()}
    return {"class_path": value["class_path"], "init_args": defaults | arguments}


def _changed(config: dict[str, Any], key: str, text: str) -> dict[str, Any]:
    """A config with another value of one key."""
    try:
        value = load_yaml(text)
    except yaml.YAMLError as error:
        raise UserError(f"--set {key}={text}: cannot be read as YAML ({' '.join(str(error).split())})") from None
    section, _, option = key.partition(".")
    if key == "intervals":
        return {**config, key: resolved_rule(value, key)}
    if section == "intervals":
        argument = option.removeprefix("init_args.").replace(".init_args.", ".")
        rule = with_argument(config[section], argument, resolve(value, Path(), key), key)
        return {**config, section: resolved_rule(rule, section)}
    if key == "protocol":
        protocol = Protocol.from_dict(value) if isinstance(value, Mapping) else Protocol.named(str(value), key)
        return {**config, key: protocol.as_dict()}
    if section == "protocol":
        return {**config, section: Protocol.from_dict({**config[section], option: value}).as_dict()}
    if key == "trainer.logger":
        file = packaged_setting(key, text)
        logger = read_yaml(Path(file), "a file of configs/logger") if is_yaml_file(file) else value
        return {**config, section: {**config[section], option: logger}}
    raise UserError(f"--set {key}: would need other curves; --curves without --config sets only {_CHANGEABLE}")
