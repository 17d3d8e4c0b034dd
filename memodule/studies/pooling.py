"""The scores of a study: counts pooled over all folds first, everything else computed from them."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from memodule.datasets.catalog import Catalog
from memodule.decoding.comparison import VideoIntervals, compared
from memodule.decoding.curves import have_classes
from memodule.decoding.decode import Decoded
from memodule.decoding.protocol import Protocol
from memodule.metrics.evaluation import details, evaluate, per_subject, tally_subjects
from memodule.metrics.functional import SCORES, Tally, score
from memodule.metrics.score_names import without_recognition
from memodule.studies.calibration_marks import calibration_values
from memodule.studies.coverage import Coverage
from memodule.studies.fold_result import FoldResult
from memodule.studies.inner import inner_scores
from memodule.studies.recognition_at_labels import scores_at_labels, tally_at_labels
from memodule.studies.study import Study


def pool(
    runs: Mapping[int, Sequence[Decoded]], catalog: Catalog, protocol: Protocol, prior_length: int | None = None
) -> dict[str, Any]:
    """Score what was found in the held-out videos of all folds.

    Counts are pooled over folds and seeds before anything is divided. The mean over folds is kept apart, since it
    weighs a subject with one expression like one with twenty.

    Args:
        runs: For each seed the decoded videos of all folds.
        prior_length: Length of the chance level's random intervals, in compared frames.

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
    """The contents of a study's `results.json`, listed in docs/data-formats.md; the same study gives the same bytes.

    Finished folds count; where some are missing, `complete` is false. Recognition and STRS are None where the curves
    have no classes. `calibration` and `uncalibrated` are there only where the rule learns from curves. `coverage`, what
    curves leave open, is there in studies of imported curves, and where expressions have no score.

    Raises:
        UserError: If a file of a finished fold is damaged.
    """
    protocol, missing, by_seed = study.protocol, study.missing(), study.finished_folds()
    folds = [fold for run in by_seed.values() for fold in run]
    results = [fold.result for fold in folds]
    curves = [curve for fold in folds for curve in fold.curves]
    pooled = {
        "study": study.name,
        "complete": not missing,
        "missing": [f"{subject} (seed {seed})" for subject, seed in missing],
        "seeds": list(study.seeds),
        "mixed": _mixed(results),
        "rule": study.config["intervals"],
        "options": study.config["protocol"],
        "inner": _inner(folds, protocol),
        **calibration_of(by_seed.values()),
        **pool({seed: decoded_videos(run) for seed, run in by_seed.items()}, study.catalog, protocol),
        "recognition_at_labels": scores_at_labels(tally_at_labels(curves, study.catalog), protocol),
    }
    coverage = Coverage.of(curves, study.catalog.of({fold.subject for fold in folds}))
    if study.imported or not coverage.complete:
        pooled["coverage"] = coverage.to_dict()
    return pooled if have_classes(curves) else without_recognition(pooled)


def calibration_of(runs: Iterable[Sequence[FoldResult]]) -> dict[str, Any]:
    """What `calibration_values` says of all folds."""
    return calibration_values({f"{f.subject} (seed {f.seed})": f.calibration for folds in runs for f in folds})


def decoded_videos(folds: Iterable[FoldResult]) -> list[Decoded]:
    """What was found in the held-out videos of folds, fold after fold."""
    return [video for fold in folds for video in fold.decoded]


def provenance(study: Study) -> dict[str, Any]:
    """The contents of `provenance.json`: by seed and held-out subject, which subjects influenced what.

    Raises:
        UserError: If a file of a finished fold is damaged.
    """
    return {
        f"seed{seed}": {fold.subject: fold.result["provenance"] for fold in folds}
        for seed, folds in study.finished_folds().items()
    }


def _inner(folds: Sequence[FoldResult], protocol: Protocol) -> dict[str, float] | None:
    """Scores of inner subjects, and how many evaluations are of the uncalibrated rule (`uncalibrated`, where some are).

    A fold's only inner subject cannot calibrate the rule that is scored on it.
    """
    scores = inner_scores([fold.result for fold in folds], protocol)
    lone = sum(fold.calibration is not None and len(fold.result.get("inner", ())) == 1 for fold in folds)
    return {**scores, "uncalibrated": lone} if scores and lone else scores


def _mixed(folds: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Versions and settings that differ between folds (see `memodule.studies.origin.maker`), with their values."""
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
