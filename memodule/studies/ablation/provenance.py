"""Which subjects influenced what in an ablation, row by row and fold by fold."""

from collections.abc import Sequence
from typing import Any, Final

from memodule.studies.ablation.counting import learns_from_curves
from memodule.studies.ablation.grid import Grid
from memodule.studies.ablation.material import FoldMaterial, Material
from memodule.studies.ablation.table import Row
from memodule.studies.ablation.variants import Candidate

MEANING: Final = {
    "training": "the fold's training subjects: their labels; for curves, out-of-fold ones (of the networks that held "
    "these subjects out, which were trained on the fold's held-out subject too)",
    "inner": "the fold's inner validation subjects: their labels, and their curves by the fold's own network, which "
    "never saw the held-out subject",
    "all": "all subjects, the held-out one included: a leak",
    "none": "nobody",
    "stored": "as the study's own provenance.json says",
}


def provenance(grid: Grid, material: Material, rows: Sequence[Row]) -> dict[str, Any]:
    """What `provenance.json` holds.

    Returns:
        `meaning` of the words; `folds`, the subjects of each; `rows`: for each variant whose labels fitted the prior,
        on whose curves rules were calibrated, and on whose curves the candidate was chosen, with the candidate.
    """
    return {
        "meaning": MEANING,
        "choose_by": grid.choose_by,
        "folds": {
            fold.name: {"held_out": fold.subject, "training": list(fold.training), "inner": list(fold.inner)}
            for fold in material.folds
        },
        "rows": {row.name: _row(row, material) for row in rows},
    }


def _row(row: Row, material: Material) -> dict[str, Any]:
    if not row.variant.chosen:
        told = [_fold(row.variant.candidates[0], fold, material) for fold in material.folds]
        if all(fold == told[0] for fold in told):
            return {"every fold": told[0] | {"chosen_on": "none"}}
        return {fold.name: facts | {"chosen_on": "none"} for fold, facts in zip(material.folds, told, strict=True)}
    return {
        fold.name: {
            **_fold(row.choice[fold.name], fold, material),
            "chosen_on": "inner" if fold.inner else "training",
            "chosen": dict(row.choice[fold.name].label),
        }
        for fold in material.folds
    }


def _fold(candidate: Candidate, fold: FoldMaterial, material: Material) -> dict[str, Any]:
    decoding = candidate.decoding
    if decoding.rule is None:
        return {"prior_fitted_on": "stored", "calibrated_on": "stored"}
    leaks = decoding.protocol(material.protocol).leaks
    calibrated = "inner" if fold.inner else "training" if decoding.calibrate == "nested" else "none"
    learns = learns_from_curves(decoding.build())
    return {"prior_fitted_on": "all" if leaks else "training", "calibrated_on": calibrated if learns else "none"}
