"""Running folds: one after the other in this process, or as Ray tasks on this machine or a cluster."""

import contextlib
import dataclasses
import functools
import os
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress, TaskID

from memodule import console
from memodule.atomic import write_text
from memodule.errors import UserError
from memodule.studies.fold import run_fold
from memodule.studies.plan import Job
from memodule.studies.redecoding import redecode_fold

_RETRIES: Final = 2
"""How often a fold is tried again whose worker died."""

_LOOK_EVERY: Final = 0.5
"""Seconds between two looks at running folds."""

_PASSED_ON: Final = ("WANDB_MODE", "WANDB_SILENT", "WANDB_CONSOLE", "WANDB_BASE_URL", "MEMODULE_SCAN")
"""Environment variables that folds on other machines need too."""


@dataclasses.dataclass(frozen=True)
class Workers:
    """Where folds run.

    Attributes:
        count: Folds at a time; 1 runs them in this process. None takes all processors of this machine, or lets the
            cluster decide.
        gpus_per_fold: Share of a GPU that a fold takes: .25 lets four folds share one; 0 uses none, except in this
            process, where the trainer's own settings count.
        address: An existing Ray cluster ("auto" or host:port); None starts Ray on this machine.
        threads: CPU threads per fold. Another number may change the last bits of a result.
        save_checkpoints: Whether to keep the trained weights.
    """

    count: int | None = 1
    gpus_per_fold: float = 0.0
    address: str | None = None
    threads: int = 1
    save_checkpoints: bool = True

    def __post_init__(self) -> None:
        if self.gpus_per_fold < 0 or (self.gpus_per_fold > 1 and self.gpus_per_fold % 1):
            raise UserError(f"--gpus-per-fold {self.gpus_per_fold:g}: give a share from 0 to 1, or a whole number")
        if self.threads < 1:
            raise UserError(f"--threads {self.threads}: give a whole number of at least 1")

    @property
    def in_process(self) -> bool:
        """Whether folds run here, without Ray; Ray alone gives a fold its own GPU."""
        return self.count == 1 and self.address is None and not self.gpus_per_fold


def run_jobs(jobs: Sequence[Job], workers: Workers) -> dict[str, str]:
    """Run every job that is not finished yet; a failing one does not stop the others.

    Args:
        jobs: Folds, finished ones included.
        workers: Where to run them.

    Returns:
        For each failed fold the first line of its error; the whole traceback is in the fold's `error.txt`.

    Raises:
        UserError: If a fold is to be spread over several processes that Ray knows nothing of.
    """
    if jobs and not workers.in_process and jobs[0].config["trainer"]["devices"] not in ("auto", 1, "1"):
        raise UserError("trainer.devices: folds on Ray take one device each; spread one over several with --workers 1")
    waiting = [job for job in jobs if not job.finished]
    epochs = int(jobs[0].config["trainer"]["max_epochs"] or 0) if jobs else 0
    with console.progress_bar() as bar:
        task = bar.add_task("folds", total=len(jobs) * max(epochs, 1))
        meter = _Meter(bar, task, max(epochs, 1), done=len(jobs) - len(waiting), folds=len(jobs))
        if not waiting:
            return {}
        run = _run_here if workers.in_process else _run_with_ray
        return run(waiting, workers, meter)


class _Meter:
    """Progress in epochs over all folds."""

    def __init__(self, bar: Progress, task: TaskID, epochs: int, done: int, folds: int) -> None:
        self._bar, self._task, self._epochs, self._done, self._folds = bar, task, epochs, done, folds
        self._running: dict[str, int] = {}
        self._show()

    def epoch(self, job: Job, finished: int) -> None:
        self._running[job.name] = finished
        self._show()

    def end(self, job: Job) -> None:
        self._running.pop(job.name, None)
        self._done += 1
        self._show()

    def _show(self) -> None:
        completed = self._done * self._epochs + sum(min(count, self._epochs) for count in self._running.values())
        text = f"fold {min(self._done + 1, self._folds)} of {self._folds}, epochs"
        self._bar.update(self._task, completed=completed, description=text)


def _run_here(jobs: Sequence[Job], workers: Workers, meter: _Meter) -> dict[str, str]:
    failed = {}
    for job in jobs:
        try:
            _run(job, workers, functools.partial(meter.epoch, job))
            _forget_error(job)
        except Exception as error:
            failed[job.name] = _keep_error(job, error, traceback.format_exc())
        meter.end(job)
    return failed


def _run(job: Job, workers: Workers, on_epoch: Callable[[int], object]) -> None:
    """Train the fold, or decode its curves again."""
    if job.curves is not None:
        redecode_fold(job)
    else:
        run_fold(job, workers.threads, workers.save_checkpoints, on_epoch)


def _run_with_ray(jobs: Sequence[Job], workers: Workers, meter: _Meter) -> dict[str, str]:
    """One Ray task per fold; a task whose worker dies is tried again."""
    import ray

    start_ray(workers)
    environment = {"env_vars": {name: os.environ[name] for name in _PASSED_ON if name in os.environ}}
    task = ray.remote(
        num_cpus=workers.threads, num_gpus=workers.gpus_per_fold, max_retries=_RETRIES, runtime_env=environment
    )(_fold_task)
    failed: dict[str, str] = {}
    running: dict[Any, Job] = {}
    waiting = list(reversed(jobs))
    try:
        while waiting or running:
            while waiting and len(running) < (workers.count or len(jobs)):
                job = waiting.pop()
                running[task.remote(job, workers)] = job
            ended, _ = ray.wait(list(running), timeout=_LOOK_EVERY)
            for reference in ended:
                job = running.pop(reference)
                try:
                    ray.get(reference)
                    _forget_error(job)
                except Exception as error:
                    failed[job.name] = _keep_error(job, getattr(error, "cause", None) or error, str(error))
                meter.end(job)
            for job in running.values():
                meter.epoch(job, _heard(job))
    finally:
        for reference in running:  # interrupted: leave nothing running on a cluster that lives on without us
            ray.cancel(reference, force=True)
        ray.shutdown()
    return failed


def start_ray(workers: Workers) -> None:
    """Start Ray on this machine, or connect to the cluster.

    Raises:
        UserError: If there is no cluster at the address, or a fold would wait for ever for what is not there.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if workers.address is None:  # "local", because without an address Ray joins whatever cluster runs on this machine
        count = workers.count or os.cpu_count() or 1
        ray.init("local", num_cpus=count * workers.threads, include_dashboard=False, **quiet)
    else:
        try:
            ray.init(address=workers.address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(
                f"--address {workers.address}: no Ray cluster answers there ({reason}); start one with "
                f"`ray start --head`"
            ) from None
    wanted = {"GPU": (workers.gpus_per_fold, "--gpus-per-fold"), "CPU": (workers.threads, "--threads")}
    known = ray.nodes()  # type: ignore[no-untyped-call]
    nodes = [node["Resources"] for node in known if node["Alive"]]
    for kind, (amount, option) in wanted.items():
        most = max((node.get(kind, 0) for node in nodes), default=0)
        if amount > most:
            ray.shutdown()
            raise UserError(f"{option} {amount:g}: no machine that Ray knows has more than {most:g} {kind}s")


def _fold_task(job: Job, workers: Workers) -> None:
    """What a Ray worker does: the fold, and a sign of life after every epoch."""
    heartbeat = _heartbeat(job)
    heartbeat.parent.mkdir(parents=True, exist_ok=True)
    heartbeat.write_text("0")
    _run(job, workers, lambda epochs: heartbeat.write_text(str(epochs)))
    heartbeat.unlink(missing_ok=True)


def _heartbeat(job: Job) -> Path:
    return job.folder / "epochs"


def _heard(job: Job) -> int:
    """Finished epochs of a running fold, as far as its worker has told."""
    try:
        return int(_heartbeat(job).read_text())
    except (OSError, ValueError):  # not begun, or being written
        return 0


def _keep_error(job: Job, error: BaseException, details: str) -> str:
    """Write the whole error beside the fold and give its first line."""
    line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    with contextlib.suppress(OSError):  # a full or read-only disk is told by the line alone
        write_text(job.folder / "error.txt", details + "\n")
    return line if isinstance(error, UserError) else f"{type(error).__name__}: {line}"


def _forget_error(job: Job) -> None:
    with contextlib.suppress(OSError):
        (job.folder / "error.txt").unlink(missing_ok=True)
