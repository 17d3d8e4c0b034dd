"""A study on disk: what `memodule loso` writes, and what decoding again and reports read.

runs/demo-1f2e3d4c/
    study.json          name, digest, data fingerprint, subjects, seeds; code version and machine at its start
    config.yaml         the resolved config
    catalog/            videos.csv and expressions.csv, as the protocol scored them
    folds/seed0/006/    one folder per fold: test/ and val/ (curves.npz, intervals.csv), model.ckpt, result.json
    predictions.csv     all intervals of the held-out subjects, in source frames
    truth.csv           the labelled micro-expressions
    provenance.json     which subjects influenced what
    results.json        the pooled scores
"""

import dataclasses
import functools
from pathlib import Path
from typing import Any, Final

from memodule.datasets.catalog import Catalog, read_catalog
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.runtime.atomic import write_json, write_text
from memodule.runtime.json_files import read_json_mapping
from memodule.runtime.own_parts import imported_parts, remember, warn_of_changes
from memodule.runtime.yaml_files import read_yaml_mapping, yaml_text
from memodule.studies.fold_result import FoldResult
from memodule.studies.origin import code_version, host
from memodule.studies.plan import Plan, fold_folder, protocol_of

_REMEDY: Final = "delete it and run the study again"


@dataclasses.dataclass(frozen=True)
class Study:
    """A study that was begun, read from its folder alone; `description` is the contents of `study.json`."""

    folder: Path
    description: dict[str, Any] = dataclasses.field(repr=False)
    config: dict[str, Any] = dataclasses.field(repr=False)

    @classmethod
    def begin(cls, plan: Plan) -> "Study":
        """Write the study's own files before any fold runs, and open it; an existing study is continued.

        Raises:
            UserError: If the folder cannot be written.
        """
        description = {
            "name": plan.name,
            "digest": plan.digest,
            "data_fingerprint": plan.fingerprint,
            "subjects": list(plan.catalog.subjects),
            "seeds": list(plan.seeds),
            "code_version": code_version(),
            "host": host(),
        }
        parts = imported_parts()
        if parts:
            description["parts"] = parts
        try:
            plan.catalog.write(plan.folder / "catalog")
            write_text(plan.folder / "config.yaml", yaml_text(plan.config))
            if (plan.folder / "study.json").is_file():
                before = read_json_mapping(plan.folder / "study.json", _REMEDY)
                warn_of_changes(before.get("parts", ()), str(plan.folder))
                begun = {seed for seed in before["seeds"] if any(plan.folder.glob(f"folds/seed{seed}/*/result.json"))}
                description |= {"seeds": sorted({*begun, *plan.seeds})}
                description |= {key: before[key] for key in ("code_version", "host") if key in before}
            write_json(plan.folder / "study.json", description)
        except OSError as error:
            raise UserError(f"{plan.folder}: cannot be written ({error}); choose another folder with --runs") from None
        return cls.open(plan.folder)

    @classmethod
    def open(cls, folder: Path | str) -> "Study":
        """Open what `memodule loso`, `import-published` or `import-curves` wrote; folds may be missing.

        Raises:
            UserError: If the folder does not hold a study.
        """
        folder = Path(folder)
        wanted = "use a folder that `memodule loso` or `import-curves` wrote"
        if not (folder / "study.json").is_file():
            raise UserError(f"{folder}: not a study folder (no study.json); {wanted}")
        description = read_json_mapping(folder / "study.json", _REMEDY)
        remember(description.get("parts", ()))
        config = dict(read_yaml_mapping(folder / "config.yaml", "the one that `memodule loso` wrote, or run it again"))
        missing = [key for key in ("name", "subjects", "seeds") if key not in description]
        missing += [key for key in ("data", "protocol", "intervals") if key not in config]
        if missing:
            raise UserError(f"{folder}: not a study folder (no {missing[0]} in study.json or config.yaml); {wanted}")
        return cls(folder, description, config)

    @property
    def imported(self) -> bool:
        """Whether another system made the curves (`memodule import-curves`): there is no network and no flow."""
        return "curves" in self.config["data"]

    @property
    def name(self) -> str:
        """Name and digest, as tables and dashboards call the study."""
        return self.folder.name

    @property
    def protocol(self) -> Protocol:
        """The evaluation protocol."""
        return protocol_of(self.config)

    @functools.cached_property
    def catalog(self) -> Catalog:
        """The videos and expressions that the protocol scores."""
        return read_catalog(self.folder / "catalog", self.description["name"])

    @property
    def subjects(self) -> tuple[str, ...]:
        """All subjects; a complete study holds out each of them."""
        return tuple(self.description["subjects"])

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds that were requested."""
        return tuple(self.description["seeds"])

    @functools.cached_property
    def _folds(self) -> dict[tuple[str, int], FoldResult]:
        return {}

    def fold(self, subject: str, seed: int) -> FoldResult:
        """A fold by held-out subject, finished or not: always the same object, so that its files are read once."""
        if (subject, seed) not in self._folds:
            folder = fold_folder(self.folder, subject, seed)
            self._folds[subject, seed] = FoldResult(folder, subject, seed, self.protocol)
        return self._folds[subject, seed]

    def finished(self, seed: int) -> tuple[str, ...]:
        """Subjects whose fold is finished, in the order of the Catalog; looks at each folder once."""
        return tuple(subject for subject in self.subjects if self.fold(subject, seed).finished)

    def finished_folds(self) -> dict[int, list[FoldResult]]:
        """By seed, the folds that are finished now, in the order of the Catalog; a seed may have none."""
        return {seed: [self.fold(subject, seed) for subject in self.finished(seed)] for seed in self.seeds}

    def missing(self) -> list[tuple[str, int]]:
        """(subject, seed) of all folds that are not finished."""
        there = {seed: set(self.finished(seed)) for seed in self.seeds}
        return [(subject, seed) for seed in self.seeds for subject in self.subjects if subject not in there[seed]]
