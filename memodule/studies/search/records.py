"""The records of a search's trials: a small file each, so that a kill loses nothing.

runs/search-demo-1f2e3d4c/
    search.json         what is searched: configs, space, folds, seed
    space.yaml          a copy of the space file
    optuna.log          the journal of Optuna, from which it continues to propose
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

TrialState = Literal["running", "finished", "stopped", "failed"]
"""A "stopped" trial was worse than others before its last fold; "running" after the end means interrupted."""

DIED: Final = "its worker died"
"""The error of a trial whose worker was killed, by the system for lack of memory or by a user; it is tried again."""


@dataclasses.dataclass(frozen=True)
class TrialRecord:
    """One trial.

    Attributes:
        number: Counts trials from 1, in the order in which they began.
        settings: Config keys and values, as `--set` takes them.
        values: The same as Optuna proposed it, before rounding.
        study: Name of its folder in `trials/`; None before its first fold.
        error: The error of a failed trial, in one line.
        times: How often it has ended: with few choices, the same ones are proposed again.
    """

    number: int
    settings: dict[str, str]
    values: dict[str, Any]
    state: TrialState = "running"
    study: str | None = None
    error: str | None = None
    times: int = 0


class TrialRecords:
    """The records in a search's folder; only the process that leads the search writes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "records"

    def all(self) -> list[TrialRecord]:
        """All trials, by number.

        Raises:
            UserError: If a record cannot be read.
        """
        paths = self._folder.glob("[!.]*.json")  # not those that are being written
        return sorted(map(_read, paths), key=lambda record: record.number)

    def in_state(self, state: TrialState) -> list[TrialRecord]:
        """All trials in one state, by number."""
        return [record for record in self.all() if record.state == state]

    def ended(self) -> int:
        """How many trials have ended; repeated ones count each time."""
        return sum(record.times for record in self.all())

    def retry(self, records: Sequence[TrialRecord]) -> list[TrialRecord]:
        """Count trials as never ended, so that they are run again."""
        return [self.write(dataclasses.replace(record, times=0)) for record in records]

    def begin(self, settings: Mapping[str, str], values: Mapping[str, Any]) -> TrialRecord:
        """Note that a trial runs, with its settings and what Optuna chose; one that ran before keeps its number."""
        before = self.find(settings)
        number = before.number if before else len(self.all()) + 1
        study, times = (before.study, before.times) if before else (None, 0)
        return self.write(TrialRecord(number, dict(settings), dict(values), study=study, times=times))

    def find(self, settings: Mapping[str, str]) -> TrialRecord | None:
        """The record of the trial with these settings, if there is one."""
        path = self._path(settings)
        return _read(path) if path.is_file() else None

    def write(self, record: TrialRecord) -> TrialRecord:
        """Write a record to disk."""
        write_json(self._path(record.settings), dataclasses.asdict(record))
        return record

    def _path(self, settings: Mapping[str, str]) -> Path:
        return self._folder / f"{settings_key(settings)}.json"


def settings_key(settings: Mapping[str, str]) -> str:
    """Name of a trial's files, the same for the same settings."""
    return json_sha256(dict(settings))[:16]


def _read(path: Path) -> TrialRecord:
    try:
        return TrialRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); delete it, and the trial is run again") from None
