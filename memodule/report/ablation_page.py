"""The page of an ablation: one HTML file that needs no network and no other file."""

from collections import Counter
from pathlib import Path
from typing import Final

import yaml

from memodule.errors import UserError
from memodule.metrics.score_names import NAMES, SCORE_NAMES
from memodule.report.ablation_figures import sweep_pictures, sweeps
from memodule.report.rendering import render
from memodule.report.reported_study import is_generated
from memodule.report.scale import Scale
from memodule.runtime.atomic import write_text
from memodule.studies.ablation.run import Ablation
from memodule.studies.ablation.table import best_of_groups
from memodule.studies.ablation.variants import STUDY

_CHARTED: Final = ("strs", "spot_f1", "recog_f1")
_CURVES: Final = {
    "inner": "curves of the fold's inner validation subjects, by its own network",
    "out of fold": "out-of-fold curves of the fold's training subjects, by networks that were trained on the "
    "held-out subject too; its own curves and labels are not used",
}


def write_page(ablation: Ablation) -> Path:
    """Write `index.html` next to the tables.

    Raises:
        UserError: If it cannot be written.
    """
    path = ablation.folder / "index.html"
    try:
        write_text(path, ablation_page(ablation))
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error}); free some space and repeat the command") from None
    return path


def ablation_page(ablation: Ablation) -> str:
    """The page as HTML; the same ablation gives the same text."""
    study, best, given = ablation.study, best_of_groups(ablation.rows), ablation.reference.scores
    return render(
        "ablation.html",
        title=f"{study.name} under {ablation.grid.name}",
        ablation=ablation,
        generated=is_generated(study),
        notes=[_note(note) for note in ablation.notes],
        facts=_facts(ablation),
        variants=best,
        scales={
            name: Scale.around([end for row, _ in best for end in row.ranges[name]])
            for name in _CHARTED
            if name in given
        },
        chosen=[row for row in ablation.rows if row.variant.chosen],
        chosen_on=_chosen_on(ablation),
        sweeps=[(sweep, sweep_pictures(sweep, ablation)) for sweep in sweeps(ablation)],
        names=NAMES,
        short=SCORE_NAMES[ablation.headline].short,
        main=ablation.headline,
        others={key: name.short for key, name in SCORE_NAMES.items() if key in given and key != ablation.headline},
        own=STUDY,
        grid=yaml.safe_dump(dict(ablation.grid.contents), sort_keys=False, allow_unicode=True),
    )


def _note(note: str) -> tuple[str, str]:
    """(title, text); the text alone where the note has no title."""
    title, colon, text = note.partition(": ")
    return (f"{title}.", text[:1].upper() + text[1:]) if colon else ("", note)


def _chosen_on(ablation: Ablation) -> str:
    kinds = Counter("inner" if fold.inner else "out of fold" for fold in ablation.prepared.folds)
    return "; ".join(f"{count} folds chose on {_CURVES[kind]}" for kind, count in kinds.items())


def _facts(ablation: Ablation) -> list[tuple[str, str]]:
    study, seeds = ablation.study, ablation.study.seeds
    return [
        ("study", study.name),
        ("protocol", study.protocol.name),
        ("reference", ablation.grid.reference),
        ("rows", str(len(ablation.rows))),
        ("subjects", str(len(ablation.prepared.subjects))),
        ("seeds", ", ".join(map(str, seeds)) + (" (counts pooled)" if len(seeds) > 1 else "")),
        ("chosen by", NAMES[ablation.choose_by]),
        ("code", str(study.description["code_version"])),
    ]
