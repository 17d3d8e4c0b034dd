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


def pooled_scores(report: Mapping[str, Any]) -> dict[str, float]:
    """The scores of a report (`memodule.metrics.evaluation.evaluate`, `results.json`) by log key."""
    return {
        key: report[score.block][score.key] if score.block else report[score.key] for key, score in SCORE_NAMES.items()
    }


def chance_scores(report: Mapping[str, Any]) -> dict[str, float]:
    """The chance levels of a report by log key: random peaks of the prior's length, and the majority emotion."""
    chance = report["baselines"]
    return {
        key: chance[score.chance][score.key] if score.chance else chance[score.key]
        for key, score in SCORE_NAMES.items()
    }
