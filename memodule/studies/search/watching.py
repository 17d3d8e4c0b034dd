"""Keeping the records of trials while Ray Tune runs them, and looking for interruptions."""

import dataclasses
from collections.abc import Callable
from typing import Any

from ray import tune

from memodule.studies.search.records import DIED, Record, Records, State
from memodule.studies.search.search import Search
from memodule.studies.search.tracking import log_trial
from memodule.studies.search.trial import read_failure


class Watcher(tune.Callback):
    """Writes the record of a trial when it begins and, after its run on the dashboard, when it ends.

    Args:
        search: The search.
        on_end: Called whenever a trial has ended.
        on_step: Called between two steps of Ray Tune; what it raises ends the search.
    """

    def __init__(self, search: Search, on_end: Callable[[], object], on_step: Callable[[], object]) -> None:
        self._search, self._on_end, self._on_step = search, on_end, on_step
        self._records = Records(search.folder)

    def __getstate__(self) -> dict[str, Any]:
        """Ray Tune keeps copies on disk; what draws on a terminal cannot be copied and is not needed there."""
        return {**self.__dict__, "_on_end": None, "_on_step": None}

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Let others have a look."""
        self._on_step()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Note that the trial runs."""
        self._records.begin(self._settings(trial), trial.config)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Note where the trial's study is, as soon as that is known."""
        record = self._records.find(self._settings(trial))
        if record and record.study is None:
            self._records.write(dataclasses.replace(record, study=result["study"]))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Note how far the trial came."""
        folds = trial.last_result.get("folds", 0)
        self._end(trial, "finished" if folds == len(self._search.base.jobs) else "stopped")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Note why the trial failed."""
        self._end(trial, "failed", read_failure(self._search, self._settings(trial)) or DIED)

    def _end(self, trial: Any, state: State, error: str | None = None) -> None:
        settings = self._settings(trial)
        record = self._records.find(settings) or Record(len(self._records.all()) + 1, settings, dict(trial.config))
        study = trial.last_result.get("study", record.study)
        if study is not None:
            log_trial(self._search, study, settings, state)
        self._records.write(dataclasses.replace(record, state=state, study=study, error=error, times=record.times + 1))
        self._on_end()

    def _settings(self, trial: Any) -> dict[str, str]:
        return self._search.space.settings(trial.config)
