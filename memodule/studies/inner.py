"""Scores of inner validation subjects, the only ones that may choose settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from memodule.datasets.catalog import Catalog
from memodule.decoding.comparison import compared
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import labelled_curve
from memodule.decoding.fitted import FittedDecoder
from memodule.decoding.protocol import Protocol
from memodule.metrics.evaluation import tally_subjects
from memodule.metrics.functional import Tally, score


def inner_tallies(decoder: FittedDecoder, curves: Sequence[VideoCurve], catalog: Catalog) -> dict[str, dict[str, Any]]:
    """Counts per inner validation subject of one fold, as plain values.

    The held-out subject is decoded after all inner subjects have calibrated the rule. To measure the same, each inner
    subject is decoded after the *others* have calibrated it; a single one is decoded without calibration.

    Args:
        decoder: Fitted on the training subjects and not calibrated; it stays unchanged.
    """
    counts: dict[str, dict[str, Any]] = {}
    calibrating = [(curve.subject, labelled_curve(curve, catalog)) for curve in curves]
    for judged, calibrated in decoder.cross_calibrated(calibrating):
        found = [calibrated.decode(curve) for curve in curves if curve.subject in judged]
        videos = [compared(video, catalog, decoder.protocol) for video in found]
        counts |= {name: tally.to_dict() for name, tally in tally_subjects(videos, decoder.protocol).items()}
    return counts


def inner_scores(folds: Sequence[Mapping[str, Any]], protocol: Protocol) -> dict[str, float] | None:
    """Scores of the pooled counts of folds' inner validation subjects, from their `result.json`.

    Returns:
        The scores, and `evaluations`, how often a subject was scored; None if no fold has inner subjects.
    """
    tallies = [Tally.from_dict(tally) for fold in folds for tally in fold.get("inner", {}).values()]
    return {**score(sum(tallies, Tally()), protocol), "evaluations": len(tallies)} if tallies else None
