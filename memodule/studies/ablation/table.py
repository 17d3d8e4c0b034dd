"""The rows of an ablation: scores with intervals, counts, and the paired difference to the reference."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from memodule.decoding.protocol import Protocol
from memodule.metrics.functional import Tally, bootstrap, paired_test, recognition_scores, score
from memodule.metrics.score_names import NOT_GIVEN, SCORE_NAMES, SPOTTING_SCORES
from memodule.runtime.csv_files import csv_text
from memodule.studies.ablation.variants import Candidate, Variant, label_text, short
from memodule.studies.calibration_marks import FoldCalibration, calibration_values

CHOICE: Final = (
    "Picking a row is a choice: the best was found by looking at the held-out subjects, so its score is optimistic. "
    "Before you report a row, let every fold choose on its own training subjects (choose or choose_from in a grid)"
)
"""What every reader must know, on the terminal, in files and on the page."""


@dataclasses.dataclass(frozen=True, eq=False)
class AblationRow:
    """One variant with its scores.

    Attributes:
        tallies: Counts of each held-out subject, pooled over seeds.
        scores: Of the pooled counts, by log key; without those of emotions where the curves have no classes.
        support: True positives behind recognition; None where it is not given.
        ranges: 95 % bootstrap interval over subjects of each score.
        differences: Paired difference to the reference, score by score; None for the reference.
        leak: Whether a prior was fitted on the held-out subjects too.
        choice: For each fold what it chose; empty where nothing was chosen.
        calibration: What `calibration_values` says of the rules; empty where none learns from curves.
    """

    variant: Variant
    tallies: Mapping[str, Tally]
    scores: Mapping[str, float]
    support: int | None
    ranges: Mapping[str, tuple[float, float]]
    differences: Mapping[str, Mapping[str, float]] | None
    leak: bool
    choice: Mapping[str, Candidate]
    calibration: Mapping[str, Any]

    @property
    def uncalibrated(self) -> str | None:
        """Why rules run half-fitted, and in how many folds; None where they do not."""
        reason: str | None = self.calibration.get("uncalibrated")
        return reason

    @property
    def pooled(self) -> Tally:
        """Counts over all subjects."""
        return sum(self.tallies.values(), Tally())

    @property
    def name(self) -> str:
        """Name of the variant."""
        return self.variant.name

    @property
    def headline(self) -> str:
        """The score that rows are ordered by: STRS, or spotting F1 where that is not given."""
        return "strs" if "strs" in self.scores else "spot_f1"

    @property
    def chosen(self) -> dict[str, int]:
        """How many folds chose what, most frequent first."""
        return dict(Counter(label_text(candidate.label) for candidate in self.choice.values()).most_common())


def make_row(
    variant: Variant,
    choice: Mapping[str, Candidate],
    tallies: Mapping[str, Tally],
    reference: Mapping[str, Tally] | None,
    protocol: Protocol,
    classes: bool = True,
    calibration: Mapping[str, FoldCalibration | None] = MappingProxyType({}),
) -> AblationRow:
    """Score one variant from the candidate of each fold and the counts of each held-out subject.

    Args:
        reference: Counts of the reference; None if this is it.
        protocol: The study's.
        classes: Whether the curves say anything about emotions.
        calibration: How the rule of each fold was calibrated.
    """
    given = SCORE_NAMES if classes else SPOTTING_SCORES
    pooled = sum(tallies.values(), Tally())
    rules = [candidate.decoding.protocol(protocol) for candidate in choice.values()]
    support = recognition_scores(pooled.confusion, protocol.emotions, protocol.absent_classes)["support"]
    tests = None if reference is None else paired_test(tallies, reference, protocol)
    scores, ranges = score(pooled, protocol), bootstrap(tallies, protocol)
    return AblationRow(
        variant,
        tallies,
        {name: scores[name] for name in given},
        int(support) if classes else None,
        {name: ranges[name] for name in given},
        None if tests is None else {name: dataclasses.asdict(tests[name]) for name in given},
        any(rule.leaks for rule in rules),
        choice if variant.chosen else {},
        calibration_values(calibration),
    )


def best_first(rows: Sequence[AblationRow]) -> list[AblationRow]:
    """By STRS (where it is given), then spotting F1; equal rows in the order of the grid."""
    return sorted(rows, key=lambda row: (-row.scores[row.headline], -row.scores["spot_f1"]))


def best_of_groups(rows: Sequence[AblationRow]) -> list[tuple[AblationRow, int]]:
    """(best row, number of rows) of each group, best first, from rows that are sorted so."""
    sizes = Counter(row.variant.group for row in rows)
    first: dict[str, AblationRow] = {}
    for row in rows:
        first.setdefault(row.variant.group, row)
    return [(row, sizes[group]) for group, row in first.items()]


def row_values(row: AblationRow) -> dict[str, Any]:
    """A row as it is in `table.json`; docs/data-formats.md lists the keys."""
    pooled = row.pooled
    first = row.variant.candidates[0].decoding
    return {
        "variant": row.name,
        "group": row.variant.group,
        "rule": " | ".join(dict.fromkeys(c.decoding.names for c in row.variant.candidates)),
        "parameters": dict(row.variant.parameters),
        **{name: row.scores.get(name) for name in SCORE_NAMES},
        "tp": pooled.tp,
        "fp": pooled.fp,
        "fn": pooled.fn,
        "recognition_support": row.support,
        "ci": {name: list(row.ranges[name]) if name in row.ranges else None for name in SCORE_NAMES},
        "difference": None if row.differences is None else {name: row.differences.get(name) for name in SCORE_NAMES},
        "leak": row.leak,
        "uncalibrated": row.uncalibrated,
        "calibration": row.calibration.get("calibration"),
        "chosen": row.chosen or None,
        "choice_by_fold": {name: dict(c.label) for name, c in row.choice.items()} or None,
        "decoding": None
        if row.variant.chosen
        else {"rule": first.rule, "protocol": dict(first.options), "calibrate": first.calibrate},
    }


def flat_rows(rows: Sequence[AblationRow]) -> list[dict[str, Any]]:
    """The rows with one plain value per column, for CSV and W&B tables; docs/data-formats.md lists the columns."""
    names = list(dict.fromkeys(name for row in rows for name in row.variant.parameters))
    return [_flat(row, names) for row in rows]


def _flat(row: AblationRow, parameters: Sequence[str]) -> dict[str, Any]:
    values = row_values(row)
    flat: dict[str, Any] = {name: values[name] for name in ("variant", "group", "rule")}
    for name in parameters:
        flat[f"parameter.{name}"] = short(row.variant.parameters[name]) if name in row.variant.parameters else ""
    for name in SCORE_NAMES:
        flat[name] = row.scores.get(name, NOT_GIVEN)
        flat[f"{name}_low"], flat[f"{name}_high"] = row.ranges.get(name, (NOT_GIVEN, NOT_GIVEN))
    flat |= {name: values[name] for name in ("tp", "fp", "fn")}
    flat["recognition_support"] = NOT_GIVEN if row.support is None else row.support
    for name in ("strs", "spot_f1", "recog_f1"):
        test, nothing = (row.differences or {}).get(name, {}), None if name in row.scores else NOT_GIVEN
        ends = {"": "difference", "_low": "low", "_high": "high"}
        flat |= {f"{name}_difference{end}": test.get(key, nothing) for end, key in ends.items()}
        flat[f"{name}_p"] = test.get("p_value", nothing)
    flat["leak"] = row.leak
    flat["uncalibrated"] = row.uncalibrated or ""
    flat["chosen"] = "; ".join(f"{label} ({folds})" for label, folds in row.chosen.items())
    return flat


def table_csv(rows: Sequence[AblationRow]) -> str:
    """The contents of `table.csv`."""
    flat = flat_rows(rows)
    return csv_text(flat[0], (row.values() for row in flat))
