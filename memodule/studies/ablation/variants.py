"""What an ablation decodes: a rule with its options, the candidates of a choice, and the variants of the table."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from memodule.decoding.protocol import Protocol
from memodule.intervals import SelectionRule, build_rule
from memodule.runtime.digests import json_sha256
from memodule.studies.ablation.rule_files import rule_names

STUDY: Final = "study"
"""Name of the row of the study's own rule, as its folds fitted it: the numbers of its `results.json`."""

VARIANT: Final = "variant"
"""Key in a candidate's label that holds the name of a variant."""

Calibrate = Literal["auto", "inner", "nested"]


@dataclasses.dataclass(frozen=True, eq=False)
class DecodingSpec:
    """How to decode: a selection rule with its arguments, and the options of the protocol that decoding uses.

    Attributes:
        rule: class_path and init_args; None for the rules as the study's folds stored them.
        options: Options of the protocol that replace the study's.
        calibrate: Curves that rules are calibrated on: "auto", those of the fold's inner validation subjects, else
            out-of-fold ones of its training subjects, as in a study; "nested", the same, which refuses a study that has
            neither; or "inner", which leaves the rule uncalibrated without inner subjects.
    """

    rule: Mapping[str, Any] | None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    calibrate: Calibrate = "auto"

    def build(self) -> SelectionRule:
        """The rule, not yet fitted.

        Raises:
            UserError: If there is no such rule, or it does not take its arguments.
        """
        assert self.rule is not None
        return build_rule(self.rule, "grid")

    def protocol(self, study: Protocol) -> Protocol:
        """The study's protocol with the options replaced."""
        return dataclasses.replace(study, **self.options)

    @property
    def digest(self) -> str:
        """Equal for equal specifications."""
        return json_sha256([self.rule, dict(self.options), self.calibrate])

    @property
    def names(self) -> str:
        """Name of the rule, with those inside it."""
        return "as the folds stored it" if self.rule is None else rule_names(self.rule)


@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """What a nested choice may take.

    Attributes:
        label: The chosen parameters, or the name of a variant under `VARIANT`.
    """

    label: Mapping[str, Any]
    decoding: DecodingSpec


@dataclasses.dataclass(frozen=True, eq=False)
class Variant:
    """One row of the table, before it is scored.

    Attributes:
        group: Name in the grid.
        parameters: Swept parameters of this row.
        candidates: One, or those among which each fold chooses.
    """

    group: str
    parameters: Mapping[str, Any]
    candidates: tuple[Candidate, ...]

    @property
    def name(self) -> str:
        """Group and parameters: `thresholds [threshold=0.5]`."""
        return f"{self.group} [{spelled(self.parameters)}]" if self.parameters else self.group

    @property
    def chosen(self) -> bool:
        """Whether each fold chooses."""
        return len(self.candidates) > 1


def spelled(parameters: Mapping[str, Any]) -> str:
    """Parameters as one line: threshold=0.5, rule=RiseFall."""
    return ", ".join(f"{name}={short(value)}" for name, value in parameters.items())


def label_text(label: Mapping[str, Any]) -> str:
    """A candidate's label as one line: threshold=0.5, or the name of a variant with its chosen parameters."""
    rest = {name: value for name, value in label.items() if name != VARIANT}
    if VARIANT not in label:
        return spelled(rest)
    return f"{label[VARIANT]} with {spelled(rest)}" if rest else str(label[VARIANT])


def short(value: Any) -> str:
    """A value for a table: rules by their names, other values as YAML writes them."""
    if isinstance(value, Mapping) and "class_path" in value:
        return rule_names(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return f"[{', '.join(map(short, value))}]"
    return value if isinstance(value, str) else json.dumps(value)
