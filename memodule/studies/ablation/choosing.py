"""Nested choice: each fold takes the candidate that does best on its choosers, never on its held-out subject."""

from collections.abc import Mapping

from memodule.decoding.protocol import Protocol
from memodule.metrics.functional import Tally, score
from memodule.studies.ablation.counting import Counts
from memodule.studies.ablation.material import Material
from memodule.studies.ablation.variants import Candidate, Variant


def choose(variant: Variant, counts: Mapping[str, Counts], material: Material, objective: str) -> dict[str, Candidate]:
    """The candidate of each fold.

    Args:
        variant: With one candidate or several.
        counts: Of every candidate, by digest of its decoding.
        material: The study.
        objective: "strs" or "spot_f1", computed from the choosers' pooled counts. Ties: larger spotting F1, then fewer
            false positives, then the earlier candidate.

    Returns:
        By name of the fold.
    """
    if not variant.chosen:
        return {fold.name: variant.candidates[0] for fold in material.folds}
    return {
        fold.name: max(
            variant.candidates,
            key=lambda c, name=fold.name: _worth(  # type: ignore[misc]  # mypy infers no lambda with defaults
                counts[c.decoding.digest].chooser[name], c.decoding.protocol(material.protocol), objective
            ),
        )
        for fold in material.folds
    }


def held_out(choice: Mapping[str, Candidate], counts: Mapping[str, Counts], material: Material) -> dict[str, Tally]:
    """Counts of each held-out subject under what its fold chose, pooled over seeds.

    Args:
        choice: What each fold chose, by its name.
        counts: Of each way of decoding, by its digest.
        material: The folds.

    Returns:
        By subject.
    """
    tallies: dict[str, Tally] = {}
    for fold in material.folds:
        own = counts[choice[fold.name].decoding.digest].held_out[fold.name]
        tallies[fold.subject] = tallies.get(fold.subject, Tally()) + own
    return tallies


def _worth(tally: Tally, protocol: Protocol, objective: str) -> tuple[float, float, int]:
    scores = score(tally, protocol)
    return scores[objective], scores["spot_f1"], -tally.fp
