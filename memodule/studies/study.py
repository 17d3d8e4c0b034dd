"""A study on disk: what `memodule loso` leaves behind, and what re-decoding and reports read.

runs/demo-1f2e3d4c/
    study.json          name, digest, data fingerprint, subjects, seeds; code version and machine that began it
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
import json
from pathlib import Path
from typing import Any, Final

import yaml

from memodule.datasets.catalog import Catalog, read_catalog
from memodule.decoding.curves import VideoCurve, read_curves
from memodule.decoding.decode import Decoded, decode
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.intervals.description import build_rule
from memodule.runtime.atomic import write_json, write_text
from memodule.studies.origin import code_version, host
from memodule.studies.plan import Plan, fold_folder, protocol_of


@dataclasses.dataclass(frozen=True)
class Study:
    """A study that was begun; all of it is read from its folder.

    Attributes:
        folder: Where it is.
        description: Contents of `study.json`.
        config: The resolved config.
    """

    folder: Path
    description: dict[str, Any]
    config: dict[str, Any]

    @classmethod
    def begin(cls, plan: Plan) -> "Study":
        """Write the study's own files, before any fold runs; a study that is there already is continued.

        Args:
            plan: What is to run.

        Returns:
            The study, opened.

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
        try:
            plan.catalog.write(plan.folder / "catalog")
            write_text(plan.folder / "config.yaml", yaml.safe_dump(plan.config, sort_keys=False))
            if (plan.folder / "study.json").is_file():
                before = _read_json(plan.folder / "study.json")
                begun = {seed for seed in before["seeds"] if any(plan.folder.glob(f"folds/seed{seed}/*/result.json"))}
                description |= {"seeds": sorted({*begun, *plan.seeds})}
                description |= {key: before[key] for key in ("code_version", "host") if key in before}
            write_json(plan.folder / "study.json", description)
        except OSError as error:
            raise UserError(f"{plan.folder}: cannot be written ({error}); choose another folder with --runs") from None
        return cls.open(plan.folder)

    @classmethod
    def open(cls, folder: Path | str) -> "Study":
        """Open a study's folder.

        Args:
            folder: What `memodule loso` or `import-published` wrote.

        Returns:
            The study; folds may be missing.

        Raises:
            UserError: If it is no study.
        """
        folder = Path(folder)
        if not (folder / "study.json").is_file():
            raise UserError(f"{folder}: no study (no study.json there); give a folder that `memodule loso` wrote")
        description = _read_json(folder / "study.json")
        try:
            config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{folder / 'config.yaml'}: cannot be read ({reason}); run the study again") from None
        missing = [key for key in ("name", "subjects", "seeds") if key not in description]
        missing += [key for key in ("data", "protocol", "intervals") if key not in (config or {})]
        if missing:
            raise UserError(f"{folder}: no study ({missing[0]} is not told); give a folder that `memodule loso` wrote")
        return cls(folder, description, config)

    @property
    def name(self) -> str:
        """Name with digest: how tables and dashboards call the study."""
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
        """All seeds that were asked for."""
        return tuple(self.description["seeds"])

    def fold(self, subject: str, seed: int) -> Path:
        """Folder of a fold.

        Args:
            subject: The held-out subject.
            seed: One of the study's seeds.

        Returns:
            The folder, which need not exist.
        """
        return fold_folder(self.folder, subject, seed)

    def finished(self, seed: int) -> tuple[str, ...]:
        """Subjects whose fold is finished for a seed.

        Args:
            seed: One of the study's seeds.

        Returns:
            In the order of the Catalog.
        """
        return tuple(s for s in self.subjects if (self.fold(s, seed) / "result.json").is_file())

    def missing(self) -> list[tuple[str, int]]:
        """(subject, seed) of all folds that are not finished."""
        return [(s, seed) for seed in self.seeds for s in self.subjects if s not in self.finished(seed)]

    def fold_result(self, subject: str, seed: int) -> dict[str, Any]:
        """Contents of a finished fold's `result.json`.

        Args:
            subject: The held-out subject.
            seed: One of the study's seeds.

        Returns:
            Plain values; docs/data-formats.md names them.

        Raises:
            UserError: If the fold is not finished, or its file is damaged.
        """
        path = self.fold(subject, seed) / "result.json"
        result = _read_json(path)
        if missing := [key for key in _RESULT_KEYS if key not in result]:
            raise UserError(
                f"{path}: no result of a fold ({missing[0]} is not told); delete it and run the study again"
            )
        return result

    def curves(self, subject: str, seed: int) -> list[VideoCurve]:
        """Curves of a held-out subject, from the fold that held it out.

        Args:
            subject: The held-out subject.
            seed: One of the study's seeds.

        Returns:
            One curve for each video, in the order of the Catalog.

        Raises:
            UserError: If the fold is not finished, or its file is damaged.
        """
        return read_curves(self.fold(subject, seed) / "test" / "curves.npz")

    def inner_curves(self, subject: str, seed: int) -> list[VideoCurve]:
        """Curves of a fold's inner validation subjects; only meaningful where it has some.

        Args:
            subject: The held-out subject.
            seed: One of the study's seeds.

        Returns:
            One curve for each video, in the order of the Catalog.

        Raises:
            UserError: If the fold is not finished, or its file is damaged.
        """
        return read_curves(self.fold(subject, seed) / "val" / "curves.npz")

    def rule(self, subject: str, seed: int) -> SelectionRule:
        """The selection rule as the fold fitted it.

        Args:
            subject: The held-out subject.
            seed: One of the study's seeds.

        Returns:
            A rule with its fitted state.

        Raises:
            UserError: If the fold is not finished, or names a rule that is unknown here.
        """
        return build_rule(self.fold_result(subject, seed)["rule"], str(self.fold(subject, seed) / "result.json"))

    def decoded(self, subject: str, seed: int) -> list[Decoded]:
        """What the fold found in the videos of its held-out subject.

        Args:
            subject: The held-out subject.
            seed: One of the study's seeds.

        Returns:
            One entry for each video, in the order of the Catalog.

        Raises:
            UserError: If the fold is not finished, or its file is damaged.
        """
        rule = self.rule(subject, seed)
        return [decode(curve, rule, self.protocol) for curve in self.curves(subject, seed)]


_RESULT_KEYS: Final = ("provenance", "rule", "history", "seconds")
"""What every `result.json` has, that of an imported fold too."""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        contents: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); delete it and run the study again") from None
    if not isinstance(contents, dict):
        raise UserError(f"{path}: holds no mapping; delete it and run the study again")
    return contents
