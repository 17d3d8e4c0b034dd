"""The scores of a study: counts pooled over all folds first, everything else computed from them."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from memodule.datasets.catalog import Catalog
from memodule.decoding.comparison import VideoIntervals, compared
from memodule.decoding.decode import Decoded
from memodule.decoding.protocol import Protocol
from memodule.metrics.evaluation import details, evaluate, per_subject, tally_subjects
from memodule.metrics.functional import SCORES, Tally, score
from memodule.studies.inner import inner_scores
from memodule.studies.labelled import labelled_scores, tally_labelled
from memodule.studies.study import Study


def pool(
    runs: Mapping[int, Sequence[Decoded]], catalog: Catalog, protocol: Protocol, prior_length: int | None = None
) -> dict[str, Any]:
    """Score what was found in the held-out videos of all folds.

    Counts are pooled over folds and seeds before anything is divided. The mean over folds stands apart, since it
    weighs a subject with one expression like one with twenty.

    Args:
        runs: For each seed the decoded videos of all folds.
        catalog: The scored videos and their labels.
        protocol: The rules.
        prior_length: Length of the intervals that chance throws, in compared frames.

    Returns:
        Plain values for JSON: protocol, leak, spotting, recognition, strs, ci and baselines as `memodule evaluate
        --json` gives them, and by_seed, folds (mean and standard deviation), by_subject, sweep, timing, ranking.
    """
    videos = {seed: [compared(video, catalog, protocol) for video in run] for seed, run in runs.items()}
    together = [video for run in videos.values() for video in run]
    return {
        **evaluate(together, protocol, prior_length=prior_length),
        "by_seed": {str(seed): _scores(run, protocol) for seed, run in videos.items()},
        "folds": _over_folds(videos, protocol),
        "by_subject": per_subject(tally_subjects(together, protocol), protocol),
        **details(together, protocol),
    }


def pool_study(study: Study) -> dict[str, Any]:
    """The contents of a study's `results.json`: the same study gives the same bytes.

    Args:
        study: Finished folds count; where some are missing, `complete` is false.

    Returns:
        docs/data-formats.md names the keys.

    Raises:
        UserError: If a finished fold's file is damaged.
    """
    protocol = study.protocol
    missing = study.missing()
    runs = {seed: [video for s in study.finished(seed) for video in study.decoded(s, seed)] for seed in study.seeds}
    curves = [curve for seed in study.seeds for s in study.finished(seed) for curve in study.curves(s, seed)]
    folds = [study.fold_result(s, seed) for seed in study.seeds for s in study.finished(seed)]
    return {
        "study": study.name,
        "complete": not missing,
        "missing": [f"{subject} (seed {seed})" for subject, seed in missing],
        "seeds": list(study.seeds),
        "mixed": _mixed(folds),
        "rule": study.config["intervals"],
        "options": study.config["protocol"],
        "inner": inner_scores(folds, protocol),
        **pool(runs, study.catalog, protocol),
        "recognition_at_labels": labelled_scores(tally_labelled(curves, study.catalog), protocol),
    }


def provenance(study: Study) -> dict[str, Any]:
    """For each fold which subjects influenced what.

    Args:
        study: Finished folds count.

    Returns:
        By seed and held-out subject: who was scored, and who influenced network, weights, prior and choices.

    Raises:
        UserError: If a finished fold's file is damaged.
    """
    return {
        f"seed{seed}": {subject: study.fold_result(subject, seed)["provenance"] for subject in study.finished(seed)}
        for seed in study.seeds
    }


def _mixed(folds: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """In what folds differ of what made them (see `memodule.studies.origin.maker`), with the differing values."""
    makers = [fold.get("made_with", {}) for fold in folds]
    values = {name: sorted({maker.get(name, "unknown") for maker in makers}) for maker in makers for name in maker}
    return {name: found for name, found in values.items() if len(found) > 1}


def _scores(videos: Sequence[VideoIntervals], protocol: Protocol) -> dict[str, float]:
    return score(sum(tally_subjects(videos, protocol).values(), Tally()), protocol)


def _over_folds(videos: dict[int, list[VideoIntervals]], protocol: Protocol) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of the folds' own scores; not the pooled score."""
    folds = [
        scores for run in videos.values() for scores in per_subject(tally_subjects(run, protocol), protocol).values()
    ]
    return {
        name: {
            "mean": statistics.fmean(fold[name] for fold in folds),
            "std": statistics.pstdev(fold[name] for fold in folds),
        }
        for name in SCORES
        if folds
    }
