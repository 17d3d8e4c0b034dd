"""One trial: the folds of a study one after the other, each followed by the running score of inner subjects."""

import contextlib
import dataclasses
import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray import tune
from typing_extensions import override

from memodule.errors import UserError
from memodule.runtime.atomic import write_json
from memodule.studies.failures import in_one_line
from memodule.studies.inner import inner_scores
from memodule.studies.plan import Job, protocol_of
from memodule.studies.redecoding import curves_digest
from memodule.studies.search.planning import Search
from memodule.studies.search.records import settings_key
from memodule.studies.study import Study
from memodule.studies.work import Workers, run_job

OBJECTIVE = "objective"
"""Key of the score that a search maximises: STRS of inner validation subjects, pooled over the folds so far."""


@dataclasses.dataclass(frozen=True)
class TrialOrders:
    """What every worker of a search needs to know.

    Attributes:
        threads: CPU threads per fold.
        environment: Variables that a worker on another machine lacks.
    """

    search: Search
    threads: int
    environment: dict[str, str]


class TrialStudy:
    """The study of a trial, which runs one fold at a time.

    Raises:
        UserError: If the settings cannot be used, or the config files have changed since the search began.
    """

    def __init__(self, orders: TrialOrders, settings: Mapping[str, str]) -> None:
        self._orders, self._settings = orders, dict(settings)
        search = orders.search
        if search.plan({}).digest != search.base.digest:
            raise UserError(
                f"{', '.join(map(str, search.configs))}: changed since the search began; run the same command again, "
                f"which begins another search"
            )
        self.plan = search.plan(settings)
        self._protocol = protocol_of(self.plan.config)
        self._curves = curves_digest(self.plan)
        Study.begin(self.plan)
        write_json(self.plan.folder / "trial.json", {"settings": self._settings, "curves": self._curves})
        self._results: list[dict[str, Any]] = []

    def run_next(self) -> dict[str, Any]:
        """Run the next fold, unless its result is there already.

        Returns:
            The result for Ray Tune: `objective`, `folds` (finished so far), `study`, `done`.
        """
        job = self.plan.jobs[len(self._results)]
        if not job.finished:
            alike = dataclasses.replace(job, curves=self._trained_alike(job))
            run_job(alike, Workers(threads=self._orders.threads, save_checkpoints=False))
        self._results.append(json.loads((job.folder / "result.json").read_text(encoding="utf-8")))
        scores = inner_scores(self._results, self._protocol)
        assert scores is not None  # a search without inner subjects is refused
        done = len(self._results)
        over = done == len(self.plan.jobs)
        return {OBJECTIVE: scores["strs"], "folds": done, "study": self.plan.folder.name, "done": over}

    def _trained_alike(self, job: Job) -> Path | None:
        """Folder of another trial that trained the same network for this fold; only intervals and scoring differ."""
        if self._curves is None:
            return None
        for path in sorted(self._orders.search.trials.glob("*/trial.json")):
            with contextlib.suppress(OSError, ValueError):  # being written
                alike = json.loads(path.read_text(encoding="utf-8"))["curves"] == self._curves
                fold = job.folder.relative_to(self.plan.folder)
                if alike and (path.parent / fold / "result.json").is_file():
                    return path.parent
        return None


class FoldByFold(tune.Trainable):
    """A trial as Ray Tune runs it: one step is one fold."""

    _orders: TrialOrders
    _settings: dict[str, str]
    _trial: TrialStudy | None

    def setup(self, config: dict[str, Any], orders: TrialOrders) -> None:  # type: ignore[override]
        """Begin the trial; `tune.with_parameters` passes `orders`."""
        os.environ.update(orders.environment)
        self._orders = orders
        self._begin(config)

    @override
    def step(self) -> dict[str, Any]:
        try:
            if self._trial is None:
                self._trial = TrialStudy(self._orders, self._settings)
            return self._trial.run_next()
        except Exception as error:
            keep_failure(self._orders.search, self._settings, error)
            raise

    @override
    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._begin(new_config)  # another trial in the same process, which saves importing everything
        return True

    def _begin(self, config: Mapping[str, Any]) -> None:
        self._trial = None
        self._settings = self._orders.search.space.settings(config)
        _failure(self._orders.search, self._settings).unlink(missing_ok=True)


def keep_failure(search: Search, settings: Mapping[str, str], error: Exception) -> None:
    """Write down why a trial failed."""
    with contextlib.suppress(OSError):  # Ray reports a full disk itself
        write_json(_failure(search, settings), {"error": in_one_line(error), "traceback": traceback.format_exc()})


def read_failure(search: Search, settings: Mapping[str, str]) -> str | None:
    """The error of a trial in one line; None where its worker died before it could write one."""
    try:
        return str(json.loads(_failure(search, settings).read_text(encoding="utf-8"))["error"])
    except (OSError, ValueError):
        return None


def _failure(search: Search, settings: Mapping[str, str]) -> Path:
    return search.folder / "failures" / f"{settings_key(settings)}.json"
