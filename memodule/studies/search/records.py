"""What a search remembers of its trials: a small file each, so that nothing is lost when it is killed.

runs/search-demo-1f2e3d4c/
    search.json         what is searched: configs, space, folds, seed
    space.yaml          the space file as it was
    optuna.log          the journal of Optuna, from which proposals go on
    records/            one file per trial: settings, state, study, error
    trials/             the studies of the trials, as `memodule loso` writes them
    wandb/              one run per trial
    provenance.json     which subjects influenced the choice
    leaderboard.csv  leaderboard.html
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from memodule.errors import UserError
from memodule.runtime.atomic import write_json
from memodule.runtime.digests import json_sha256

State = Literal["running", "finished", "stopped", "failed"]
"""A trial that is "stopped" was, before its last fold, worse than others; "running" after the end means interrupted."""

DIED: Final = "its worker died"
"""The error of a trial whose worker was killed, for want of memory or by someone; such a trial is tried again."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One trial.

    Attributes:
        number: Counts trials from 1, in the order of their beginning.
        settings: What it sets.
        values: The same as Optuna proposed it, before rounding.
        state: What became of it.
        study: Name of its folder among the trials; None where it has none yet.
        error: The error of a failed one, in one line.
        times: How often it has ended: where choices are few, the same ones are proposed again.
    """

    number: int
    settings: dict[str, str]
    values: dict[str, Any]
    state: State = "running"
    study: str | None = None
    error: str | None = None
    times: int = 0


class Records:
    """The records of one search on disk; only the process that leads the search writes them.

    Args:
        folder: Of the search.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "records"

    def all(self) -> list[Record]:
        """All trials, in the order of their numbers.

        Raises:
            UserError: If a record cannot be read.
        """
        found = []
        for path in self._folder.glob("[!.]*.json"):  # without what is just being written
            try:
                found.append(Record(**json.loads(path.read_text(encoding="utf-8"))))
            except (OSError, ValueError, TypeError) as error:
                raise UserError(f"{path}: cannot be read ({error}); delete it, the trial is run again") from None
        return sorted(found, key=lambda record: record.number)

    def ended(self) -> int:
        """How many trials have ended, repeated ones counted each time."""
        return sum(record.times for record in self.all())

    def retry(self, records: Sequence[Record]) -> list[Record]:
        """Let trials count as never ended, so that they are run again."""
        return [self.write(dataclasses.replace(record, times=0)) for record in records]

    def begin(self, settings: Mapping[str, str], values: Mapping[str, Any]) -> Record:
        """Note that a trial runs; one that ran before keeps its number.

        Args:
            settings: Config keys and values of the trial.
            values: What Optuna chose.
        """
        before = self.find(settings)
        number = before.number if before else len(self.all()) + 1
        study, times = (before.study, before.times) if before else (None, 0)
        return self.write(Record(number, dict(settings), dict(values), study=study, times=times))

    def find(self, settings: Mapping[str, str]) -> Record | None:
        """The record of the trial with these settings."""
        path = self._path(settings)
        return Record(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None

    def write(self, record: Record) -> Record:
        """Keep a record."""
        write_json(self._path(record.settings), dataclasses.asdict(record))
        return record

    def _path(self, settings: Mapping[str, str]) -> Path:
        return self._folder / f"{json_sha256(dict(settings))[:16]}.json"
