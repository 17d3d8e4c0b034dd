"""What Weights & Biases receives from a search: one run per trial that has ended, and a summary, all in one group.

The process that leads the search writes them, from the results on disk, and before a trial counts as ended. So whatever
kills a worker or the search, every trial of the leaderboard has its run.
"""

import csv
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from memodule.studies.inner import inner_scores
from memodule.studies.search.search import Search
from memodule.studies.study import Study
from memodule.studies.tracking import group_run, log_media, uses_wandb

if TYPE_CHECKING:
    from memodule.studies.search.leaderboard import Leaderboard


def log_trial(search: Search, study_name: str, settings: Mapping[str, str], state: str) -> None:
    """Log the running scores of a trial, one step a fold; nothing happens without Weights & Biases.

    Args:
        search: The search.
        study_name: Folder of the trial among the trials.
        settings: Of the trial.
        state: What became of it.
    """
    if not uses_wandb(search.base.config):
        return
    study, (seed,) = Study.open(search.trials / study_name), search.base.seeds
    folds = [subject for subject in search.base.subjects if subject in study.finished(seed)]
    about = {"settings": dict(settings), "state": state, "folds": len(folds), "all_folds": len(search.base.subjects)}
    with group_run(search.folder, "trial", study_name, study.config, {"search": about}, search.base.config) as run:
        run.define_metric("folds")
        run.define_metric("inner/*", step_metric="folds")
        results = []
        for done, subject in enumerate(folds, 1):
            results.append(study.fold(subject, seed).result)
            scores = inner_scores(results, study.protocol) or {}
            run.log({**{f"inner/{name}": value for name, value in scores.items()}, "folds": done}, step=done)


def log_summary(board: "Leaderboard", values: Mapping[str, Any]) -> None:
    """Log the leaderboard as a table, the winner, and the nested estimate."""
    search = board.search
    if not uses_wandb(search.base.config):
        return
    rows = list(csv.DictReader(board.csv().splitlines()))
    with group_run(search.folder, "summary", "summary", search.base.config, {"space": search.space.describe()}) as run:
        run.summary.update({name: values[name] for name in ("complete", "winner", "nested_estimate")})
        log_media(run, {"leaderboard": rows})
