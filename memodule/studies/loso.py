"""Leave-one-subject-out studies from plan to pooled scores."""

import dataclasses
from typing import Any

from memodule.atomic import write_json
from memodule.decoding import write_predictions, write_truth
from memodule.studies.execution import Workers, run_jobs
from memodule.studies.plan import Plan
from memodule.studies.redecoding import take_curves
from memodule.studies.results import pool_study, provenance
from memodule.studies.study import Study
from memodule.studies.summary import log_summary
from memodule.studies.text import results_text


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a study ended.

    Attributes:
        study: The study on disk.
        results: Contents of its `results.json`; partial where folds are missing.
        failed: For each fold that failed the error in one line.
    """

    study: Study
    results: dict[str, Any] | None
    failed: dict[str, str]

    def text(self, files: bool = True) -> str:
        """What the terminal shows: the scores, what failed, and the files to open."""
        parts = [results_text(self.results)] if self.results else ["no fold is finished; nothing to score"]
        if self.failed:
            parts.append("failed folds (the same command tries them again):")
            parts += [f"  {name}: {error}" for name, error in self.failed.items()]
        if files:
            parts.append(f"results: {self.study.folder / 'results.json'}")
            parts.append(f"page:    memodule report {self.study.folder}")
        return "\n".join(parts)


def run_study(plan: Plan, workers: Workers) -> Outcome:
    """Run what is not finished, pool, and write the study's files.

    Args:
        plan: What to run; folds that are finished are kept.
        workers: Where to run it.

    Raises:
        UserError: If the folder cannot be written or the cluster does not answer.
    """
    study = Study.begin(plan)
    failed = run_jobs(plan.jobs, workers)
    return Outcome(study, pool_and_write(study), failed)


def decode_study(trained: Study, plan: Plan) -> Outcome:
    """Finish a plan with the curves of a study that differs in its selection rule only, pool, and write its files.

    Args:
        trained: The study with the curves.
        plan: The same experiment with another rule.

    Raises:
        UserError: If the curves cannot serve the plan, or the folder cannot be written.
    """
    study = take_curves(trained, plan)
    return Outcome(study, pool_and_write(study), {})


def pool_and_write(study: Study) -> dict[str, Any] | None:
    """Write results.json, provenance.json, predictions.csv and truth.csv, and log the summary run.

    Returns:
        The results, or None where no fold is finished.
    """
    if not any(study.finished(seed) for seed in study.seeds):
        return None
    results = pool_study(study)
    first = study.seeds[0]
    found = [video for subject in study.finished(first) for video in study.decoded(subject, first)]
    write_json(study.folder / "results.json", results)
    write_json(study.folder / "provenance.json", provenance(study))
    write_predictions(study.folder / "predictions.csv", found)
    write_truth(study.folder / "truth.csv", study.catalog.expressions)
    log_summary(study, results, found)
    return results
