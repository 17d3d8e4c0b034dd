"""Scores of inner validation subjects, the only ones that settings may be chosen by."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from memodule.datasets.catalog import Catalog
from memodule.decoding.comparison import compared
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import decode, labelled
from memodule.decoding.protocol import Protocol
from memodule.intervals import SelectionRule
from memodule.metrics.evaluation import tally_subjects
from memodule.metrics.functional import Tally, score


def inner_tallies(
    rule: SelectionRule, curves: Sequence[VideoCurve], catalog: Catalog, protocol: Protocol
) -> dict[str, dict[str, Any]]:
    """Counts per inner validation subject of one fold, as plain values.

    The held-out subject is decoded by the rule as the inner subjects have calibrated it. For a score of the same thing
    each inner subject is decoded by the rule as the *others* have calibrated it; a single one has no others, and is
    decoded without calibration.

    Args:
        rule: Fitted on the training subjects and not calibrated; it is left as it is.
        curves: Of the inner validation subjects.
        catalog: Holds their labels.
        protocol: How to decode and count.

    Returns:
        Counts by subject, ready for JSON.
    """
    counts: dict[str, dict[str, Any]] = {}
    for subject in dict.fromkeys(curve.subject for curve in curves):
        own = [curve for curve in curves if curve.subject == subject]
        others = [labelled(curve, catalog) for curve in curves if curve.subject != subject]
        calibrated = copy.deepcopy(rule).calibrate(others) if others else rule
        videos = [compared(decode(curve, calibrated, protocol), catalog, protocol) for curve in own]
        counts |= {name: tally.to_dict() for name, tally in tally_subjects(videos, protocol).items()}
    return counts


def inner_scores(folds: Sequence[Mapping[str, Any]], protocol: Protocol) -> dict[str, float] | None:
    """Scores over the inner validation subjects of folds: the only scores that settings may be chosen by.

    Args:
        folds: Contents of finished folds' `result.json`; their counts are pooled.
        protocol: The rules.

    Returns:
        The scores, and `evaluations`, how often a subject was scored; None where no fold has inner subjects.
    """
    tallies = [Tally.from_dict(tally) for fold in folds for tally in fold.get("inner", {}).values()]
    return {**score(sum(tallies, Tally()), protocol), "evaluations": len(tallies)} if tallies else None
