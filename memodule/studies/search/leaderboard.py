"""What a search has found: trials in order, the winner, and how good the search itself is, told honestly.

Trials are ordered by STRS of inner validation subjects, pooled over the folds. A fold's inner subjects are held out in
other folds, so the held-out score of the winner is slightly optimistic. The *nested estimate* is not: for each fold it
takes the trial whose inner score in that fold alone is best, and pools what these found in the held-out subjects. It
estimates a search per fold, and is exact where proposals do not depend on scores (`--sampler random`, no early stops);
otherwise the candidates were proposed and stopped with all subjects in view, and it is nearly so.
"""

import csv
import dataclasses
import functools
import io
from typing import Any

from memodule.decoding.decode import Decoded
from memodule.decoding.protocol import Protocol
from memodule.metrics.functional import Tally, bootstrap, score
from memodule.studies.loso import pool_and_write
from memodule.studies.plan import protocol_of
from memodule.studies.pooling import pool
from memodule.studies.search.records import Record, Records
from memodule.studies.search.search import Search
from memodule.studies.study import Study

HELD_OUT = "held-out STRS (not used for choosing)"
"""Name of the winner's score wherever it is shown."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One trial with its scores.

    Attributes:
        record: The trial.
        folds: Subjects whose fold is done.
        scores: Over the inner validation subjects of these folds, pooled; None before the first fold.
        interval: 95 % bootstrap interval of the objective over the inner subjects.
        fold_scores: For each of the folds the same scores of its inner subjects alone.
    """

    record: Record
    folds: tuple[str, ...] = ()
    scores: dict[str, float] | None = None
    interval: tuple[float, float] | None = None
    fold_scores: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)

    @property
    def objective(self) -> float:
        """What trials are ordered by."""
        return self.scores["strs"] if self.scores else -1.0


@dataclasses.dataclass(frozen=True)
class Leaderboard:
    """All trials of a search.

    Attributes:
        search: The search.
        rows: Trials: finished ones by objective, then stopped ones by folds and objective, then the others.
        asked: Trials that were asked for.
    """

    search: Search
    rows: tuple[Row, ...]
    asked: int

    @classmethod
    def read(cls, search: Search, asked: int) -> "Leaderboard":
        """Read what is on disk."""
        rows = [_row(search, record) for record in Records(search.folder).all()]
        order = {"finished": 0, "stopped": 1, "running": 2, "failed": 3}

        def rank(row: Row) -> tuple[float, ...]:
            last = order[row.record.state]
            return (last, -len(row.folds) if last else 0, -row.objective, row.record.number)

        return cls(search, tuple(sorted(rows, key=rank)), asked)

    def having(self, *states: str) -> list[Row]:
        """Trials in any of these states."""
        return [row for row in self.rows if row.record.state in states]

    @property
    def winner(self) -> Row | None:
        """The best trial that ran every fold."""
        return next(iter(self.having("finished")), None)

    @property
    def over(self) -> bool:
        """Whether all trials that were asked for have ended; only then held-out scores are computed and shown."""
        return sum(row.record.times for row in self.rows) >= self.asked

    @property
    def repeated(self) -> int:
        """How often settings were proposed that had been tried before; finished folds are not trained again."""
        return sum(max(row.record.times - 1, 0) for row in self.rows)

    @property
    def exact(self) -> bool:
        """Whether no score has decided which trials there are and how far they ran."""
        return self.search.sampler == "random" and self.search.grace == len(self.search.base.subjects)

    @property
    def protocol(self) -> Protocol:
        """How scores are counted; one that leaks says so in every table."""
        return protocol_of(self.search.base.config)

    @functools.cached_property
    def held_out(self) -> dict[str, Any] | None:
        """Results of the winner on the held-out subjects; its files are written like those of any study."""
        return pool_and_write(_study(self.search, self.winner)) if self.winner and self.over else None

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
            found += _study(self.search, rows[self.chosen[subject]]).fold(subject, seed).decoded
        return pool({seed: found}, self.search.base.catalog, self.protocol)

    def provenance(self) -> dict[str, Any]:
        """Which subjects influenced the choice.

        Returns:
            The contents of `provenance.json`.
        """
        inner: dict[str, list[str]] = {}
        for row in self.having("finished", "stopped"):
            study, (seed,) = _study(self.search, row), self.search.base.seeds
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
        """The table as text; the held-out score stands in the winner's row only."""
        keys = [parameter.key for parameter in self.search.space.parameters]
        text = io.StringIO()
        scores = ("inner_strs", "inner_strs_low", "inner_strs_high", "inner_spot_f1", "inner_recog_f1")
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["rank", "trial", "state", "folds", *scores, HELD_OUT, *keys, "study", "error"])
        for rank, row in enumerate(self.rows, 1):
            low, high = row.interval or (None, None)
            values = row.scores or {}
            numbers = [values.get("strs"), low, high, values.get("spot_f1"), values.get("recog_f1")]
            held_out = self.held_out["strs"] if row is self.winner and self.held_out else None
            table.writerow(
                [rank if row.record.state == "finished" else "", row.record.number, row.record.state, len(row.folds)]
                + ["" if number is None else f"{number:.4f}" for number in [*numbers, held_out]]
                + [row.record.settings.get(key, "") for key in keys]
                + [row.record.study or "", row.record.error or ""]
            )
        return text.getvalue()


def _merit(scores: dict[str, float]) -> tuple[float, float]:
    return scores["strs"], scores["spot_f1"]


def _study(search: Search, row: Row | None) -> Study:
    assert row is not None
    assert row.record.study is not None
    return Study.open(search.trials / row.record.study)


def _row(search: Search, record: Record) -> Row:
    if record.study is None or not (search.trials / record.study / "study.json").is_file():
        return Row(record)
    study, (seed,) = Study.open(search.trials / record.study), search.base.seeds
    folds = [subject for subject in study.finished(seed) if subject in search.base.subjects]
    if not folds:
        return Row(record)
    tallies = {subject: _inner(study, subject, seed) for subject in folds}
    by_subject: dict[str, Tally] = {}
    for fold in tallies.values():
        for subject, tally in fold.items():
            by_subject[subject] = by_subject.get(subject, Tally()) + tally
    protocol = study.protocol
    return Row(
        record,
        tuple(folds),
        score(sum(by_subject.values(), Tally()), protocol),
        bootstrap(by_subject, protocol)["strs"],
        {subject: score(sum(fold.values(), Tally()), protocol) for subject, fold in tallies.items()},
    )


def _inner(study: Study, subject: str, seed: int) -> dict[str, Tally]:
    return {name: Tally.from_dict(tally) for name, tally in study.fold(subject, seed).result["inner"].items()}
