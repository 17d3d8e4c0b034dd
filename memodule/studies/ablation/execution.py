"""All decodings of a grid, in several processes, without those in the cache."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from memodule.errors import UserError
from memodule.runtime.workers import run_with_bar
from memodule.studies.ablation.cache import CountCache, write_counts
from memodule.studies.ablation.counting import Counts, count
from memodule.studies.ablation.grid import Grid
from memodule.studies.ablation.prepared import PreparedStudy
from memodule.studies.ablation.variants import DecodingSpec


class CountTask(NamedTuple):
    """One decoding, whether it takes part in a nested choice, and the file for its counts."""

    decoding: DecodingSpec
    choosing: bool
    path: Path


class Counted(NamedTuple):
    """The counts of all decodings of a grid.

    Attributes:
        counts: By digest of the decoding.
        computed: How many were not in the cache.
    """

    counts: Mapping[str, Counts]
    computed: int


def count_all(grid: Grid, study: PreparedStudy, cache: CountCache, workers: int) -> Counted:
    """Count under every decoding of the grid, and cache the counts of each at once; with one worker, in this process.

    Raises:
        UserError: If a rule cannot be fitted, or the cache cannot be written.
    """
    known: dict[str, Counts] = {}
    tasks: dict[str, CountTask] = {}
    choosing = grid.chosen_decodings
    decodings = {c.decoding.digest: c.decoding for variant in grid.variants for c in variant.candidates}
    for digest, decoding in decodings.items():
        found = _cached(cache, decoding, digest in choosing)
        if found is not None:
            known[digest] = found
        else:
            tasks[digest] = CountTask(decoding, digest in choosing, cache.path(decoding, digest in choosing))
    longest_first = sorted(tasks.values(), key=lambda task: not task.choosing)
    known.update(_run(longest_first, study, min(workers, max(1, len(tasks)))))
    return Counted(known, len(tasks))


def _cached(cache: CountCache, decoding: DecodingSpec, choosing: bool) -> Counts | None:
    """Counts for a nested choice also serve without one."""
    ways = (True,) if choosing else (False, True)
    return next((found for way in ways if (found := cache.read(decoding, way)) is not None), None)


def _run(tasks: Sequence[CountTask], study: PreparedStudy, workers: int) -> Iterator[tuple[str, Counts]]:
    if not tasks:
        return
    setup = functools.partial(_hold, study)
    for task, outcome in run_with_bar(count_task, tasks, workers, setup, "decodings", len(tasks)):
        if isinstance(outcome, OSError):
            raise UserError(f"{task.path.parent}: cannot be written ({outcome}); free some space and run it again")
        if isinstance(outcome, Exception):
            raise outcome
        yield task.decoding.digest, outcome


_study: PreparedStudy | None = None
"""What this process decodes."""


def _hold(study: PreparedStudy) -> contextlib.AbstractContextManager[object]:
    """Keep the study for the tasks of this process."""
    global _study
    _study = study
    return contextlib.nullcontext()


def count_task(task: CountTask, report: Callable[[int], None]) -> Counts:
    """Count and write."""
    assert _study is not None
    counts = count(task.decoding, _study, task.choosing)
    write_counts(task.path, counts)
    report(1)
    return counts
