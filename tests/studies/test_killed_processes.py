"""Killed workers, killed and interrupted drivers, and workers that Ray kills for lack of memory."""

import os
import signal

import pytest
from bench import SUBJECTS, assert_equal_studies, ended, wait_until

pytestmark = pytest.mark.slow


def test_a_killed_worker_is_replaced_and_changes_nothing(bench, undisturbed):
    hold = bench.order("003-1", "hold")
    # Nor does it matter that the environment names another Ray cluster.
    driver = bench.start("--workers", "2", RAY_ADDRESS="127.0.0.1:1")
    wait_until(lambda: bench.pids("003-1"), driver)
    (worker,) = bench.pids("003-1")
    assert worker != driver.pid
    os.kill(worker, signal.SIGKILL)
    hold.unlink()
    status, out, err = ended(driver)
    assert (status, err) == (0, ""), (out, err)
    first, second = bench.pids("003-1")
    assert first != second
    assert all(len(bench.pids(f"{s}-{seed}")) == 1 for s in SUBJECTS for seed in (0, 1) if (s, seed) != ("003", 1))
    assert_equal_studies(bench.study, undisturbed)
    wait_until(lambda: not bench.processes())


def test_want_of_memory_ends_a_fold_after_some_attempts(bench):
    """Ray kills a worker where memory is short, here always, and by itself would retry forever.

    The home is read-only, as on many clusters: our own Ray keeps nothing there.
    """
    short = {"RAY_memory_usage_threshold": "0.001", "RAY_memory_monitor_refresh_ms": "50"}
    fold = ["--workers", "2", "--folds", "001", "--seeds", "0"]
    driver = bench.start(*fold, **short, RAY_task_oom_retry_delay_base_ms="10", HOME="/proc/1")
    status, _, err = ended(driver)
    assert status == 1
    assert "001 (seed 0): memory ran out 3 times; use fewer --workers" in err
    assert "memory" in (bench.study.fold("001", 0).folder / "error.txt").read_text()


def test_killed_and_interrupted_drivers_go_on_where_they_were(bench, undisturbed):
    hold = bench.order("004-0", "hold")
    driver = bench.start("--workers", "2")
    wait_until(lambda: bench.pids("004-0") and len(bench.finished()) >= 3, driver)
    driver.kill()
    wait_until(lambda: not bench.processes())
    driver.communicate()
    kept = bench.finished()
    assert len(kept) >= 3
    assert not (bench.study.fold("004", 0).folder / "result.json").exists()

    again = bench.start()  # this time in one process
    wait_until(lambda: len(bench.pids("004-0")) == 2, again)
    again.send_signal(signal.SIGINT)
    status, out, err = ended(again)
    assert (status, out) == (130, "")
    assert len(err.splitlines()) == 1, err
    assert f"{len(bench.finished())} of 12 folds are finished and kept in {bench.study.folder}" in err
    assert "the same command" in err
    assert not (bench.study.fold("004", 0).folder / "result.json").exists()
    wait_until(lambda: not bench.processes())

    hold.unlink()
    assert bench.run() == 0
    assert {path: stamp for path, stamp in bench.finished().items() if path in kept} == kept
    assert_equal_studies(bench.study, undisturbed)


def test_a_job_that_is_ended_while_ray_starts_says_how_to_go_on(bench):
    """Ray has a handler of its own by then, which leaves at once or after half a minute, and with status 1 or 15."""
    (bench.orders / "sitecustomize.py").write_text(
        "import os, signal, ray._private.node as node\n"
        "begin = node.Node.__init__\n"
        "def stopped(*words, **options):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    begin(*words, **options)\n"
        "node.Node.__init__ = stopped\n"
    )
    paths = os.pathsep.join([str(bench.orders), bench.environment()["PYTHONPATH"]])
    status, out, err = ended(bench.start("--workers", "2", PYTHONPATH=paths))
    assert (status, out, len(err.splitlines())) == (130, "", 1), err
    assert "0 of 12 folds are finished" in err
    wait_until(lambda: not bench.processes(), limit=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ray_is_gone_after_an_interrupt(bench, number):
    bench.order("001-0", "hold")
    bench.order("002-0", "hold")
    driver = bench.start("--workers", "2")
    wait_until(lambda: bench.pids("001-0") and bench.pids("002-0"), driver)
    if number == signal.SIGINT:  # as the terminal sends it: to all processes of the group
        os.killpg(driver.pid, number)
    else:
        driver.send_signal(number)
    status, out, err = ended(driver)
    assert (status, out, len(err.splitlines())) == (130, "", 1), err
    assert "0 of 12 folds are finished" in err
    wait_until(lambda: not bench.processes(), limit=60)
    assert not bench.finished()
