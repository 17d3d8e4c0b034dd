"""Nested choice: each fold takes the candidate that does best on its choosers, never on its held-out subject."""

from collections.abc import Mapping

from memodule.decoding.protocol import Protocol
from memodule.metrics.functional import Tally, score
from memodule.studies.ablation.counting import Counts
from memodule.studies.ablation.prepared import PreparedStudy
from memodule.studies.ablation.variants import Candidate, Variant
from memodule.studies.calibration_marks import FoldCalibration


def choose(
    variant: Variant, counts: Mapping[str, Counts], study: PreparedStudy, objective: str
) -> dict[str, Candidate]:
    """The candidate of each fold, by the fold's name.

    Args:
        counts: Of every candidate, by digest of its decoding.
        objective: "strs" or "spot_f1", computed from the choosers' pooled counts. Ties: larger spotting F1, then fewer
            false positives, then the earlier candidate.
    """
    if not variant.chosen:
        return {fold.name: variant.candidates[0] for fold in study.folds}
    choice = {}
    for fold in study.folds:
        merits = [
            _merit(counts[c.decoding.digest].chooser[fold.name], c.decoding.protocol(study.protocol), objective)
            for c in variant.candidates
        ]
        choice[fold.name] = variant.candidates[merits.index(max(merits))]
    return choice


def held_out_tallies(
    choice: Mapping[str, Candidate], counts: Mapping[str, Counts], study: PreparedStudy
) -> dict[str, Tally]:
    """Counts of each held-out subject under what its fold chose, pooled over seeds; arguments as `choose` has them."""
    tallies: dict[str, Tally] = {}
    for fold in study.folds:
        own = counts[choice[fold.name].decoding.digest].held_out[fold.name]
        tallies[fold.subject] = tallies.get(fold.subject, Tally()) + own
    return tallies


def calibrations(choice: Mapping[str, Candidate], counts: Mapping[str, Counts]) -> dict[str, FoldCalibration | None]:
    """How the rule that each fold chose was calibrated; arguments as `choose` has them."""
    return {name: counts[candidate.decoding.digest].calibration[name] for name, candidate in choice.items()}


def _merit(tally: Tally, protocol: Protocol, objective: str) -> tuple[float, float, int]:
    scores = score(tally, protocol)
    return scores[objective], scores["spot_f1"], -tally.fp
