"""The lines of a study's tables, as plain values; the templates lay them out."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from memodule.emotions import EMOTIONS
from memodule.metrics.functional import recognition_scores
from memodule.metrics.functional.timing import LANDMARKS
from memodule.metrics.score_names import NAMES, SCORE_ORDER, chance_scores, pooled_scores
from memodule.report.reported_study import ReportedStudy
from memodule.studies.results_view import per_class

LABELLED_F1: Final = "recognition F1 of the labelled intervals"
"""What `memodule.studies.recognition_at_labels` measures, as the page calls it."""


@dataclasses.dataclass(frozen=True)
class ScoreLine:
    """A pooled score with its 95 % interval and chance level.

    Attributes:
        folds: Mean and standard deviation over the folds; None where it is not defined fold by fold.
        seeds: The score of each seed, where there are several.
    """

    key: str
    name: str
    value: float
    low: float
    high: float
    chance: float
    folds: Mapping[str, float] | None
    seeds: tuple[float, ...]


def score_lines(study: ReportedStudy) -> list[ScoreLine]:
    """All given scores of a study, the recognition of its labelled intervals last."""
    results, labelled = study.results, study.at_labels
    pooled, chance = pooled_scores(results), chance_scores(results)
    seeds = results["by_seed"].values() if len(results["by_seed"]) > 1 else ()
    lines = [
        ScoreLine(
            key,
            NAMES[key],
            value=pooled[key],
            low=results["ci"][key][0],
            high=results["ci"][key][1],
            chance=chance[key],
            folds=results["folds"][key],
            seeds=tuple(scores[key] for scores in seeds),
        )
        for key in SCORE_ORDER
        if key in pooled
    ]
    if results["recognition"] is None:
        return lines
    (low, high), by_chance = labelled["ci"]["f1"], labelled["majority"]["f1"]
    at_labels = ScoreLine("at_labels", LABELLED_F1, labelled["f1"], low, high, by_chance, folds=None, seeds=())
    return [*lines, at_labels]


def subject_lines(study: ReportedStudy) -> list[dict[str, Any]]:
    """Scores and counts of each held-out subject, its videos, and the hits that its recognition is scored on."""
    held = Counter(subject for subject, _ in {video.key for videos in study.decoded.values() for video in videos})
    return [
        {"subject": subject, **scores, "videos": held[subject], "support": int(recognised["support"])}
        for subject, scores in study.results["by_subject"].items()
        for recognised in [recognition_scores(study.tallies[subject].confusion, study.protocol.emotions)]
    ]


def emotion_lines(study: ReportedStudy) -> list[dict[str, Any]]:
    """Recognition of each emotion as in `per_class`, with the labelled MEs of all seeds and the share that was hit.

    Empty where recognition is not given.
    """
    labelled = Counter(
        expression.emotion
        for videos in study.decoded.values()
        for video in videos
        for expression in study.catalog.expressions_of(video.key, "micro")
    )
    return [
        {
            **row,
            "labelled": labelled[row["emotion"]],
            "found": row["true"] / max(1, labelled[row["emotion"]]),
            "scored": row["emotion"] in study.protocol.emotions,
        }
        for row in per_class(study.results)
    ]


def confusion_lines(study: ReportedStudy) -> list[tuple[str, list[int]]]:
    """(true emotion, hits by recognised class); empty where recognition is not given."""
    if study.results["recognition"] is None:
        return []
    return list(zip(EMOTIONS, study.results["recognition"]["confusion"], strict=True))


def timing_lines(study: ReportedStudy) -> Mapping[str, Mapping[str, float]]:
    """Timing errors by landmark; empty where there is no hit or no frame rate is known."""
    summary: Mapping[str, Mapping[str, float]] = study.results["timing"] or {}
    return summary if any("mae" in summary.get(name, {}) for name in LANDMARKS) else {}


_ONCE_MORE: Final = "find an ME once more"
_ON_MACRO: Final = "are on a macro-expression"
_ON_NOTHING: Final = "are where nothing is labelled"
_MISSES: Final[dict[str | None, str]] = {
    "alarm": "touched by a false alarm",
    "unscored": "touched by an interval voted neutral",
    None: "not touched at all",
}


def error_counts(study: ReportedStudy) -> tuple[dict[str, int], dict[str, int]]:
    """How often each kind of false alarm and each kind of miss happens, over all seeds."""
    iou = study.protocol.iou
    loose = f"touch an ME, IoU below {iou:g}"
    alarms = dict.fromkeys((loose, _ONCE_MORE, _ON_MACRO, _ON_NOTHING), 0)
    misses = dict.fromkeys(_MISSES.values(), 0)
    for seed, videos in study.outcomes.items():
        for video, judged in zip(study.intervals[seed], videos, strict=True):
            touched = {"hit": set[int](), "alarm": set[int](), "unscored": set[int]()}
            for row in judged:
                if row.truth is not None:
                    touched[row.outcome].add(row.truth)
                if row.outcome == "alarm":
                    elsewhere = _ON_MACRO if row.macro else _ON_NOTHING
                    close = _ONCE_MORE if row.iou >= iou else loose
                    alarms[elsewhere if row.truth is None else close] += 1
            for truth in set(range(len(video.true))) - touched["hit"]:
                kind = next((kind for kind in ("alarm", "unscored") if truth in touched[kind]), None)
                misses[_MISSES[kind]] += 1
    return alarms, misses
