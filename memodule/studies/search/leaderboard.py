"""What a search has found: trials in order, the winner, and an honest estimate of how good the search is.

Trials are ordered by STRS of inner validation subjects, pooled over the folds. A fold's inner subjects are held out in
other folds, so the held-out score of the winner is slightly optimistic. The *nested estimate* is not: for each fold it
takes the trial whose inner score in that fold alone is best, and pools what these found in the held-out subjects. It
estimates a search per fold, and is exact where proposals do not depend on scores (`--sampler random`, no early stops);
otherwise the candidates were proposed and stopped with all subjects in view, and it is nearly exact.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memodule.decoding.decode import Decoded
from memodule.decoding.protocol import Protocol
from memodule.metrics.functional import Tally, bootstrap, score
from memodule.runtime.csv_files import csv_text
from memodule.studies.calibration_marks import calibration_values
from memodule.studies.fold_result import FoldResult
from memodule.studies.loso import pool_and_write
from memodule.studies.plan import protocol_of
from memodule.studies.pooling import pool
from memodule.studies.search.planning import Search
from memodule.studies.search.records import TrialRecord, TrialRecords
from memodule.studies.study import Study

HELD_OUT: Final = "held-out STRS (not used for choosing)"
"""Name of the winner's score wherever it is shown."""

_ORDER: Final = {"finished": 0, "stopped": 1, "running": 2, "failed": 3}


@dataclasses.dataclass(frozen=True)
class LeaderboardRow:
    """One trial with its scores.

    Attributes:
        folds: Subjects whose fold is finished.
        scores: Over the inner validation subjects of these folds, pooled; None before the first fold.
        interval: 95 % bootstrap interval of the objective over the inner subjects.
        fold_scores: For each of the folds the same scores of its inner subjects alone.
        uncalibrated: Why the rules of these folds, or the rule behind their inner scores, run half-fitted; None if they
            do not.
    """

    record: TrialRecord
    folds: tuple[str, ...] = ()
    scores: dict[str, float] | None = None
    interval: tuple[float, float] | None = None
    fold_scores: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    uncalibrated: str | None = None

    @property
    def objective(self) -> float:
        """STRS, by which trials are ordered; -1 before the first fold."""
        return self.scores["strs"] if self.scores else -1.0


@dataclasses.dataclass(frozen=True)
class Leaderboard:
    """All trials of a search.

    Attributes:
        rows: Trials: finished ones by objective, then stopped ones by folds and objective, then the others.
        asked: Number of requested trials.
        studies: Those of the trials by name, each with what is read of it.
    """

    search: Search
    rows: tuple[LeaderboardRow, ...]
    asked: int
    studies: dict[str, Study] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, search: Search, asked: int, before: "Leaderboard | None" = None) -> "Leaderboard":
        """Read what is on disk; finished trials do not change, so an earlier leaderboard's are not read again."""
        records = TrialRecords(search.folder).all()
        finished = {record.study for record in records if record.state == "finished"}
        studies = {name: study for name, study in before.studies.items() if name in finished} if before else {}
        rows = [_row(search, record, studies) for record in records]

        def rank(row: LeaderboardRow) -> tuple[float, ...]:
            last = _ORDER[row.record.state]
            return (last, -len(row.folds) if last else 0, -row.objective, row.record.number)

        return cls(search, tuple(sorted(rows, key=rank)), asked, studies)

    def having(self, *states: str) -> list[LeaderboardRow]:
        """Trials in any of these states."""
        return [row for row in self.rows if row.record.state in states]

    @property
    def winner(self) -> LeaderboardRow | None:
        """The best trial that ran every fold."""
        return next(iter(self.having("finished")), None)

    @property
    def winner_folder(self) -> Path | None:
        """The winner's study: finished, without checkpoints."""
        return self._study(self.winner).folder if self.winner else None

    @property
    def over(self) -> bool:
        """Whether all requested trials have ended; only then held-out scores are computed and shown."""
        return sum(row.record.times for row in self.rows) >= self.asked

    @property
    def partial(self) -> str | None:
        """What must be next to every score where trials leave subjects out, such as "2 of 3 folds"; else None."""
        run, all_folds = len(self.search.base.subjects), len(self.search.base.catalog.subjects)
        return f"{run} of {all_folds} folds" if run < all_folds else None

    @property
    def uncalibrated(self) -> list[str]:
        """Why rules of trials run half-fitted: each reason once, with the trials; best trial first."""
        trials: dict[str, list[str]] = {}
        for row in self.rows:
            if row.uncalibrated:
                trials.setdefault(row.uncalibrated, []).append(str(row.record.number))
        return [f"{reason} (trials {', '.join(numbers)})" for reason, numbers in trials.items()]

    @property
    def repeated(self) -> int:
        """How often settings were proposed again; their finished folds are not trained again."""
        return sum(max(row.record.times - 1, 0) for row in self.rows)

    @property
    def exact(self) -> bool:
        """Whether no score has decided which trials there are and how many folds they ran."""
        return self.search.sampler == "random" and self.search.grace == len(self.search.base.subjects)

    @property
    def protocol(self) -> Protocol:
        """How scores are counted; one that leaks says so in every table."""
        return protocol_of(self.search.base.config)

    @functools.cached_property
    def held_out(self) -> dict[str, Any] | None:
        """Results of the winner on the held-out subjects; its files are written like those of any study."""
        return pool_and_write(self._study(self.winner)) if self.winner and self.over else None

    @functools.cached_property
    def chosen(self) -> dict[str, int]:
        """For each held-out subject the number of the trial that its fold's own inner subjects choose."""
        numbers = {}
        for subject in self.search.base.subjects:
            rows = [row for row in self.rows if subject in row.fold_scores]
            if rows:
                best = max(rows, key=lambda row: (*_merit(row.fold_scores[subject]), -row.record.number))
                numbers[subject] = best.record.number
        return numbers

    @functools.cached_property
    def nested(self) -> dict[str, Any] | None:
        """Pooled results of every fold under the settings that it chose itself; None before the end."""
        subjects, (seed,) = self.search.base.subjects, self.search.base.seeds
        if not self.over or set(self.chosen) != set(subjects):
            return None
        rows = {row.record.number: row for row in self.rows}
        found: list[Decoded] = []
        for subject in subjects:
            found += self._study(rows[self.chosen[subject]]).fold(subject, seed).decoded
        return pool({seed: found}, self.search.base.catalog, self.protocol)

    def provenance(self) -> dict[str, Any]:
        """Which subjects influenced the choice: the contents of `provenance.json`."""
        inner: dict[str, list[str]] = {}
        for row in self.having("finished", "stopped"):
            study, (seed,) = self._study(row), self.search.base.seeds
            for subject in row.folds:
                inner[subject] = study.fold(subject, seed).result["provenance"]["chosen_on"]
        influencing = sorted({subject for subjects in inner.values() for subject in subjects})
        return {
            "chosen_on": influencing,
            "chosen_on_by_fold": inner,
            "chosen_on_and_held_out_in_another_fold": [s for s in influencing if s in self.search.base.subjects],
            "winner": self.winner.record.number if self.winner else None,
            "nested": {subject: {"trial": n, "chosen_on": inner.get(subject)} for subject, n in self.chosen.items()},
            "nested_is_exact": self.exact,
        }

    def csv(self) -> str:
        """The contents of `leaderboard.csv`; only the winner's row has a held-out score."""
        keys = [parameter.name for parameter in self.search.space.parameters]
        scores = ("inner_strs", "inner_strs_low", "inner_strs_high", "inner_spot_f1", "inner_recog_f1")
        lines = []
        for rank, row in enumerate(self.rows, 1):
            record, values = row.record, row.scores or {}
            held_out = self.held_out["strs"] if row is self.winner and self.held_out else None
            numbers = [values.get("strs"), *(row.interval or (None, None)), values.get("spot_f1")]
            lines.append(
                [rank if record.state == "finished" else "", record.number, record.state, len(row.folds)]
                + ["" if n is None else f"{n:.4f}" for n in (*numbers, values.get("recog_f1"), held_out)]
                + [record.settings.get(key, "") for key in keys]
                + [record.study or "", record.error or "", row.uncalibrated or ""]
            )
        return csv_text(
            ["rank", "trial", "state", "folds", *scores, HELD_OUT, *keys, "study", "error", "uncalibrated"], lines
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, ready for JSON."""
        winner, folder = self.winner, self.search.folder
        return {
            "search": folder.name,
            "folder": str(folder),
            "leaderboard": str(folder / "leaderboard.csv"),
            "complete": self.over,
            "partial": self.partial,
            "leak": self.protocol.leak,
            "trials": [
                {
                    **dataclasses.asdict(row.record),
                    "folds": len(row.folds),
                    "inner": row.scores,
                    "inner_strs_interval": row.interval,
                    "uncalibrated": row.uncalibrated,
                }
                for row in self.rows
            ],
            "winner": winner
            and {
                "number": winner.record.number,
                "settings": winner.record.settings,
                "inner_strs": winner.objective,
                "study": str(self.winner_folder),
                "command": self.search.command(winner.record.settings),
                "held_out_not_used_for_choosing": self.held_out and _main_scores(self.held_out),
            },
            "nested_estimate": self.nested
            and {**_main_scores(self.nested), "exact": self.exact, "chosen": self.chosen},
        }

    def _study(self, row: LeaderboardRow) -> Study:
        assert row.record.study is not None
        return _study(self.search, row.record.study, self.studies)


def _main_scores(results: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "strs": results["strs"],
        "strs_interval": results["ci"]["strs"],
        "spot_f1": results["spotting"]["f1"],
        "recog_f1": results["recognition"]["f1"],
        "tp": results["spotting"]["tp"],
    }


def _merit(scores: dict[str, float]) -> tuple[float, float]:
    return scores["strs"], scores["spot_f1"]


def _study(search: Search, name: str, known: dict[str, Study]) -> Study:
    if name not in known:
        known[name] = Study.open(search.trials / name)
    return known[name]


def _row(search: Search, record: TrialRecord, studies: dict[str, Study]) -> LeaderboardRow:
    if record.study is None or not (search.trials / record.study / "study.json").is_file():
        return LeaderboardRow(record)
    study, (seed,) = _study(search, record.study, studies), search.base.seeds
    folds = [subject for subject in study.finished(seed) if subject in search.base.subjects]
    if not folds:
        return LeaderboardRow(record)
    by_fold: dict[str, dict[str, Tally]] = {}
    by_subject: dict[str, Tally] = {}
    for fold in folds:
        inner = study.fold(fold, seed).result["inner"]
        by_fold[fold] = {subject: Tally.from_dict(tally) for subject, tally in inner.items()}
        for subject, tally in by_fold[fold].items():
            by_subject[subject] = by_subject.get(subject, Tally()) + tally
    return LeaderboardRow(
        record,
        tuple(folds),
        _pooled_scores(by_subject, study.protocol),
        bootstrap(by_subject, study.protocol)["strs"],
        {fold: _pooled_scores(tallies, study.protocol) for fold, tallies in by_fold.items()},
        _uncalibrated([study.fold(fold, seed) for fold in folds]),
    )


def _uncalibrated(folds: Sequence[FoldResult]) -> str | None:
    reason: str | None = calibration_values({fold.subject: fold.calibration for fold in folds}).get("uncalibrated")
    if reason is None and any(fold.calibration and len(fold.inner) == 1 for fold in folds):
        return "inner scores are of the uncalibrated rule: one inner subject cannot calibrate its own score"
    return reason


def _pooled_scores(tallies: Mapping[str, Tally], protocol: Protocol) -> dict[str, float]:
    return score(sum(tallies.values(), Tally()), protocol)
