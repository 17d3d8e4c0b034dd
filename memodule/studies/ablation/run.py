"""An ablation from grid to files."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memodule import console
from memodule.errors import UserError
from memodule.runtime.atomic import write_json, write_text
from memodule.studies.ablation.cache import CountCache
from memodule.studies.ablation.choosing import choose, held_out
from memodule.studies.ablation.counting import Counts
from memodule.studies.ablation.execution import count_all
from memodule.studies.ablation.grid import Grid
from memodule.studies.ablation.material import Material, read_material
from memodule.studies.ablation.provenance import provenance
from memodule.studies.ablation.table import CHOICE, Row, best_first, csv_text, make_row, row_values
from memodule.studies.redecoding import monitored
from memodule.studies.study import Study


@dataclasses.dataclass(frozen=True, eq=False)
class Ablation:
    """A finished ablation.

    Attributes:
        study: Whose curves were decoded.
        grid: Under what.
        material: The curves and folds.
        rows: Best first.
        computed: How many decodings were not in the cache.
        notes: What a reader must know, one sentence each.
    """

    study: Study
    grid: Grid
    material: Material
    rows: Sequence[Row]
    computed: int
    notes: Sequence[str]

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.study.folder / "ablations" / self.grid.name

    @property
    def reference(self) -> Row:
        """The row that others are compared with."""
        return next(row for row in self.rows if row.name == self.grid.reference)

    def to_dict(self) -> dict[str, Any]:
        """The contents of `table.json`."""
        return {
            "study": self.study.name,
            "grid": str(self.grid.path),
            "reference": self.grid.reference,
            "choose_by": self.grid.choose_by,
            "protocol": self.study.protocol.name,
            "subjects": len(self.study.subjects),
            "seeds": list(self.study.seeds),
            "notes": list(self.notes),
            "rows": [row_values(row) for row in self.rows],
        }


def ablate(study: Study, grid: Grid, workers: int) -> Ablation:
    """Decode, choose, score and compare; nothing is trained.

    Args:
        study: A finished study.
        grid: A checked grid.
        workers: Processes that decode.

    Raises:
        UserError: If the study is not finished, or a rule cannot be fitted on its folds.
    """
    material = read_material(study)
    cache = CountCache(study.folder / "ablations" / ".cache", material.identity)
    counted = count_all(grid, material, cache, workers)
    rows = score_rows(grid, material, counted.counts)
    return Ablation(study, grid, material, best_first(rows), counted.computed, _notes(study, rows))


def score_rows(grid: Grid, material: Material, counts: Mapping[str, Counts]) -> list[Row]:
    """Choose, score and compare every variant, in the order of the grid.

    Args:
        grid: The variants.
        material: The folds and their truth.
        counts: Of each way of decoding, by its digest.

    Returns:
        One row per variant.
    """
    choices = {variant.name: choose(variant, counts, material, grid.choose_by) for variant in grid.variants}
    tallies = {name: held_out(choice, counts, material) for name, choice in choices.items()}
    return [
        make_row(
            variant,
            choices[variant.name],
            tallies[variant.name],
            None if variant.name == grid.reference else tallies[grid.reference],
            material.protocol,
        )
        for variant in console.track(grid.variants, "scores")
    ]


def _notes(study: Study, rows: Sequence[Row]) -> list[str]:
    luck = f" {len(rows) - 1} rows are tested against the reference: some small p arise by luck." if rows[2:] else ""
    notes = [f"{CHOICE}.{luck}"]
    leaks = [row.name for row in rows if row.leak]
    if leaks:
        notes.append(
            f"LEAK: in {len(leaks)} of the rows the prior is fitted on all subjects, the scored one included. They are "
            "there to show what that changes, and are no honest result."
        )
    ruled = [metric for metric in monitored(study.config) if metric.startswith("val/") and metric != "val/loss"]
    if ruled:
        notes.append(
            f"Chosen epochs: the study took those with the best {ruled[0]} under its own rule, on inner validation "
            "subjects, so other rules decode curves that were chosen for that one."
        )
    return notes


def write_tables(ablation: Ablation) -> None:
    """Write table.csv, table.json and provenance.json.

    Raises:
        UserError: If they cannot be written.
    """
    folder = ablation.folder
    try:
        write_text(folder / "table.csv", csv_text(ablation.rows))
        write_json(folder / "table.json", ablation.to_dict())
        write_json(folder / "provenance.json", provenance(ablation.grid, ablation.material, ablation.rows))
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error}); make room and give the command again") from None
