"""All decodings of a grid, in several processes, those in the cache left out."""

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
from memodule.studies.ablation.material import Material
from memodule.studies.ablation.variants import DecodingSpec


class Task(NamedTuple):
    """One decoding, and the file that its counts go to.

    Attributes:
        decoding: How curves are decoded.
        choosing: Whether it takes part in a nested choice.
        path: The file.
    """

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


def count_all(grid: Grid, material: Material, cache: CountCache, workers: int) -> Counted:
    """Count under every decoding of the grid; each one's counts are written as soon as they are there.

    Args:
        grid: What to decode.
        material: The study.
        cache: Where counts are kept.
        workers: Processes; 1 stays in this one.

    Raises:
        UserError: If a rule cannot be fitted, or the cache cannot be written.
    """
    known: dict[str, Counts] = {}
    tasks: dict[str, Task] = {}
    selected = grid.selected
    for variant in grid.variants:
        for candidate in variant.candidates:
            decoding = candidate.decoding
            digest = decoding.digest
            if digest in known or digest in tasks:
                continue
            found = _cached(cache, decoding, digest in selected)
            if found is not None:
                known[digest] = found
            else:
                tasks[digest] = Task(decoding, digest in selected, cache.path(decoding, digest in selected))
    longest_first = sorted(tasks.values(), key=lambda task: not task.choosing)
    known.update(_run(longest_first, material, min(workers, max(1, len(tasks)))))
    return Counted(known, len(tasks))


def _cached(cache: CountCache, decoding: DecodingSpec, choosing: bool) -> Counts | None:
    """Counts for a nested choice serve without one as well."""
    ways = (True,) if choosing else (False, True)
    return next((found for way in ways if (found := cache.read(decoding, way)) is not None), None)


def _run(tasks: Sequence[Task], material: Material, workers: int) -> Iterator[tuple[str, Counts]]:
    if not tasks:
        return
    setup = functools.partial(_hold, material)
    for task, outcome in run_with_bar(count_task, tasks, workers, setup, "decodings", len(tasks)):
        if isinstance(outcome, OSError):
            raise UserError(f"{task.path.parent}: cannot be written ({outcome}); make room and give the command again")
        if isinstance(outcome, Exception):
            raise outcome
        yield task.decoding.digest, outcome


_material: Material | None = None
"""What this process decodes."""


def _hold(material: Material) -> contextlib.AbstractContextManager[object]:
    """Keep the material for the tasks of this process."""
    global _material
    _material = material
    return contextlib.nullcontext()


def count_task(task: Task, report: Callable[[int], None]) -> Counts:
    """Count and write."""
    assert _material is not None
    counts = count(task.decoding, _material, task.choosing)
    write_counts(task.path, counts)
    report(1)
    return counts
