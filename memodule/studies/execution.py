"""Running folds: one after the other in this process, or as Ray tasks (`ray_tasks`)."""

import functools
import traceback
from collections.abc import Sequence

from memodule import console
from memodule.errors import UserError
from memodule.studies.failures import forget_error, keep_error
from memodule.studies.fold import one_device
from memodule.studies.plan import Job
from memodule.studies.work import Meter, Workers, run_job


def run_jobs(jobs: Sequence[Job], workers: Workers) -> dict[str, str]:
    """Run every job that is not finished yet; a failing one does not stop the others.

    Args:
        jobs: Folds, finished ones included.
        workers: Where to run them.

    Returns:
        For each failed fold the first line of its error; the whole traceback is in the fold's `error.txt`.

    Raises:
        UserError: If a fold is to be spread over several processes that Ray knows nothing of, or the disk is full.
    """
    if jobs and not workers.in_process and not one_device(jobs[0]):
        raise UserError("trainer.devices: folds on Ray take one device each; spread one over several with --workers 1")
    waiting = [job for job in jobs if not job.finished]
    epochs = int(jobs[0].config["trainer"]["max_epochs"] or 0) if jobs else 0
    with console.progress_bar() as bar:
        task = bar.add_task("folds", total=len(jobs) * max(epochs, 1))
        meter = Meter(bar, task, max(epochs, 1), done=len(jobs) - len(waiting), folds=len(jobs))
        if not waiting:
            return {}
        if workers.in_process:
            return _run_here(waiting, workers, meter)
        from memodule.studies.ray_tasks import run_with_ray  # which imports Ray

        return run_with_ray(waiting, workers, meter)


def _run_here(jobs: Sequence[Job], workers: Workers, meter: Meter) -> dict[str, str]:
    failed = {}
    for job in jobs:
        try:
            run_job(job, workers, functools.partial(meter.epoch, job))
            forget_error(job)
        except Exception as error:
            failed[job.name] = keep_error(job, error, traceback.format_exc())
            if not one_device(job):  # the fold's other processes wait for this one in the middle of their step
                return failed
        meter.end(job)
    return failed
