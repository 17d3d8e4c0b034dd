"""Study folders for ablations: with inner validation subjects, with other labels, with other curves."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from memodule.datasets import Catalog, Expression
from memodule.decoding.curves import VideoCurve, read_curves, write_curves
from memodule.runtime.atomic import write_json
from memodule.studies.study import Study


def write_grid(folder: Path, variants: Mapping, **more) -> Path:
    """A grid file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump({"variants": dict(variants), **more}, sort_keys=False))
    return path


def add_inner_subjects(folder: Path) -> None:
    """Give every fold the next two subjects as inner validation subjects, with the curves of their own folds."""
    study = Study.open(folder)
    around = [*study.subjects, *study.subjects]
    for number, subject in enumerate(study.subjects):
        inner = around[number + 1 : number + 3]
        for seed in study.seeds:
            curves = [curve for other in inner for curve in study.fold(other, seed).curves]
            write_curves(study.fold(subject, seed).folder / "val" / "curves.npz", curves)
            path = study.fold(subject, seed).folder / "result.json"
            result = json.loads(path.read_text())
            training = [s for s in study.subjects if s != subject and s not in inner]
            result["provenance"].update(network=training, interval_prior=training, chosen_on=inner)
            write_json(path, result)


def change_labels(folder: Path, subject: str, change: Callable[[Expression], Expression]) -> None:
    """Rewrite the study's labels of one subject."""
    catalog = Study.open(folder).catalog
    expressions = tuple(change(e) if e.subject == subject else e for e in catalog.expressions)
    Catalog(catalog.videos, expressions, catalog.name).write(folder / "catalog")


def change_curves(path: Path, change: Callable[[VideoCurve], VideoCurve]) -> None:
    """Rewrite a file of curves."""
    write_curves(path, [change(curve) for curve in read_curves(path)])
