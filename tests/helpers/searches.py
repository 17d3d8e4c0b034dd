"""What the tests of `memodule search` share: spaces, command lines, and waiting for what a search has written."""

import os
import time
from pathlib import Path

import yaml


def space_file(folder: Path, entries: dict) -> Path:
    path = folder / "space.yaml"
    path.write_text(yaml.safe_dump(entries, sort_keys=False))
    return path


def words(config: Path, space: Path, runs: Path, *more: str) -> list[str]:
    return ["search", "--config", str(config), "--space", str(space), "--runs", str(runs), *more]


def results_of(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("folds/*/*/result.json")}


def wait_for(condition, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def trial_workers() -> list[int]:
    """Processes that run trials for this one, by the names that Ray gives them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mine = f"RAY_TEST_OF={os.getpid()}".encode() in (process / "environ").read_bytes()
            if mine and b"FoldByFold" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_for_search(runs: Path) -> list[Path]:
    wait_for(lambda: runs.is_dir() and list(runs.glob("search-tiny-*/optuna.log")))
    return list(runs.iterdir())
