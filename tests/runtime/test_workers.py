import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memodule.runtime.workers import WorkerDiedError, run

TASKS = """
import contextlib, os, time

def do(task, report):
    kind, value = task
    if kind == "fail":
        raise ValueError(f"cannot do {value}")
    if kind == "die":
        time.sleep(value / 10)
        os._exit(3)
    if kind == "sleep":
        open(os.path.join(value, str(os.getpid())), "w").close()
        time.sleep(60)
    report(value)
    return os.getpid() if kind == "pid" else 10 * value
"""


@pytest.fixture
def do(tmp_path, monkeypatch):
    """A function that worker processes can import."""
    (tmp_path / "tasks_of_this_test.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    import tasks_of_this_test

    yield tasks_of_this_test.do
    del sys.modules["tasks_of_this_test"]


def outcomes(do, tasks, workers):
    reported = [0]
    results = dict(run(do, tasks, workers, contextlib.nullcontext, reported.append))
    assert reported == sorted(reported)
    return results, reported[-1]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_errors_are_outcomes_and_harm_no_other_task(do, workers):
    results, reported = outcomes(do, [("do", 1), ("fail", 2), ("do", 3), ("do", 4)], workers)
    assert [results["do", i] for i in (1, 3, 4)] == [10, 30, 40]
    assert isinstance(results["fail", 2], ValueError)
    assert str(results["fail", 2]) == "cannot do 2"
    assert reported == 8 or workers > 1  # processes are polled twice a second


@pytest.mark.slow
def test_a_killed_process_costs_only_its_own_task(do):
    tasks = [("do", 1), ("die", 2), *(("do", i) for i in range(3, 9)), ("die", 9), ("do", 10)]
    results, _ = outcomes(do, tasks, 2)
    died = {task for task, outcome in results.items() if isinstance(outcome, WorkerDiedError)}
    assert died == {("die", 2), ("die", 9)}
    assert all(results[task] == 10 * task[1] for task in tasks if task not in died)


@pytest.mark.slow
def test_an_idle_process_that_is_killed_costs_nothing(do):
    tasks = [("pid", i) for i in range(9)]
    results = {}
    for task, outcome in run(do, tasks, 2, contextlib.nullcontext, lambda done: None):
        if not results:
            time.sleep(1)  # until all workers are idle
            os.kill(outcome, signal.SIGKILL)
            time.sleep(1)
        results[task] = outcome
    assert set(results) == set(tasks)
    assert all(isinstance(outcome, int) for outcome in results.values())


@pytest.mark.slow
def test_a_process_killed_between_two_checks_costs_only_its_own_task(do):
    tasks = [("do", 1), ("die", 15), *(("do", i) for i in range(3, 10))]
    results = {}
    for task, outcome in run(do, tasks, 2, contextlib.nullcontext, lambda done: None):
        if not results:
            time.sleep(4)  # the process dies meanwhile
        results[task] = outcome
    assert isinstance(results.pop(("die", 15)), WorkerDiedError)
    assert results == {task: 10 * task[1] for task in tasks if task[0] == "do"}


@pytest.mark.slow
def test_work_is_done_in_other_processes(do):
    results, _ = outcomes(do, [("pid", i) for i in range(4)], 2)
    assert os.getpid() not in results.values()


def wait_for(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(do, tmp_path, how):
    started = tmp_path / "started"
    started.mkdir()
    code = (
        "import contextlib, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background starts without
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from tasks_of_this_test import do\n"
        "from memodule.runtime.workers import run\n"
        "if __name__ == '__main__':\n"
        f"    list(run(do, [('sleep', {str(started)!r})] * 4, 2, contextlib.nullcontext, lambda _: None))\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    with subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE) as parent:
        wait_for(lambda: len(list(started.iterdir())) == 2)
        workers = [int(path.name) for path in started.iterdir()]
        assert all(alive(pid) for pid in workers)
        parent.send_signal(how)
        wait_for(lambda: not any(alive(pid) for pid in workers), 60)
        parent.wait(60)
