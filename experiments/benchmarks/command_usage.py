"""Memory and processor time of a command and all processes that it started (Linux)."""

import contextlib
import dataclasses
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

_MARK = "MEMODULE_BENCHMARK"


@dataclasses.dataclass(frozen=True)
class Ran:
    """A command that has ended.

    Attributes:
        started: Unix time.
        seconds: From start to end.
        cpu: Processor seconds of all processes, which hardly depend on other work on the machine.
        peaks: Largest memory in MB of each kind of process, all of one kind together; and "total".
        worker: Largest memory in MB of one Ray worker; 0 without Ray.
    """

    started: float
    seconds: float
    cpu: float
    peaks: Mapping[str, float]
    worker: float


def run_watched(command: list[str], environment: Mapping[str, str], every: float = 0.5) -> Ran:
    """Run a command and watch its processes until it ends.

    Memory is the proportional set size: pages that n processes share count one n-th in each.

    Raises:
        SystemExit: If the command fails.
    """
    started, clock = time.time(), time.perf_counter()
    mark = f"{_MARK}={started!r}"
    process = subprocess.Popen(command, env={**environment, _MARK: repr(started)}, stdout=subprocess.DEVNULL)
    peaks: dict[str, float] = {}
    spent: dict[int, float] = {}
    worker = 0.0
    while process.poll() is None:
        now: dict[str, float] = {}
        for pid, kind, size, cpu in _look(mark, process.pid):
            spent[pid] = cpu
            now[kind] = now.get(kind, 0.0) + size
            worker = max(worker, size) if kind == "Ray workers" else worker
        now["total"] = sum(now.values())
        peaks = {kind: max(now.get(kind, 0.0), peaks.get(kind, 0.0)) for kind in now.keys() | peaks.keys()}
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(every)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}")
    return Ran(started, time.perf_counter() - clock, sum(spent.values()), peaks, worker)


def _look(mark: str, command: int) -> list[tuple[int, str, float, float]]:
    """Id, kind, MB and processor seconds of every living process that carries the mark."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):  # the process may end while we look
            if folder.name.isdigit() and mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                fields = (line.split() for line in (folder / "smaps_rollup").read_text().splitlines())
                size = next(int(value) for name, value, *_ in fields if name == "Pss:")
                user, system = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
                cpu = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
                found.append((int(folder.name), _kind(folder, command), size / 1024, cpu))
    return found


def _kind(folder: Path, command: int) -> str:
    line = (folder / "cmdline").read_text().replace("\0", " ")
    if int(folder.name) == command:
        return "the command"
    if "/wandb/bin/" in line:
        return "W&B"
    if line.startswith("ray::") and not line.startswith(("ray::Dashboard", "ray::RuntimeEnv")):
        return "Ray workers"
    return "Ray itself" if line.startswith("ray::") or "site-packages/ray/" in line else "others"
