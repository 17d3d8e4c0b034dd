"""Leave-one-subject-out studies, from a plan to pooled scores."""

import dataclasses
from typing import Any

from memodule.decoding.decode import write_predictions, write_truth
from memodule.errors import UserError
from memodule.runtime.atomic import write_json
from memodule.runtime.private_interfaces import speaks_for_everyone
from memodule.studies.calibrating import calibrate_study
from memodule.studies.cluster_address import require_answer
from memodule.studies.execution import run_jobs
from memodule.studies.failures import not_writable
from memodule.studies.plan import Plan
from memodule.studies.pooling import decoded_videos, pool_study, provenance
from memodule.studies.redecoding import check_curves
from memodule.studies.study import Study
from memodule.studies.tracking import require_logger
from memodule.studies.work import Workers


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a study ended.

    Attributes:
        results: Contents of its `results.json`; partial where folds are missing, None without any.
        failed: For each fold that failed, its error in one line.
    """

    study: Study
    results: dict[str, Any] | None
    failed: dict[str, str]


def run_study(plan: Plan, workers: Workers, sweep: bool = False) -> Outcome:
    """Run the folds that are not finished, pool, and write the study's files; with `sweep` as the trial of a sweep.

    Raises:
        UserError: If the folder cannot be written, the cluster does not answer, a logger's package is missing, the
            curves to decode belong to another training, or a sweep would choose by held-out subjects.
    """
    if sweep and not plan.config["data"]["inner_validation_subjects"]:
        raise UserError(
            "a sweep compares studies by inner/strs, the score of inner validation subjects; set "
            "data.inner_validation_subjects, since choosing by held-out subjects would flatter the winner"
        )
    require_logger(plan.config)
    check_curves(plan)
    if not all(job.finished for job in plan.jobs):
        require_answer(workers.address)  # before anything is written
    study = Study.begin(plan)
    failed = run_jobs(plan.jobs, workers)
    if not speaks_for_everyone():  # of several processes that share a fold, one pools
        return Outcome(study, None, failed)
    return Outcome(study, pool_and_write(study), failed)


def pool_and_write(study: Study) -> dict[str, Any] | None:
    """Calibrate the folds' rules where other folds have to be finished for it, and write the study's files.

    They are results.json, provenance.json, predictions.csv and truth.csv.

    Returns:
        The results; None without any finished fold.

    Raises:
        UserError: If the files cannot be written.
    """
    first = next((folds for folds in study.finished_folds().values() if folds), None)
    if first is None:
        return None
    try:
        calibrate_study(study)
        results, found = pool_study(study), decoded_videos(first)
        write_json(study.folder / "results.json", results)
        write_json(study.folder / "provenance.json", provenance(study))
        write_predictions(study.folder / "predictions.csv", found)
        write_truth(study.folder / "truth.csv", study.catalog.expressions)
    except OSError as error:
        raise not_writable(study.folder, error) from None
    return results
