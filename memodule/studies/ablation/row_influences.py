"""Which subjects influenced what in an ablation, row by row and fold by fold."""

from collections.abc import Sequence
from typing import Any, Final

from memodule.studies.ablation.grid import Grid
from memodule.studies.ablation.prepared import PreparedFold, PreparedStudy
from memodule.studies.ablation.table import AblationRow
from memodule.studies.ablation.variants import Candidate

_MEANING: Final = {
    "training": "the fold's training subjects: their labels; for curves, out-of-fold ones (of the networks that held "
    "these subjects out, which were trained on the fold's held-out subject too)",
    "inner": "the fold's inner validation subjects: their labels, and their curves by the fold's own network, which "
    "never saw the held-out subject",
    "all": "all subjects, the held-out one included: a leak",
    "none": "no subject",
    "stored": "see the study's own provenance.json",
}


def ablation_influences(grid: Grid, study: PreparedStudy, rows: Sequence[AblationRow]) -> dict[str, Any]:
    """The contents of `provenance.json`.

    Returns:
        `meaning` of the terms; `folds`, the subjects of each; `partial`, only where folds are missing; `rows`: for each
        variant whose labels fitted the prior, on whose curves rules were calibrated, and on whose curves the candidate
        was chosen, with the candidate.
    """
    return {
        "meaning": _MEANING,
        "choose_by": grid.choose_by,
        **study.partial_entry(),
        "folds": {
            fold.name: {"held_out": fold.subject, "training": list(fold.training), "inner": list(fold.inner)}
            for fold in study.folds
        },
        "rows": {row.name: _row(row, study) for row in rows},
    }


def _row(row: AblationRow, study: PreparedStudy) -> dict[str, Any]:
    if not row.variant.chosen:
        found = {
            fold.name: {**_fold(row.variant.candidates[0], fold, study), "chosen_on": "none"} for fold in study.folds
        }
        first, *others = found.values()
        return {"every fold": first} if all(other == first for other in others) else found
    return {
        fold.name: {
            **_fold(row.choice[fold.name], fold, study),
            "chosen_on": "inner" if fold.inner else "training",
            "chosen": dict(row.choice[fold.name].label),
        }
        for fold in study.folds
    }


def _fold(candidate: Candidate, fold: PreparedFold, study: PreparedStudy) -> dict[str, Any]:
    decoding = candidate.decoding
    if decoding.rule is None:
        return {"prior_fitted_on": "stored", "calibrated_on": "stored"}
    leaks = decoding.protocol(study.protocol).leaks
    nested = decoding.calibrate != "inner" and study.out_of_fold(fold)
    calibrated = "inner" if fold.inner else "training" if nested else "none"
    learns = decoding.build().learns_from_curves
    return {"prior_fitted_on": "all" if leaks else "training", "calibrated_on": calibrated if learns else "none"}
