"""Folds as Ray tasks, on this machine or on a cluster: one task per fold, placed by Ray."""

import contextlib
import os
import platform
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from memodule.errors import UserError
from memodule.runtime import own_parts, wandb_environment
from memodule.runtime.interrupts import held_back, own_handlers, undisturbed
from memodule.runtime.workers import processors
from memodule.studies.cluster_address import no_answer, require_answer
from memodule.studies.failures import first_line, forget_error, keep_error
from memodule.studies.plan import Job
from memodule.studies.work import Meter, Workers, run_job

_RETRIES: Final = 2
"""How often a fold is repeated after its worker died of a signal, a lost machine or a lack of memory."""

_LOOK_EVERY: Final = 0.5
"""Seconds between two checks of the running folds."""

_ARRIVAL: Final = 10.0
"""Seconds that a network file system may take to show a file from another machine."""

_OBJECT_STORE: Final = 100 * 2**20
"""Bytes of shared memory for Ray, which would otherwise reserve a third of memory; folds pass only their names."""

_PASSED_ON: Final = (*wandb_environment.PASSED_ON, "MEMODULE_SCAN", own_parts.VARIABLE)
"""Environment variables that folds on other machines need too; workers on this machine inherit them."""


def run_with_ray(jobs: Sequence[Job], workers: Workers, meter: Meter) -> dict[str, str]:
    """Run unfinished jobs as Ray tasks and return the failed folds' errors; a task whose worker dies is repeated.

    Raises:
        UserError: If no cluster answers, a fold needs more than any machine has, or the disk is full.
    """
    running: dict[Any, Job] = {}
    with held_back() as look:
        try:
            start_ray(workers)
            return _run_all(jobs, workers, meter, running, look)
        finally:
            stop_ray(running)


def _run_all(
    jobs: Sequence[Job], workers: Workers, meter: Meter, running: dict[Any, Job], look: Callable[[], None]
) -> dict[str, str]:
    """Keep `running` filled until every job has ended; `look` raises if the user interrupts."""
    import ray

    task = ray.remote(**_options(workers))(_fold_task)
    failed: dict[str, str] = {}
    waiting = list(reversed(jobs))
    while waiting or running:
        look()
        while waiting and len(running) < (workers.count or len(jobs)):
            job = waiting.pop()
            _heartbeat(job).unlink(missing_ok=True)  # of a worker that died
            running[task.remote(job, workers)] = job
        ended, _ = ray.wait(list(running), timeout=_LOOK_EVERY)
        for reference in ended:
            job = running.pop(reference)
            try:
                _require_arrival(job, ray.get(reference), look)
                forget_error(job)
            except Exception as error:
                failed[job.name] = keep_error(job, _plain(error), str(error))
            meter.end(job.name)
        for job in running.values():
            meter.step(job.name, _epochs(job))
    return failed


def _options(workers: Workers) -> dict[str, Any]:
    """Options of a fold's task. Ray reuses workers, except with GPUs, since a process cannot change its GPU."""
    options: dict[str, Any] = {"num_cpus": workers.threads, "num_gpus": workers.gpus_per_fold, "max_retries": _RETRIES}
    if workers.address is not None:
        options["runtime_env"] = {"env_vars": passed_on()}
    return options


def passed_on() -> dict[str, str]:
    """Environment variables of this process that workers on other machines need too."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def start_ray(workers: Workers) -> None:
    """Start Ray on this machine, or connect to the cluster.

    Raises:
        UserError: If no cluster answers, or no machine has what a fold needs.
    """
    require_answer(workers.address)
    try:
        with own_handlers():  # at SIGTERM, Ray would exit silently or print a stack
            _connect(workers)
    except SystemExit:  # how Ray reacts to SIGTERM while it starts
        raise KeyboardInterrupt from None
    _require_resources(workers)


def stop_ray(running: Iterable[Any] = ()) -> None:
    """Disconnect from Ray, and cancel running tasks, which a cluster would otherwise finish without us."""
    import ray

    with undisturbed():
        for reference in running:
            ray.cancel(reference, force=True)
        ray.shutdown()


def _connect(workers: Workers) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_task_oom_retries", str(_RETRIES))  # Ray would retry forever
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if workers.address is None:  # without "local", Ray joins any cluster that runs on this machine
        if not any(name in os.environ for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # Ray would write one to the home folder
        cpus = workers.count * workers.threads if workers.count else max(processors(), workers.threads)
        ray.init("local", num_cpus=cpus, include_dashboard=False, object_store_memory=_OBJECT_STORE, **quiet)
    else:
        try:
            ray.init(address=workers.address, **quiet)
        except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            raise UserError(f"--address {workers.address}: {_no_cluster(error)}") from None


def _require_resources(workers: Workers) -> None:
    """Refuse what no machine has; Ray would wait forever."""
    import ray

    wanted = {"GPU": (workers.gpus_per_fold, "--gpus-per-fold"), "CPU": (workers.threads, "--threads")}
    known = ray.nodes()  # type: ignore[no-untyped-call]
    nodes = [node["Resources"] for node in known if node["Alive"]]
    for kind, (amount, option) in wanted.items():
        most = max((node.get(kind, 0) for node in nodes), default=0)
        if amount > most:
            ray.shutdown()
            raise UserError(f"{option} {amount:g}: no machine of the cluster has more than {most:g} {kind}s")


def _no_cluster(error: BaseException) -> str:
    """Why the connection failed, and how to fix it."""
    reason = first_line(error)
    if type(error).__name__ == "AuthenticationError" or "AuthToken" in f"{error} {error.__cause__}":
        return (
            "that Ray cluster requires a token; set RAY_AUTH_MODE=token, and put the token of its head node into "
            "~/.ray/auth_token or RAY_AUTH_TOKEN"
        )
    if "ray[client]" in reason:
        return "ray:// needs `pip install 'ray[client]'`; or use HOST:PORT of the cluster's head node"
    return no_answer(reason)


def _fold_task(job: Job, workers: Workers) -> str:
    """Run the fold in a Ray worker, with a heartbeat after every epoch; returns the name of the machine."""
    heartbeat = _heartbeat(job)

    def beat(epochs: int) -> None:
        with contextlib.suppress(OSError):  # only the progress bar needs it
            heartbeat.write_text(str(epochs))

    try:
        run_job(job, workers, beat)
    finally:
        heartbeat.unlink(missing_ok=True)
    return platform.node()


def _heartbeat(job: Job) -> Path:
    return job.folder / "epochs"


def _epochs(job: Job) -> int:
    """Finished epochs of a running fold, as its worker last reported."""
    try:
        return int(_heartbeat(job).read_text())
    except (OSError, ValueError):  # not started, or being written
        return 0


def _require_arrival(job: Job, host: str, look: Callable[[], None]) -> None:
    """Wait until the result that a worker has written appears here.

    Raises:
        UserError: If it does not.
    """
    until = time.monotonic() + _ARRIVAL
    while not job.finished:
        if time.monotonic() > until:
            raise UserError(
                f"{host} has finished this fold, but {job.folder / 'result.json'} is not here: --runs must be a folder "
                f"that all machines of the cluster share"
            )
        time.sleep(_LOOK_EVERY)
        look()
        with contextlib.suppress(OSError):
            list(job.folder.parent.iterdir())  # refreshes a network file system


def _plain(error: Exception) -> BaseException:
    """The fold's own error, or why its worker died."""
    import ray

    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return UserError(f"memory ran out {_RETRIES + 1} times; use fewer --workers, or a smaller data.batch_size")
    if isinstance(error, ray.exceptions.WorkerCrashedError | ray.exceptions.NodeDiedError):
        return UserError(f"its worker died {_RETRIES + 1} times, perhaps for lack of memory; use fewer --workers")
    return getattr(error, "cause", None) or error
