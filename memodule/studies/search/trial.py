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

from memodule.errors import UserError
from memodule.runtime.atomic import write_json
from memodule.runtime.digests import json_sha256
from memodule.studies.failures import in_one_line
from memodule.studies.inner import inner_scores
from memodule.studies.plan import Job, protocol_of
from memodule.studies.redecoding import curves_digest
from memodule.studies.search.search import Search
from memodule.studies.study import Study
from memodule.studies.work import Workers, run_job

OBJECTIVE = "objective"
"""Key of the score that a search maximises: STRS of inner validation subjects, pooled over the folds so far."""


@dataclasses.dataclass(frozen=True)
class Orders:
    """What every worker of a search is told.

    Attributes:
        search: The search.
        threads: CPU threads per fold.
        environment: Variables that a worker on another machine lacks.
    """

    search: Search
    threads: int
    environment: dict[str, str]


class Trial:
    """A trial under way.

    Args:
        orders: Of the search.
        settings: Of this trial.

    Raises:
        UserError: If the settings cannot be used, or the config files have changed since the search began.
    """

    def __init__(self, orders: Orders, settings: Mapping[str, str]) -> None:
        self._orders, self._settings = orders, dict(settings)
        search = orders.search
        if search.plan({}).digest != search.base.digest:
            raise UserError(
                f"{', '.join(map(str, search.configs))}: changed since the search began; give the same command again, "
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
            What Ray Tune is told: `objective`, `folds` (done so far), `study`, `done`.
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
        """Another trial that has trained the same network for this fold; only intervals and scoring differ."""
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

    _orders: Orders
    _settings: dict[str, str]
    _trial: Trial | None

    def setup(self, config: dict[str, Any], orders: Orders) -> None:  # type: ignore[override]
        """Begin the trial; `orders` comes through `tune.with_parameters`."""
        os.environ.update(orders.environment)
        self._orders = orders
        self._begin(config)

    def step(self) -> dict[str, Any]:
        """Run a fold."""
        try:
            if self._trial is None:
                self._trial = Trial(self._orders, self._settings)
            return self._trial.run_next()
        except Exception as error:
            keep_failure(self._orders.search, self._settings, error)
            raise

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take over another trial in the same process, which saves the time of importing everything."""
        self._begin(new_config)
        return True

    def _begin(self, config: Mapping[str, Any]) -> None:
        self._trial = None
        self._settings = self._orders.search.space.settings(config)
        _failure(self._orders.search, self._settings).unlink(missing_ok=True)


def keep_failure(search: Search, settings: Mapping[str, str], error: Exception) -> None:
    """Write down why a trial failed, for the table and for whoever mends it."""
    with contextlib.suppress(OSError):  # a full disk is told by Ray's own message
        write_json(_failure(search, settings), {"error": in_one_line(error), "traceback": traceback.format_exc()})


def read_failure(search: Search, settings: Mapping[str, str]) -> str | None:
    """The error of a trial in one line; None where its worker died without a word."""
    try:
        return str(json.loads(_failure(search, settings).read_text(encoding="utf-8"))["error"])
    except (OSError, ValueError):
        return None


def _failure(search: Search, settings: Mapping[str, str]) -> Path:
    return search.folder / "failures" / f"{json_sha256(dict(settings))[:16]}.json"
