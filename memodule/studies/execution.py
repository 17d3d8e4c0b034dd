"""Runs folds, one after the other in this process or as Ray tasks (`ray_tasks`)."""

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
    """Run every job that is not finished yet; one that fails does not stop the others.

    Returns:
        For each failed fold the first line of its error; the traceback is in its `error.txt`.

    Raises:
        UserError: If folds on Ray are to take several devices each, or the disk is full.
    """
    if jobs and not workers.in_process and not one_device(jobs[0]):
        raise UserError("trainer.devices: a fold on Ray takes one device; use --workers 1 to spread it over several")
    waiting = [job for job in jobs if not job.finished]
    epochs = int(jobs[0].config["trainer"].get("max_epochs") or 0) if jobs else 0
    with console.progress_bar(slow=True) as bar:
        meter = Meter(bar, "fold", "epochs", len(jobs), max(epochs, 1), done=len(jobs) - len(waiting))
        if not waiting:
            return {}
        if workers.in_process:
            return _run_here(waiting, workers, meter)
        from memodule.studies.ray_tasks import run_with_ray

        return run_with_ray(waiting, workers, meter)


def _run_here(jobs: Sequence[Job], workers: Workers, meter: Meter) -> dict[str, str]:
    failed = {}
    for job in jobs:
        try:
            run_job(job, workers, functools.partial(meter.step, job.name))
            forget_error(job)
        except Exception as error:
            failed[job.name] = keep_error(job, error, traceback.format_exc())
            if not one_device(job):  # its other processes still wait in the middle of a step
                return failed
        meter.end(job.name)
    return failed
