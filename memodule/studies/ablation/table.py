"""The table of an ablation: scores with intervals, counts, the paired difference to the reference, row by row."""

import csv
import dataclasses
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from memodule.decoding.protocol import Protocol
from memodule.metrics.functional import Tally, bootstrap, paired_test, recognition_scores, score
from memodule.studies.ablation.variants import Candidate, Variant, label_text, short

SHOWN: Final = ("strs", "spot_f1", "spot_precision", "spot_recall", "recog_f1", "recog_uf1", "recog_uar")
"""Scores, in the order of the table."""

CHOICE: Final = (
    "Picking a row is a choice: the best one was found by looking at the held-out subjects, so its score is better "
    "than honest. Before you report one, let every fold choose on its own training subjects (choose or choose_from in "
    "a grid)"
)
"""What every reader is told, on the terminal, in files and on the page."""


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """One variant with its scores.

    Attributes:
        variant: What was decoded.
        tallies: Counts of each held-out subject, pooled over seeds.
        scores: Of the pooled counts, by log key.
        support: True positives behind recognition.
        ranges: 95 % bootstrap interval over subjects of each score.
        differences: Paired difference to the reference, score by score; None for the reference.
        leak: Whether a prior was fitted on the held-out subjects too.
        choice: For each fold what it chose; empty where nothing was chosen.
    """

    variant: Variant
    tallies: Mapping[str, Tally]
    scores: Mapping[str, float]
    support: int
    ranges: Mapping[str, tuple[float, float]]
    differences: Mapping[str, Mapping[str, float]] | None
    leak: bool
    choice: Mapping[str, Candidate]

    @property
    def pooled(self) -> Tally:
        """Counts over all subjects."""
        return sum(self.tallies.values(), Tally())

    @property
    def name(self) -> str:
        """Of the variant."""
        return self.variant.name

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
) -> Row:
    """Score one variant.

    Args:
        variant: What was decoded.
        choice: The candidate of each fold.
        tallies: Counts of each held-out subject.
        reference: The same of the reference; None if this is it.
        protocol: The study's.
    """
    pooled = sum(tallies.values(), Tally())
    rules = [candidate.decoding.protocol(protocol) for candidate in choice.values()]
    support = recognition_scores(pooled.confusion, protocol.emotions, protocol.absent_classes)["support"]
    tests = None if reference is None else paired_test(tallies, reference, protocol)
    return Row(
        variant,
        tallies,
        score(pooled, protocol),
        int(support),
        bootstrap(tallies, protocol),
        None if tests is None else {name: dataclasses.asdict(test) for name, test in tests.items()},
        any(rule.leaks for rule in rules),
        choice if variant.chosen else {},
    )


def best_first(rows: Sequence[Row]) -> list[Row]:
    """By STRS, then spotting F1; equal rows in the order of the grid."""
    return sorted(rows, key=lambda row: (-row.scores["strs"], -row.scores["spot_f1"]))


def best_of_groups(rows: Sequence[Row]) -> list[tuple[Row, int]]:
    """The best row of each group and the size of the group, of rows that are sorted already.

    Args:
        rows: Sorted, best first.

    Returns:
        (row, size of its group), in the order of the rows.
    """
    sizes = Counter(row.variant.group for row in rows)
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.variant.group, row)
    return [(row, sizes[group]) for group, row in first.items()]


def row_values(row: Row) -> dict[str, Any]:
    """One row as plain values, nested.

    Args:
        row: One variant.

    Returns:
        What `table.json` holds of it; docs/data-formats.md names the keys.
    """
    pooled = row.pooled
    first = row.variant.candidates[0].decoding
    return {
        "variant": row.name,
        "group": row.variant.group,
        "rule": " | ".join(dict.fromkeys(c.decoding.names for c in row.variant.candidates)),
        "parameters": dict(row.variant.parameters),
        **{name: row.scores[name] for name in SHOWN},
        "tp": pooled.tp,
        "fp": pooled.fp,
        "fn": pooled.fn,
        "recognition_support": row.support,
        "ci": {name: list(row.ranges[name]) for name in SHOWN},
        "difference": None if row.differences is None else {name: dict(row.differences[name]) for name in SHOWN},
        "leak": row.leak,
        "chosen": row.chosen or None,
        "choice_by_fold": {name: dict(c.label) for name, c in row.choice.items()} or None,
        "decoding": None
        if row.variant.chosen
        else {"rule": first.rule, "protocol": dict(first.options), "calibrate": first.calibrate},
    }


def flat_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows with one plain value per column, the same columns in each: what CSV and W&B tables hold.

    Args:
        rows: In the order of the table.

    Returns:
        One mapping per row; docs/data-formats.md names the columns.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.variant.parameters))
    return [_flat(row, names) for row in rows]


def _flat(row: Row, parameters: Sequence[str]) -> dict[str, Any]:
    values = row_values(row)
    flat: dict[str, Any] = {name: values[name] for name in ("variant", "group", "rule")}
    for name in parameters:
        flat[f"parameter.{name}"] = short(row.variant.parameters[name]) if name in row.variant.parameters else ""
    for name in SHOWN:
        flat[name] = values[name]
        flat[f"{name}_low"], flat[f"{name}_high"] = values["ci"][name]
    flat |= {name: values[name] for name in ("tp", "fp", "fn", "recognition_support")}
    for name in ("strs", "spot_f1", "recog_f1"):
        test = (row.differences or {}).get(name)
        flat[f"{name}_difference"] = test["difference"] if test else None
        flat[f"{name}_difference_low"], flat[f"{name}_difference_high"] = (
            (test["low"], test["high"]) if test else (None, None)
        )
        flat[f"{name}_p"] = test["p_value"] if test else None
    flat["leak"] = row.leak
    flat["chosen"] = "; ".join(f"{label} ({folds})" for label, folds in row.chosen.items())
    return flat


def csv_text(rows: Sequence[Row]) -> str:
    """The flat table as CSV."""
    flat = flat_rows(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(flat[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()
