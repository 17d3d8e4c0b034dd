"""A search before it runs: the experiment it starts from, what it may change, its folder."""

import dataclasses
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from memodule.errors import UserError
from memodule.runtime.digests import json_sha256
from memodule.runtime.own_parts import import_options
from memodule.runtime.packaged import packaged_file
from memodule.runtime.yaml_files import is_yaml_file
from memodule.studies.plan import Plan, plan_study
from memodule.studies.search.space import Space

_MAY_DIFFER: Final = ("name", "stitching", "phases", "neutral")
"""Options of a protocol that change what is found; all others change how it is counted."""


@dataclasses.dataclass(frozen=True)
class Search:
    """One experiment under many settings.

    Attributes:
        configs: Experiment files, as the user named them.
        changes: What `--set` replaces in them.
        base: The study without any choice of the space; its folds are those of every trial, in the same order.
        sampler: "tpe" learns from finished trials where to look (Optuna), "random" does not.
        grace: Folds of a trial before it may be stopped; as many as there are folds stops none.
    """

    name: str
    configs: tuple[Path, ...]
    changes: dict[str, str]
    base: Plan
    space: Space
    sampler: str
    grace: int

    @property
    def folder(self) -> Path:
        """Folder of the search: the same search finds it again, whatever its number of trials."""
        subjects, seeds = list(self.base.subjects), list(self.base.seeds)
        what = [self.base.digest, self.space.describe(), subjects, seeds, self.sampler, self.grace]
        return self.base.runs / f"{self.name}-{json_sha256(what)[:8]}"

    @property
    def trials(self) -> Path:
        """Folder of the trials, each a study."""
        return self.folder / "trials"

    def plan(self, settings: Mapping[str, str]) -> Plan:
        """The study of one trial, whose settings go on top of the search's own.

        Raises:
            UserError: If they cannot be used.
        """
        own = {key: self.base.config["data"][key.partition(".")[2]] for key in ("data.catalog", "data.flow")}
        changes = {key: _anywhere(value) for key, value in self.changes.items()}
        config = [packaged_file(path, "experiments").resolve() for path in self.configs]
        plan = plan_study(
            config, changes | dict(settings) | own, self.base.subjects, self.base.seeds, self.trials, "trial"
        )
        # A trial is one W&B run; its folds are not logged.
        return dataclasses.replace(plan, config={**plan.config, "trainer": {**plan.config["trainer"], "logger": False}})

    def command(self, settings: Mapping[str, str]) -> str:
        """The command line that trains the study of a trial again, as a study of its own."""
        arguments = ["memodule", "loso"]
        for path in self.configs:
            arguments += ["--config", str(path)]
        chosen = {**self.changes, **{key: _nearby(value) for key, value in settings.items()}}
        for key, value in chosen.items():
            arguments += ["--set", f"{key}={value}"]
        if len(self.base.subjects) < len(self.base.catalog.subjects):
            arguments += ["--folds", ",".join(self.base.subjects)]
        if self.base.seeds != (0,):
            arguments += ["--seeds", ",".join(map(str, self.base.seeds))]
        return shlex.join([*arguments, *import_options()])


def plan_search(
    configs: Sequence[Path],
    space: Path,
    changes: Mapping[str, str] | None = None,
    folds: Sequence[str] | None = None,
    seed: int = 0,
    runs: Path = Path("runs"),
    name: str | None = None,
    sampler: str = "tpe",
    grace: int | None = None,
) -> Search:
    """Resolve the experiment, read the space, and try every end of every parameter.

    Args:
        configs: Experiment files; a later one replaces what it names.
        changes: Config keys and values that replace those of the files.
        folds: Subjects to hold out; None for all.
        seed: Of training and of the sampler.
        runs: Parent folder of the search.
        name: By default "search-" and the config files' names.
        grace: Folds of a trial before it may be stopped; by default a quarter of them, at least 2.

    Raises:
        UserError: If anything cannot be used, or choosing would leak or compare what cannot be compared.
    """
    base = plan_study(configs, changes, folds, (seed,), runs)
    if not base.config["data"]["inner_validation_subjects"]:
        raise UserError(
            "a search chooses settings by the scores of inner validation subjects, and this one has none: add --set "
            "data.inner_validation_subjects=2; choosing by held-out subjects would make the winner look better than "
            "it is"
        )
    count = len(base.subjects)
    least = grace if grace is not None else min(count, max(2, -(-count // 4)))
    if not 1 <= least <= count:
        raise UserError(f"--grace {least}: give a number of folds from 1 to {count}; {count} stops no trial early")
    search = Search(
        name or f"search-{base.name}", tuple(configs), dict(changes or {}), base, Space.read(space), sampler, least
    )
    _check(search)
    return search


def _check(search: Search) -> None:
    """Plan a trial at every end of every parameter, so that none fails after hours."""
    results: dict[str, set[str]] = {}
    where = search.space.path
    for parameter, settings in search.space.samples():
        value = settings[parameter.name]
        if parameter.name in search.changes:
            raise UserError(f"{where}: {parameter.name} is set by --set too; set it in one place only")
        try:
            plan = search.plan(settings)
        except UserError as error:
            raise UserError(f"{where}: {parameter.name}: {value} cannot be used: {error}") from None
        if unfair := _unfair(search.base, plan):
            raise UserError(f"{where}: {parameter.name}: {value} {unfair}")
        results.setdefault(parameter.name, set()).add(plan.digest)
    for parameter in search.space.parameters:
        if len(results[parameter.name]) == 1 and len(parameter.values) > 1:
            raise UserError(f"{where}: {parameter.name} changes no result; remove it")


def _unfair(base: Plan, plan: Plan) -> str | None:
    """Why the scores of a trial could not be compared with those of another."""
    ours, theirs = base.config["protocol"], plan.config["protocol"]
    counted = [key for key in ours if key not in _MAY_DIFFER and ours[key] != theirs[key]]
    if counted:
        return f"changes protocol.{counted[0]}: scores that are counted in different ways cannot be compared"
    before, after = base.config["data"], plan.config["data"]
    if before["inner_validation_subjects"] != after["inner_validation_subjects"]:
        return "changes data.inner_validation_subjects, whose score is the objective; set it with --set"
    if base.catalog != plan.catalog:
        return "changes the videos or labels: scores on other data cannot be compared"
    if ours["frames"] == "sampled" and before["frame_step"] != after["frame_step"]:
        return "changes data.frame_step, in which this protocol counts: such scores cannot be compared"
    return None


def _anywhere(value: str) -> str:
    """A file as its absolute path, since workers run elsewhere."""
    return str(Path(value).resolve()) if is_yaml_file(value) and Path(value).is_file() else value


def _nearby(value: str) -> str:
    """A file as a path from here, as one would type it."""
    return os.path.relpath(value) if is_yaml_file(value) and Path(value).is_absolute() else value
