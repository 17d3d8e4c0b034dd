"""A study before it runs: resolved config, identity, folder, folds."""

import copy
import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from memodule.data.folds import make_fold, scored_catalog
from memodule.datasets.catalog import Catalog, read_catalog
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.flow import FlowParameters, FlowStore
from memodule.runtime.digests import json_sha256

_NOT_IDENTITY = (
    "seed_everything",
    "data.catalog",
    "data.curves",
    "data.flow",
    "data.fold",
    "data.num_workers",
    "trainer.logger",
    "trainer.default_root_dir",
    "trainer.enable_progress_bar",
    "interval_selection",
    "model.windows_per_pass",
)
"""Settings of where and how a study runs, not of what it computes; the data have their own fingerprint."""

_LATER: Final = {
    "data.hardening": None,
    "data.background": None,
    "data.background_ratio": 1.0,
    "data.phases": 1,
    "protocol.phases": None,
}
"""Settings that earlier versions did not have, and their value: studies of those versions keep their identity."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One fold with one seed, which holds out `subject`.

    Attributes:
        config: The resolved config of the study.
        folder: Where the fold's files go; `result.json` makes it finished.
        study: Name and digest of the study, for tracking.
        fingerprint: Hash of labels and flow features, for tracking.
        curves: Folder of a finished study whose curves are decoded, instead of training.
    """

    config: dict[str, Any]
    subject: str
    seed: int
    folder: Path
    study: str
    fingerprint: str
    curves: Path | None = None

    @property
    def name(self) -> str:
        """What messages call this fold."""
        return f"{self.subject} (seed {self.seed})"

    @property
    def finished(self) -> bool:
        """Whether the fold has a result."""
        return (self.folder / "result.json").is_file()


@dataclasses.dataclass(frozen=True)
class Plan:
    """A study: one config, many folds.

    Attributes:
        name: What the study is called; by default, the names of its config files.
        config: The resolved config as plain values.
        catalog: The videos and expressions that the protocol scores.
        fingerprint: Hash of labels and flow features.
        subjects: Held-out subjects, one fold each, once per seed.
        runs: Folder of all studies.
        curves: As in `Job`.
    """

    name: str
    config: dict[str, Any]
    catalog: Catalog
    fingerprint: str
    subjects: tuple[str, ...]
    seeds: tuple[int, ...]
    runs: Path
    curves: Path | None = None

    @functools.cached_property
    def digest(self) -> str:
        """Changes with every setting and all data that can change a result."""
        return json_sha256([identity(self.config), self.fingerprint])

    @property
    def folder(self) -> Path:
        """The same study finds its folder again, a changed one gets another."""
        return self.runs / f"{self.name}-{self.digest[:8]}"

    @property
    def jobs(self) -> list[Job]:
        """Every fold of every seed."""
        return [
            Job(self.config, subject, seed, folder, self.folder.name, self.fingerprint, self.curves)
            for seed in self.seeds
            for subject in self.subjects
            for folder in [fold_folder(self.folder, subject, seed)]
        ]


def plan_study(
    configs: Sequence[Path],
    overrides: Mapping[str, str] | None = None,
    folds: Sequence[str] | None = None,
    seeds: Sequence[int] = (0,),
    runs: Path = Path("runs"),
    name: str | None = None,
    curves: Path | None = None,
) -> Plan:
    """Resolve a config file and find its folds.

    Args:
        configs: Experiment files, or names of included ones (experiments/*.yaml); a later one replaces what it names.
        overrides: Config keys and values that replace those of the file, such as {"trainer.max_epochs": "5"}.
        folds: Subjects to hold out; None for all.
        curves: As in `Job`.

    Raises:
        UserError: If config, Catalog or flow store cannot be used, a setting has an impossible value, a subject is
            unknown, or inner validation subjects leave none for training.
    """
    # Only planning needs these, and they import Lightning, which takes seconds.
    from memodule.training.fold_cli import LARGEST_SEED
    from memodule.training.settings import parse_config, try_out

    resolved = parse_config(configs, overrides or {})
    data = resolved["data"]
    data.update({name: str(Path(data[name]).resolve()) for name in ("catalog", "flow")})  # workers run elsewhere
    catalog = scored_catalog(read_catalog(data["catalog"]), resolved["protocol"]["videos"])
    if not catalog.videos:
        kept = " with a micro-expression" if resolved["protocol"]["videos"] == "with_micro" else ""
        raise UserError(f"{data['catalog']}: has no video{kept}, so there is nothing to run; see `memodule check`")
    unknown = [subject for subject in folds or () if subject not in catalog.subjects]
    if unknown:
        raise UserError(
            f"--folds: {data['catalog']} has no subject {unknown[0]!r}; choose from {', '.join(catalog.subjects)}"
        )
    if len(set(seeds)) != len(seeds) or not seeds or not all(0 <= seed <= LARGEST_SEED for seed in seeds):
        raise UserError(f"seeds {','.join(map(str, seeds))}: use different whole numbers from 0, such as 0,1,2")
    for subject in folds or catalog.subjects:  # reports now what would end every fold later
        make_fold(catalog, subject, data["inner_validation_subjects"])
    try_out(resolved, (folds or catalog.subjects)[0])
    Protocol.from_dict(resolved["protocol"]).scored_phases(data["phases"])
    parameters = FlowParameters(data["window"], data["frame_step"], data["motion_compensation"], data["phases"])
    return Plan(
        name or "+".join(re.sub(r"[^\w.-]+", "_", config.stem) for config in configs),
        resolved,
        catalog,
        data_fingerprint(catalog, FlowStore(data["flow"], parameters)),
        tuple(folds or catalog.subjects),
        tuple(seeds),
        runs.resolve(),
        curves and curves.resolve(),
    )


def identity(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide what a study computes: a copy without those that change no result."""
    kept: dict[str, Any] = copy.deepcopy(dict(config))
    for key in (*_NOT_IDENTITY, *_LATER):
        *path, last = key.split(".")
        section = kept
        for part in path:
            section = section.get(part) or {}
        if key not in _LATER or section.get(last) == _LATER[key]:
            section.pop(last, None)
    return kept


def fold_folder(study: Path, subject: str, seed: int) -> Path:
    """Folder of one fold; subject codes become safe and distinct file names."""
    return study / "folds" / f"seed{seed}" / quote(subject, safe=" ").replace(".", "%2E")


def protocol_of(config: Mapping[str, Any]) -> Protocol:
    """The evaluation protocol of a resolved config."""
    return Protocol.from_dict(config["protocol"])


def data_fingerprint(catalog: Catalog, store: FlowStore) -> str:
    """Hash of all labels and all flow features.

    Raises:
        UserError: If the features of a video are missing or damaged.
    """
    videos = [(*video.key, video.fps, video.frames, store.get(*video.key).sha256) for video in catalog.videos]
    return json_sha256([videos, [dataclasses.astuple(expression) for expression in catalog.expressions]])
