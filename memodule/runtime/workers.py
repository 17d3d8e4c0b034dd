"""Tasks in several processes, where no task can harm another, neither by an error nor by killing its process.

Processes are spawned, not forked: OpenCV, dlib and numba start threads that do not survive a fork. A script that uses
several workers must therefore guard its entry point with `if __name__ == "__main__"`.
"""

import concurrent.futures
import functools
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from memodule.console import progress_bar

T = TypeVar("T")
R = TypeVar("R")

ReportProgress = Callable[[int], None]
"""Receives how much of a task is done."""

Work = Callable[[T, ReportProgress], R]
"""Does one task. With several workers it must be importable, and tasks and results must be picklable."""

Setup = Callable[[], AbstractContextManager[object]]
"""Prepares a process."""

Outcomes = Iterator[tuple[T, R | Exception]]
"""Each task with its result or the exception it ended with, in the order in which tasks end."""

_POLL: Final = 0.5
"""Seconds between two checks of progress, and of whether the parent process is still alive."""


def processors() -> int:
    """Number of processors that this process may use; under SLURM and in containers fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WorkerDiedError(Exception):
    """The process of a task ended before the task did."""


def run(
    function: Work[T, R], tasks: Sequence[T], workers: int, setup: Setup, progress: ReportProgress
) -> Outcomes[T, R]:
    """Do all tasks and yield each one's outcome as soon as it is available.

    Args:
        workers: Number of processes; 1 does everything in this process.
        progress: Receives the sum of what the tasks have reported.
    """
    if workers == 1:
        return _run_here(function, tasks, setup, progress)
    return _run_in_processes(function, tasks, workers, setup, progress)


def run_with_bar(
    function: Work[T, R], tasks: Sequence[T], workers: int, setup: Setup, description: str, total: int
) -> Outcomes[T, R]:
    """Like `run`, with a progress bar labelled `description` that is full when all tasks have reported `total`."""
    with progress_bar() as bar:
        shown = bar.add_task(description, total=total)
        yield from run(function, tasks, workers, setup, lambda done: bar.update(shown, completed=done))


def _run_here(function: Work[T, R], tasks: Sequence[T], setup: Setup, progress: ReportProgress) -> Outcomes[T, R]:
    board = [0] * len(tasks)

    def report(slot: int, amount: int) -> None:
        board[slot] = amount
        progress(sum(board))

    with setup():
        for slot, task in enumerate(tasks):
            try:
                result: R | Exception = function(task, functools.partial(report, slot))
            except Exception as error:
                result = error
            yield task, result


def _run_in_processes(
    function: Work[T, R], tasks: Sequence[T], workers: int, setup: Setup, progress: ReportProgress
) -> Outcomes[T, R]:
    waiting = deque(range(len(tasks)))
    running: dict[Future[R], int] = {}
    with _Crew(setup, len(tasks)) as crew:
        pool = crew.pool(workers)
        while waiting or running:
            while waiting and len(running) < 2 * workers:
                try:
                    future = pool.submit(_do, function, tasks[waiting[0]], waiting[0])
                except BrokenProcessPool:  # a process was killed after the last check
                    if running:  # their outcomes will show it
                        break
                    pool = crew.pool(workers)
                    continue
                running[future] = waiting.popleft()
            done, _ = concurrent.futures.wait(running, _POLL, concurrent.futures.FIRST_COMPLETED)
            progress(crew.done)
            outcomes = _outcomes((running[future], future) for future in done)
            if any(isinstance(outcome, BrokenProcessPool) for _, outcome in outcomes):
                # one of the running tasks killed its process; trying them one by one shows which
                outcomes = _outcomes((slot, future) for future, slot in running.items())
                done = set(running)
                pool = crew.pool(workers)
            for slot, outcome in outcomes:
                again = isinstance(outcome, BrokenProcessPool)
                yield tasks[slot], _do_alone(crew, function, tasks[slot], slot) if again else outcome
            for future in done:
                del running[future]


def _outcomes(running: Iterable[tuple[int, Future[R]]]) -> list[tuple[int, R | Exception]]:
    """The results, or what the tasks ended with, of futures that are done."""
    outcomes: list[tuple[int, R | Exception]] = []
    for slot, future in running:
        try:
            outcomes.append((slot, future.result()))
        except Exception as error:
            outcomes.append((slot, error))
    return outcomes


def _do_alone(crew: "_Crew", function: Work[T, R], task: T, slot: int) -> R | Exception:
    [(_, outcome)] = _outcomes([(slot, crew.pool(1).submit(_do, function, task, slot))])
    if isinstance(outcome, BrokenProcessPool):
        return WorkerDiedError("its process was killed, perhaps because memory ran out")
    return outcome


class _Crew:
    """Process pools, and the memory shared with them: what each task has done, and whether to stop."""

    def __init__(self, setup: Setup, tasks: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        # one slot per task: nothing to lock, so that no killed process can leave a lock behind
        self._board = self._context.RawArray("l", tasks + 1)
        self._setup = setup
        self._pools: list[ProcessPoolExecutor] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            self._board[-1] = 1  # do not wait for tasks that are half done
        for pool in self._pools:
            pool.shutdown(wait=error is None, cancel_futures=True)

    def pool(self, workers: int) -> ProcessPoolExecutor:
        """A new pool."""
        started = (self._setup, self._board)
        self._pools.append(ProcessPoolExecutor(workers, self._context, _begin, started))
        return self._pools[-1]

    @property
    def done(self) -> int:
        """The sum of what all tasks have reported."""
        return sum(self._board[:-1])


_board: Any = None
"""The shared memory, in a worker process."""


def _begin(setup: Setup, board: Any) -> None:
    """Prepare a worker process."""
    global _board
    _board = board
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the parent reports an interruption; no traceback from here
    threading.Thread(target=_watch, daemon=True).start()
    setup().__enter__()


def _watch() -> None:
    """End this process when its parent has ended or says so; otherwise it would wait for tasks forever."""
    parent = multiprocessing.parent_process()
    while parent is not None and not _board[-1]:
        if multiprocessing.connection.wait([parent.sentinel], _POLL):
            break
    os._exit(1)


def _do(function: Work[T, R], task: T, slot: int) -> R:
    def report(amount: int) -> None:
        _board[slot] = amount

    return function(task, report)
