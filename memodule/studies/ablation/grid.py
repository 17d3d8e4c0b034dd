"""The YAML file of an ablation, read and checked as a whole before anything is computed.

reference: published            # the variant that others are compared with (default: the study's own rule)
choose_by: strs                 # strs (default) or spot_f1: what nested choices maximise
variants:
  published:
    rule: ../../configs/intervals/prior_guided.yaml       # relative to this file; or a class path
  thresholds:
    rule: memodule.intervals.PriorGuided
    parameters:
      threshold: {from: 0.3, to: 0.9, steps: 7}           # or {from, to, step}, or a list; log: true
      half_window: {values: [4, 6, 8], when: {duration: true}}
      duration: [true, false]
    protocol: {fitted_on: all}                            # neutral and filter_neutral may vary too
    choose: [threshold]                                   # chosen by each fold; all others are swept
    calibrate: inner                                      # on inner subjects only; auto (default): else out of fold
  chosen rule:
    choose_from: [published, thresholds]                  # a nested choice among variants

`memodule.studies.values` defines how the values of a parameter are written.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.runtime.yaml_files import did_you_mean, read_yaml_mapping
from memodule.studies.ablation.rule_files import RuleDescription, read_rule, resolve, with_argument
from memodule.studies.ablation.variants import STUDY, VARIANT, Calibrate, Candidate, DecodingSpec, Variant, spelled
from memodule.studies.values import FORMS, Parameter, combinations, read_parameter, require_known, unique

SECTIONS: Final = ("choose_by", "reference", "variants")
"""Keys of a grid."""

OBJECTIVES: Final = ("strs", "spot_f1")
OPTIONS: Final = ("fitted_on", "neutral", "filter_neutral")
"""Options of the protocol that take part in decoding; all others define the score, the same for all rows."""

_KEYS: Final = ("rule", "parameters", "protocol", "choose", "calibrate")
_OPTION: Final = "protocol."
_MOST: Final = 100_000
"""Combinations of one variant; more is a mistake in the grid."""


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """A checked grid.

    Attributes:
        contents: The file's.
        reference: Name of the variant that others are compared with.
        choose_by: Score that nested choices maximise.
        variants: All rows, the study's own rule first.
    """

    path: Path
    contents: Mapping[str, Any]
    reference: str
    choose_by: str
    variants: tuple[Variant, ...]

    @property
    def name(self) -> str:
        """Name of the file, without suffix."""
        return self.path.stem

    @property
    def chosen_decodings(self) -> set[str]:
        """Digests of the decodings that are candidates of a nested choice."""
        return {c.decoding.digest for variant in self.variants if variant.chosen for c in variant.candidates}


def read_grid(path: Path) -> Grid:
    """Read and check a grid.

    Raises:
        UserError: If the file cannot be read or anything in it cannot be computed; the message names file and key.
    """
    contents = read_yaml_mapping(
        path, f"a grid with the keys {', '.join(SECTIONS)}, such as those in experiments/ablations"
    )
    require_known(contents, SECTIONS, str(path))
    written = contents.get("variants")
    if not isinstance(written, Mapping) or not written:
        raise UserError(f"{path}: variants: there is none; add at least one, with its rule")
    choose_by = contents.get("choose_by", OBJECTIVES[0])
    if choose_by not in OBJECTIVES:
        raise UserError(f"{path}: choose_by: {choose_by!r} is not one of {', '.join(OBJECTIVES)}")
    groups = {STUDY: [Variant(STUDY, {}, (Candidate({}, DecodingSpec(None)),))]}
    later = []
    for name, entry in written.items():
        where = f"{path}: variants.{name}"
        if not isinstance(name, str) or name == STUDY:
            raise UserError(f"{where}: a name must be text other than {STUDY!r}, the study's own rule; rename it")
        if not isinstance(entry, Mapping):
            raise UserError(f"{where}: a variant has `rule` or `choose_from`; add one of them")
        groups[name] = []
        if "choose_from" in entry:
            later.append(name)
        else:
            groups[name] = _expanded(name, entry, path.parent, where)
    for name in later:
        groups[name] = [_among(name, written[name], groups, later, f"{path}: variants.{name}")]
    variants = tuple(itertools.chain.from_iterable(groups.values()))
    return Grid(path, contents, _reference(contents, variants, path), choose_by, variants)


def _expanded(group: str, entry: Mapping[str, Any], folder: Path, where: str) -> list[Variant]:
    """All rows of one variant: one for each combination of its swept parameters."""
    require_known(entry, _KEYS, where)
    if "rule" not in entry:
        raise UserError(f"{where}.rule: missing; give a file of configs/intervals, or a class_path")
    rule = read_rule(entry["rule"], folder, f"{where}.rule")
    calibrate = entry.get("calibrate", "auto")
    if calibrate not in get_args(Calibrate):
        raise UserError(f"{where}.calibrate: {calibrate!r} is not one of {', '.join(get_args(Calibrate))}")
    parameters = _parameters(entry, folder, where)
    chosen = _chosen(entry, parameters, where)
    combined = combinations(parameters, f"{where}.parameters")
    if len(combined) > _MOST:
        raise UserError(f"{where}: {len(combined)} combinations; sweep fewer at a time, at most {_MOST}")
    fixed = {parameter.name for parameter in parameters if not parameter.varies and not parameter.when}
    rows: dict[str, tuple[dict[str, Any], list[Candidate]]] = {}
    for combination in combined:
        swept = {n: v for n, v in combination.items() if n not in chosen and n not in fixed}
        label = {n: v for n, v in combination.items() if n in chosen}
        decoding = _decoding(rule, combination, calibrate, where)
        rows.setdefault(spelled(swept), (swept, []))[1].append(Candidate(label, decoding))
    return [Variant(group, swept, tuple(candidates)) for swept, candidates in rows.values()]


def _parameters(entry: Mapping[str, Any], folder: Path, where: str) -> list[Parameter]:
    """Arguments of the rule, then options of the protocol under names with `protocol.` in front."""
    written = entry.get("parameters") or {}
    options = entry.get("protocol") or {}
    for key, section in (("parameters", written), ("protocol", options)):
        if not isinstance(section, Mapping):
            raise UserError(f"{where}.{key}: must map names to values")
    require_known(options, OPTIONS, f"{where}.protocol")
    parameters = [read_parameter(str(n), value, f"{where}.parameters.{n}") for n, value in written.items()]
    parameters += [read_parameter(_OPTION + n, value, f"{where}.protocol.{n}") for n, value in options.items()]
    for parameter in parameters:
        if parameter.drawn:
            raise UserError(f"{where}.parameters.{parameter.name}: only a search draws from {parameter.drawn}; {FORMS}")
    return [
        dataclasses.replace(p, values=tuple(resolve(v, folder, f"{where}.parameters.{p.name}") for v in p.values))
        for p in parameters
    ]


def _chosen(entry: Mapping[str, Any], parameters: Sequence[Parameter], where: str) -> set[str]:
    """Names of the parameters that each fold chooses."""
    written = entry.get("choose", [])
    if not isinstance(written, list) or ("choose" in entry and not written):
        raise UserError(f"{where}.choose: give a list of parameters, or remove it")
    if written:
        unique(written, f"{where}.choose")
    varying = {parameter.name for parameter in parameters if parameter.varies or parameter.when}
    for name in written:
        if name == f"{_OPTION}fitted_on":
            raise UserError(f"{where}.choose: {name} switches a leak on, so no score may choose it; sweep it instead")
        if name not in varying:
            near = did_you_mean(str(name), varying)
            raise UserError(f"{where}.choose: {name} has only one value in this variant{near}; give several")
    return set(written)


def _decoding(rule: RuleDescription, combination: Mapping[str, Any], calibrate: Any, where: str) -> DecodingSpec:
    options = {}
    for name, value in combination.items():
        if name.startswith(_OPTION):
            options[name.removeprefix(_OPTION)] = value
        else:
            rule = with_argument(rule, name, value, f"{where}.parameters.{name}")
    decoding = DecodingSpec(rule, options, calibrate)
    try:
        decoding.build()
        Protocol(**options)
    except UserError as error:
        raise UserError(f"{where} with {spelled(combination) or 'these arguments'}: {error}") from None
    return decoding


def _among(
    name: str, entry: Mapping[str, Any], groups: Mapping[str, Sequence[Variant]], later: Sequence[str], where: str
) -> Variant:
    """The variant that chooses among all rows of others."""
    require_known(entry, ("choose_from",), where)
    names = entry["choose_from"]
    if not isinstance(names, list) or not names:
        raise UserError(f"{where}.choose_from: give a list of variants")
    candidates = []
    for other in unique(names, f"{where}.choose_from"):
        if other not in groups or other in later or other == STUDY:
            near = did_you_mean(str(other), [n for n in groups if n not in later and n != STUDY])
            raise UserError(f"{where}.choose_from: {other} is not a variant with its own rule{near}")
        candidates += [
            Candidate({VARIANT: variant.name, **candidate.label}, candidate.decoding)
            for variant in groups[other]
            for candidate in variant.candidates
        ]
    if len(candidates) < 2:
        raise UserError(f"{where}.choose_from: only one candidate; name several")
    leaks = {candidate.decoding.options.get("fitted_on") for candidate in candidates}
    if len(leaks) > 1:
        raise UserError(f"{where}.choose_from: some are fitted_on all subjects and would win by that leak; remove them")
    return Variant(name, {}, tuple(candidates))


def _reference(contents: Mapping[str, Any], variants: Sequence[Variant], path: Path) -> str:
    reference = contents.get("reference", STUDY)
    names = [variant.name for variant in variants]
    if reference in names:
        return str(reference)
    rows = [variant.name for variant in variants if variant.group == reference]
    if rows:
        raise UserError(f"{path}: reference: {reference} has {len(rows)} rows; name one of them, such as {rows[0]!r}")
    near = did_you_mean(str(reference), names)
    raise UserError(f"{path}: reference: there is no variant {reference}{near}")
