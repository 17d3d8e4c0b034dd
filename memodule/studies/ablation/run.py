"""An ablation from grid to files."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memodule import console
from memodule.errors import UserError
from memodule.runtime.atomic import write_json, write_text
from memodule.studies.ablation.cache import CountCache
from memodule.studies.ablation.choosing import calibrations, choose, held_out_tallies
from memodule.studies.ablation.counting import Counts
from memodule.studies.ablation.execution import count_all
from memodule.studies.ablation.grid import Grid
from memodule.studies.ablation.prepared import PreparedStudy, prepare_study
from memodule.studies.ablation.row_influences import ablation_influences
from memodule.studies.ablation.table import CHOICE, AblationRow, best_first, make_row, row_values, table_csv
from memodule.studies.calibration_marks import FEW
from memodule.studies.redecoding import epochs_chosen_by_rule
from memodule.studies.study import Study


@dataclasses.dataclass(frozen=True, eq=False)
class Ablation:
    """A finished ablation of a study's curves.

    Attributes:
        rows: Best first.
        computed: How many decodings were not in the cache.
        notes: What a reader must know; some begin with a title such as "PARTIAL: ".
    """

    study: Study
    grid: Grid
    prepared: PreparedStudy
    rows: Sequence[AblationRow]
    computed: int
    notes: Sequence[str]

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.study.folder / "ablations" / self.grid.name

    @property
    def reference(self) -> AblationRow:
        """The row that others are compared with."""
        return next(row for row in self.rows if row.name == self.grid.reference)

    @property
    def choose_by(self) -> str:
        """The score that nested choices maximised."""
        return objective(self.grid, self.prepared)

    @property
    def headline(self) -> str:
        """The score that rows are ordered by."""
        return self.rows[0].headline

    def to_dict(self) -> dict[str, Any]:
        """The contents of `table.json`; `partial` is there only where folds are missing."""
        return {
            "study": self.study.name,
            "grid": str(self.grid.path),
            "reference": self.grid.reference,
            "choose_by": self.choose_by,
            "protocol": self.study.protocol.name,
            "subjects": len(self.prepared.subjects),
            "seeds": list(self.study.seeds),
            **self.prepared.partial_entry(),
            "notes": list(self.notes),
            "rows": [row_values(row) for row in self.rows],
        }


def ablate(study: Study, grid: Grid, workers: int) -> Ablation:
    """Decode the finished folds of a study in several processes, choose, score and compare; nothing is trained.

    Raises:
        UserError: If no fold is finished, or a rule cannot be fitted on one of them.
    """
    prepared = prepare_study(study)
    cache = CountCache(study.folder / "ablations" / ".cache", prepared.identity)
    counted = count_all(grid, prepared, cache, workers)
    rows = score_rows(grid, prepared, counted.counts)
    return Ablation(study, grid, prepared, best_first(rows), counted.computed, _notes(study, grid, prepared, rows))


def objective(grid: Grid, study: PreparedStudy) -> str:
    """The score that nested choices maximise: the grid's, but spotting F1 where curves without classes have no STRS."""
    return grid.choose_by if study.classes else "spot_f1"


def score_rows(grid: Grid, study: PreparedStudy, counts: Mapping[str, Counts]) -> list[AblationRow]:
    """Choose, score and compare every variant, in the order of the grid; `counts` are by digest of the decoding."""
    choices = {variant.name: choose(variant, counts, study, objective(grid, study)) for variant in grid.variants}
    tallies = {name: held_out_tallies(choice, counts, study) for name, choice in choices.items()}
    return [
        make_row(
            variant,
            choices[variant.name],
            tallies[variant.name],
            None if variant.name == grid.reference else tallies[grid.reference],
            study.protocol,
            study.classes,
            calibrations(choices[variant.name], counts),
        )
        for variant in console.track(grid.variants, "scores")
    ]


def _notes(study: Study, grid: Grid, prepared: PreparedStudy, rows: Sequence[AblationRow]) -> list[str]:
    chance = (
        f" {len(rows) - 1} rows are tested against the reference: some p-values are small by chance."
        if rows[2:]
        else ""
    )
    notes = [f"{CHOICE}.{chance}"]
    if prepared.partial:
        notes.insert(0, f"PARTIAL: {prepared.partial} are finished; do not quote these numbers.")
    leaks = [row.name for row in rows if row.leak]
    if leaks:
        notes.append(
            f"LEAK: in {len(leaks)} of the rows the prior is fitted on all subjects, the scored one included. They "
            "show what that changes and are not honest results."
        )
    uncalibrated = {row.uncalibrated: None for row in rows if row.uncalibrated}
    if uncalibrated:
        count = sum(row.uncalibrated is not None for row in rows)
        notes.append(
            f"UNCALIBRATED: in {count} of the rows the rule has not learned from score curves what it should: "
            f"{'; '.join(uncalibrated)}. They do not show what the calibrated rule finds."
        )
    few = [row for row in rows if (seen := row.calibration.get("calibration")) and 0 < seen["micro"][0] < FEW]
    if few:
        micro = min(row.calibration["calibration"]["micro"][0] for row in few)
        notes.append(
            f"Few expressions: in {len(few)} of the rows some rules were calibrated on fewer than {FEW} labelled "
            f"micro-expressions (the fewest: {micro}), so what they learned may vary a lot."
        )
    if not prepared.classes:
        instead = ", so folds chose by spotting F1" if grid.choose_by == "strs" and grid.chosen_decodings else ""
        notes.append(f"Not given: the curves have no classes, so there is neither recognition nor STRS{instead}.")
    ruled = epochs_chosen_by_rule(study.config)
    if ruled:
        notes.append(
            f"Chosen epochs: the study took those with the best {ruled[0]} under its own rule, on inner validation "
            "subjects, so the other rules decode curves that were chosen for that one."
        )
    return notes


def write_tables(ablation: Ablation) -> None:
    """Write table.csv, table.json and provenance.json.

    Raises:
        UserError: If they cannot be written.
    """
    folder = ablation.folder
    influences = ablation_influences(ablation.grid, ablation.prepared, ablation.rows)
    try:
        write_text(folder / "table.csv", table_csv(ablation.rows))
        write_json(folder / "table.json", ablation.to_dict())
        write_json(folder / "provenance.json", influences)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error}); free some space and run the command again") from None
