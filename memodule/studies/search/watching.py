"""Keeping the records of trials while Ray Tune runs them, and looking for interruptions."""

import dataclasses
from collections.abc import Callable
from typing import Any

from ray import tune
from typing_extensions import override

from memodule.studies.inner import inner_scores
from memodule.studies.search.planning import Search
from memodule.studies.search.records import DIED, TrialRecord, TrialRecords, TrialState
from memodule.studies.search.trial import read_failure
from memodule.studies.study import Study
from memodule.studies.tracking import group_run, uses_wandb


class Watcher(tune.Callback):
    """Writes the record of a trial when it begins and when it ends.

    Args:
        on_fold: Called with the trial's id and its number of finished folds.
        on_end: Called with the id of a trial that has ended.
        on_step: Called between two steps of Ray Tune; what it raises ends the search.
    """

    def __init__(
        self,
        search: Search,
        on_fold: Callable[[str, int], object],
        on_end: Callable[[str], object],
        on_step: Callable[[], object],
    ) -> None:
        self._search, self._on_fold, self._on_end, self._on_step = search, on_fold, on_end, on_step
        self._records = TrialRecords(search.folder)

    def __getstate__(self) -> dict[str, Any]:
        """Ray Tune keeps copies on disk; what draws on a terminal cannot be copied and is not needed there."""
        return {**self.__dict__, "_on_fold": None, "_on_end": None, "_on_step": None}

    @override
    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._on_step()

    @override
    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._records.begin(self._settings(trial), trial.config)

    @override
    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        record = self._records.find(self._settings(trial))
        if record and record.study is None:
            self._records.write(dataclasses.replace(record, study=result["study"]))
        self._on_fold(trial.trial_id, result["folds"])

    @override
    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        folds = trial.last_result.get("folds", 0)
        self._end(trial, "finished" if folds == len(self._search.base.jobs) else "stopped")

    @override
    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._end(trial, "failed", read_failure(self._search, self._settings(trial)) or DIED)

    def _end(self, trial: Any, state: TrialState, error: str | None = None) -> None:
        settings = self._settings(trial)
        record = self._records.find(settings)
        record = record or TrialRecord(len(self._records.all()) + 1, settings, dict(trial.config))
        study = trial.last_result.get("study", record.study)
        ended = dataclasses.replace(record, state=state, study=study, error=error, times=record.times + 1)
        if study is not None:
            log_trial(self._search, ended)
        self._records.write(ended)
        self._on_end(trial.trial_id)

    def _settings(self, trial: Any) -> dict[str, str]:
        return self._search.space.settings(trial.config)


def log_trial(search: Search, record: TrialRecord) -> None:
    """Log the running scores of a trial that has ended, one step a fold, where the search logs to Weights & Biases.

    The process that leads the search logs them from the results on disk, before a trial counts as ended: whatever kills
    a worker or the search, every trial of the leaderboard has its W&B run.
    """
    if not uses_wandb(search.base.config) or record.study is None:
        return
    study, (seed,) = Study.open(search.trials / record.study), search.base.seeds
    folds = [subject for subject in search.base.subjects if subject in study.finished(seed)]
    about = {
        "settings": record.settings,
        "state": record.state,
        "folds": len(folds),
        "all_folds": len(search.base.subjects),
    }
    with group_run(search.folder, "trial", record.study, study.config, {"search": about}, search.base.config) as run:
        run.define_metric("folds")
        run.define_metric("inner/*", step_metric="folds")
        results = []
        for done, subject in enumerate(folds, 1):
            results.append(study.fold(subject, seed).result)
            scores = inner_scores(results, study.protocol) or {}
            run.log({**{f"inner/{name}": value for name, value in scores.items()}, "folds": done}, step=done)
