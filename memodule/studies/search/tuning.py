"""The search itself: Optuna proposes, Ray Tune runs the trials in parallel, ASHA stops the poor ones early.

Optuna's journal and the records of trials are written as they happen, and finished folds are kept by their studies.
However a search ends, the next run of the same command resumes it, also with more trials than before. (Ray Tune's own
`Tuner.restore` supports neither more trials nor an early kill.)
"""

import contextlib
import dataclasses
import logging
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from memodule import console
from memodule.runtime.digests import json_sha256
from memodule.runtime.environment import environment, unless_set
from memodule.runtime.interrupts import held_back
from memodule.runtime.private_interfaces import queued_parameters
from memodule.studies.ray_tasks import passed_on, start_ray, stop_ray
from memodule.studies.search.planning import Search
from memodule.studies.search.records import DIED, TrialRecord, TrialRecords
from memodule.studies.work import Meter, Workers

_HALVING: Final = 2
"""Of the trials that reach a rung (grace, twice the grace, ...), one in this many continues."""

_RETRIES: Final = 2
"""How often a trial whose worker died is run again."""

_STUDY: Final = "search"

_ENVIRONMENT: Final = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths in configs mean what they mean here
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # we write what is worth keeping
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends the command between two steps; everything is saved by then
    "RAY_AIR_NEW_OUTPUT": "0",
}


def run_trials(search: Search, workers: Workers, trials: int, on_end: Callable[[], object]) -> None:
    """Run trials, one process each, until that many have ended, those of earlier runs of the search included."""
    records = TrialRecords(search.folder)
    with console.progress_bar(slow=True) as bar, _quiet():
        meter = Meter(bar, "trial", "folds", trials, len(search.base.jobs))  # folds: the time left is known early

        def after_trial(trial: str) -> None:
            meter.end(trial)
            on_end()

        again = [*records.in_state("running"), *records.retry(records.in_state("failed"))]
        for attempt in range(1 + _RETRIES):
            if attempt:
                again = records.retry([record for record in records.in_state("failed") if record.error == DIED])
            meter.restart(records.ended())
            if records.ended() < trials:
                _tune(search, workers, trials - records.ended(), again, meter.step, after_trial)


def _tune(
    search: Search,
    workers: Workers,
    count: int,
    again: Sequence[TrialRecord],
    on_fold: Callable[[str, int], object],
    on_end: Callable[[str], object],
) -> None:
    from ray import tune

    from memodule.studies.search.trial import FoldByFold, TrialOrders
    from memodule.studies.search.watching import Watcher

    storage = search.folder / "tune"
    with held_back() as look:  # Optuna's journal must not be left locked
        try:
            start_ray(workers)
            proposals, halving = _proposals(search, again), _halving(search)
            trainable = tune.with_parameters(FoldByFold, orders=TrialOrders(search, workers.threads, passed_on()))
            tuner = tune.Tuner(
                tune.with_resources(trainable, {"CPU": workers.threads, "GPU": workers.gpus_per_fold}),
                tune_config=tune.TuneConfig(
                    search_alg=proposals,
                    scheduler=halving,
                    num_samples=count,
                    max_concurrent_trials=workers.count,
                    reuse_actors=True,
                ),
                run_config=tune.RunConfig(
                    name=uuid.uuid4().hex,
                    storage_path=str(storage),
                    verbose=0,
                    callbacks=[Watcher(search, on_fold, on_end, look)],
                    failure_config=tune.FailureConfig(max_failures=0),
                    checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                ),
            )
            tuner.fit()
        finally:
            stop_ray()
            shutil.rmtree(storage, ignore_errors=True)


def _proposals(search: Search, again: Sequence[TrialRecord]) -> Any:
    """Optuna, with the trials of earlier runs of the search."""
    import optuna
    from optuna.trial import TrialState
    from ray.tune.search.optuna import OptunaSearch

    from memodule.studies.search.trial import OBJECTIVE

    storage = _journal(search)
    study = optuna.create_study(study_name=_STUDY, storage=storage, direction="maximize", load_if_exists=True)
    queued = []
    for trial in study.get_trials(deepcopy=False):
        if trial.state == TrialState.RUNNING:  # of a run that was interrupted
            study.tell(trial.number, state=TrialState.FAIL)
        elif trial.state == TrialState.WAITING:
            queued.append(queued_parameters(trial))
    for record in again:
        if record.values not in queued:
            study.enqueue_trial(record.values)
    # Another run must not draw the same random numbers again.
    seed = int(json_sha256([search.base.seeds[0], len(study.trials)])[:8], 16)
    if search.sampler == "random":
        sampler: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed=seed)
    else:
        sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    return OptunaSearch(search.space, metric=OBJECTIVE, mode="max", sampler=sampler, storage=storage, study_name=_STUDY)


def _halving(search: Search) -> Any:
    """ASHA over folds, with the scores of earlier runs after each fold."""
    import optuna
    from optuna.trial import TrialState
    from ray.tune.schedulers import AsyncHyperBandScheduler

    from memodule.studies.search.trial import OBJECTIVE

    folds = len(search.base.jobs)
    scheduler = AsyncHyperBandScheduler(
        "folds", OBJECTIVE, "max", max_t=folds, grace_period=search.grace, reduction_factor=_HALVING
    )
    controller: Any = None  # ASHA does not use it
    for trial in optuna.load_study(study_name=_STUDY, storage=_journal(search)).get_trials(deepcopy=False):
        if trial.state == TrialState.COMPLETE:
            earlier = dataclasses.make_dataclass("Earlier", ["trial_id"])(f"earlier-{trial.number}")
            scheduler.on_trial_add(controller, earlier)
            for done, value in sorted(trial.intermediate_values.items()):
                scheduler.on_trial_result(controller, earlier, {"folds": done, OBJECTIVE: value})
    return scheduler


def _journal(search: Search) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(search.folder / "optuna.log")))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the messages of Ray Tune and Optuna off the terminal; a search has its own progress bar."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    loggers = ("ray.tune", "ray.air", "ray.train")
    with environment(unless_set(_ENVIRONMENT)), console.silenced(loggers, logging.CRITICAL, "optuna|ray"):
        yield
