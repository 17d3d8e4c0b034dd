"""Studies in processes of their own, which a test can kill, stop and watch."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memodule.cli import main
from memodule.studies.study import Study

SUBJECTS = ("001", "002", "003", "004", "005", "006")
TROUBLE = Path(__file__).parents[1] / "studies"
"""The folder of trouble.py."""


class Bench:
    """One experiment of six folds with two seeds, and a folder of orders for `trouble.Trouble`."""

    def __init__(self, config: Path, folder: Path) -> None:
        self.config, self.runs, self.orders = config, folder / "runs", folder / "orders"
        self.orders.mkdir(parents=True)
        self.mark = f"{folder}-{time.time_ns()}"

    def words(self, *words: str) -> list[str]:
        return ["loso", "--config", str(self.config), "--runs", str(self.runs), "--quiet", "--seeds", "0,1", *words]

    def run(self, *words: str) -> int:
        """The command in this process."""
        os.environ["TROUBLE"] = str(self.orders)
        return main(self.words(*words))

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """The command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "memodule", *self.words(*words)],
            env={**os.environ, **self.environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def environment(self) -> dict[str, str]:
        """By which processes find `trouble`, and are found by `processes`."""
        paths = os.pathsep.join([str(TROUBLE), os.environ.get("PYTHONPATH", "")])
        return {"TROUBLE": str(self.orders), "PYTHONPATH": paths, "BENCH": self.mark}

    def order(self, fold: str, what: str) -> Path:
        path = self.orders / fold
        path.write_text(what)
        return path

    def pids(self, fold: str) -> list[int]:
        """Who ran a fold so far."""
        path = self.orders / f"{fold}.pids"
        return [int(line) for line in path.read_text().splitlines()] if path.is_file() else []

    @property
    def study(self) -> Study:
        (folder,) = self.runs.iterdir()
        return Study.open(folder)

    def finished(self) -> dict[str, tuple[int, int]]:
        """Inode and time of the result of each finished fold."""
        results = sorted(self.runs.rglob("result.json"))
        return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in results}

    def processes(self) -> list[str]:
        """What `start` has started, directly or not, and still lives."""
        alive = []
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if process.name.isdigit() and f"BENCH={self.mark}".encode() in (process / "environ").read_bytes():
                    alive.append((process / "cmdline").read_text().replace("\0", " "))
        return alive


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str] | None = None, limit: int = 300) -> None:
    """Wait for the condition; a process that ends before it, or runs too long, is stopped, and its output reported."""
    end = time.monotonic() + limit
    while not condition():
        if process is not None and (process.poll() is not None or time.monotonic() > end):
            pytest.fail(f"timed out: {last_words(process)}")
        assert time.monotonic() < end, "timed out"
        time.sleep(0.02)


def last_words(process: subprocess.Popen[str]) -> tuple[int | None, str, str]:
    """Exit status, output and errors of a process, which is stopped with all that it started in its group."""
    status = process.poll()
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return status, *process.communicate(timeout=20)
    return status, "", "killed"


def ended(process: subprocess.Popen[str], limit: int = 300) -> tuple[int, str, str]:
    """Exit status, output and errors; a process that does not end is stopped, and its output reported."""
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        pytest.fail(f"does not end: {last_words(process)}")
    return process.returncode, out, err


def assert_equal_studies(one: Study, other: Study) -> None:
    assert one.missing() == other.missing() == []
    assert _results(one) == _results(other)
    for seed in one.seeds:
        for subject in one.subjects:
            for a, b in zip(one.fold(subject, seed).curves, other.fold(subject, seed).curves, strict=True):
                np.testing.assert_array_equal(a.score, b.score)
                np.testing.assert_array_equal(a.logits, b.logits)


def _results(study: Study) -> str:
    """The contents of `results.json`, in order, except versions of our code: each process asks git on its own, and a
    commit or an edit while a test runs gives those of one study several.
    """
    results = json.loads((study.folder / "results.json").read_text())
    results["mixed"].pop("code", None)
    return json.dumps(results)
