"""The scores of a study: their keys, their names, their orders, and where reports hold them."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class ScoreName(NamedTuple):
    """One score, a ratio in 0..1.

    Attributes:
        name: In tables and figures.
        short: As the head of a narrow column.
        block: Key of the block of a report that holds it.
        chance: Key of the block of `baselines` that holds its chance level.
        key: Its key in both blocks.
    """

    name: str
    short: str
    block: str | None = None
    chance: str | None = None
    key: str = "strs"


SCORE_NAMES: Final = {
    "strs": ScoreName("STRS", "STRS"),
    "spot_f1": ScoreName("spotting F1", "spot F1", "spotting", "random_peaks", "f1"),
    "spot_precision": ScoreName("spotting precision", "spot P", "spotting", "random_peaks", "precision"),
    "spot_recall": ScoreName("spotting recall", "spot R", "spotting", "random_peaks", "recall"),
    "recog_f1": ScoreName("recognition F1", "recog F1", "recognition", "majority_emotion", "f1"),
    "recog_uf1": ScoreName("recognition UF1", "UF1", "recognition", "majority_emotion", "uf1"),
    "recog_uar": ScoreName("recognition UAR", "UAR", "recognition", "majority_emotion", "uar"),
}
"""By log key, in the order of tables."""

NAMES: Final = {key: score.name for key, score in SCORE_NAMES.items()}

SCORES: Final = (*(key for key in SCORE_NAMES if key != "strs"), "strs")
"""Their order in files."""

SCORE_ORDER: Final = ("strs", "spot_f1", "recog_f1", "recog_uf1", "recog_uar", "spot_precision", "spot_recall")
"""The order for readers: what the field compares first."""

HEADLINE_SCORES: Final = SCORE_ORDER[:5]
"""What charts and dashboards show."""


SPOTTING_SCORES: Final = tuple(key for key, score in SCORE_NAMES.items() if score.block == "spotting")
"""The scores that need no emotions."""

NOT_GIVEN: Final = "not given"
"""What readers see instead of recognition and STRS where a system names no emotions."""

_NEED_EMOTIONS: Final = {*SCORE_NAMES, "recognition", "majority_emotion", "recognition_at_labels"} - {*SPOTTING_SCORES}


def without_recognition(values: Any) -> Any:
    """A report, or a part of one, in which everything that needs recognised emotions is None."""
    if not isinstance(values, Mapping):
        return values
    return {key: None if key in _NEED_EMOTIONS else without_recognition(value) for key, value in values.items()}


def given_scores(report: Mapping[str, Any]) -> tuple[str, ...]:
    """Log keys of the scores that a report has: all of them, or those that need no emotions."""
    return SPOTTING_SCORES if report["recognition"] is None else tuple(SCORE_NAMES)


def pooled_scores(report: Mapping[str, Any]) -> dict[str, float]:
    """The given scores of a report (`memodule.metrics.evaluation.evaluate`, `results.json`) by log key."""
    names = {key: SCORE_NAMES[key] for key in given_scores(report)}
    return {key: report[score.block][score.key] if score.block else report[score.key] for key, score in names.items()}


def chance_scores(report: Mapping[str, Any]) -> dict[str, float]:
    """The chance levels of these scores by log key: random peaks of the prior's length, and the majority emotion."""
    chance, names = report["baselines"], {key: SCORE_NAMES[key] for key in given_scores(report)}
    return {key: chance[score.chance][score.key] if score.chance else chance[score.key] for key, score in names.items()}
