"""Studies with real processes: killed workers and drivers, interrupts, full disks, a cluster of two nodes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from lightning.pytorch.utilities import rank_zero_only

from memodule.cli import main
from memodule.studies.study import Study

SUBJECTS = ("001", "002", "003", "004", "005", "006")

pytestmark = pytest.mark.slow


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
        paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        ours = {"TROUBLE": str(self.orders), "PYTHONPATH": paths, "BENCH": self.mark}
        return subprocess.Popen(
            [sys.executable, "-m", "memodule", *self.words(*words)],
            env={**os.environ, **ours, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

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


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str] | None = None, limit: int = 90) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def ended(process: subprocess.Popen[str], limit: int = 120) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=limit)
    return process.returncode, out, err


def assert_equal_studies(one: Study, other: Study) -> None:
    assert one.missing() == other.missing() == []
    assert (one.folder / "results.json").read_bytes() == (other.folder / "results.json").read_bytes()
    for seed in one.seeds:
        for subject in one.subjects:
            for a, b in zip(one.curves(subject, seed), other.curves(subject, seed), strict=True):
                np.testing.assert_array_equal(a.score, b.score)
                np.testing.assert_array_equal(a.logits, b.logits)


@pytest.fixture(scope="module")
def config(planting, tmp_path_factory) -> Iterator[Path]:
    """A tiny experiment; the data are as small as pooling allows."""
    folder = tmp_path_factory.mktemp("six")
    data = planting(folder, subjects=len(SUBJECTS), videos=1, frames=120)
    experiment = {
        "model": {
            "network": {
                "class_path": "memodule.networks.SlowFastMamba",
                "init_args": {"fast_width": 8, "slow_width": 16, "depth": 1, "groups": 1, "state": 4},
            },
            "learning_rate": 0.01,
        },
        "data": {"catalog": str(data.catalog), "flow": str(data.flow), "window": 10},
        "trainer": {
            "max_epochs": 2,
            "logger": False,
            "enable_checkpointing": False,
            "callbacks": [{"class_path": "trouble.Trouble"}],
        },
        "intervals": {"class_path": "memodule.intervals.PriorGuided"},
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(experiment))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        patch.setenv("TROUBLE", str(folder))
        yield path


@pytest.fixture
def bench(config, tmp_path) -> Bench:
    return Bench(config, tmp_path)


@pytest.fixture(scope="module")
def undisturbed(config, tmp_path_factory) -> Study:
    """The study as it comes out of one process that nobody disturbs."""
    bench = Bench(config, tmp_path_factory.mktemp("undisturbed"))
    assert bench.run() == 0
    return bench.study


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


def test_killed_and_interrupted_drivers_go_on_where_they_were(bench, undisturbed):
    hold = bench.order("004-0", "hold")
    driver = bench.start("--workers", "2")
    wait_until(lambda: bench.pids("004-0") and len(bench.finished()) >= 3, driver)
    driver.kill()
    wait_until(lambda: not bench.processes())
    driver.communicate()
    kept = bench.finished()
    assert len(kept) >= 3
    assert not (bench.study.fold("004", 0) / "result.json").exists()

    again = bench.start()  # this time in one process
    wait_until(lambda: len(bench.pids("004-0")) == 2, again)
    again.send_signal(signal.SIGINT)
    status, out, err = ended(again)
    assert (status, out) == (130, "")
    assert len(err.splitlines()) == 1, err
    assert f"{len(bench.finished())} of 12 folds are finished and kept in {bench.study.folder}" in err
    assert "the same command" in err
    assert not (bench.study.fold("004", 0) / "result.json").exists()
    wait_until(lambda: not bench.processes())

    hold.unlink()
    assert bench.run() == 0
    assert {path: stamp for path, stamp in bench.finished().items() if path in kept} == kept
    assert_equal_studies(bench.study, undisturbed)


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
    wait_until(lambda: not bench.processes(), limit=20)
    assert not bench.finished()


@pytest.fixture
def cluster(bench) -> Iterator[str]:
    """The address of a Ray cluster of two nodes with one processor each, in a process of its own.

    Its workers belong to the cluster and inherit nothing from the study, so that it must know of `trouble` itself.
    """
    code = (
        "import sys; from ray.cluster_utils import Cluster\n"
        "cluster = Cluster(initialize_head=True, head_node_args={'num_cpus': 1, 'include_dashboard': False})\n"
        "cluster.add_node(num_cpus=1); print(cluster.address, flush=True); sys.stdin.read()"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "TROUBLE": str(bench.orders)}
    host = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,
    )
    assert host.stdin is not None
    assert host.stdout is not None
    yield host.stdout.readline().strip()
    host.stdin.close()
    host.wait(timeout=60)


def test_a_cluster_of_two_nodes_runs_the_folds_and_a_failing_one_stops_no_other(bench, undisturbed, cluster):
    """The failing fold is named, marks the results as partial, and is the only one that the same command runs again."""
    order = bench.order("002-0", "raise")
    status, _, err = ended(bench.start("--address", cluster))
    assert status == 1
    assert "002 (seed 0): ArithmeticError: the loss is not finite" in err
    assert bench.study.missing() == [("002", 0)]
    assert not json.loads((bench.study.folder / "results.json").read_text())["complete"]
    assert "trouble.py" in (bench.study.fold("002", 0) / "error.txt").read_text()
    nodes = {path.stem: path.read_text() for path in bench.orders.glob("*.node")}
    assert len(nodes) == 12
    assert len(set(nodes.values())) == 2
    kept = bench.finished()
    order.unlink()
    assert ended(bench.start("--address", cluster))[0] == 0
    assert {path: stamp for path, stamp in bench.finished().items() if path in kept} == kept
    assert len(bench.pids("002-0")) == 2
    assert not (bench.study.fold("002", 0) / "error.txt").exists()
    assert_equal_studies(bench.study, undisturbed)


def mounted(folder: Path, *options: str) -> None:
    """Mount a small file system of its own, or skip where that is not allowed."""
    folder.mkdir(exist_ok=True)
    tried = subprocess.run(["mount", "-t", "tmpfs", *options, "memodule-test", folder], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"mounting needs more rights: {tried.stderr.strip()}")


def test_a_full_disk_ends_the_study_in_one_line(bench, undisturbed, capsys):
    mounted(bench.runs, "-o", "size=2m")
    try:
        filler = bench.runs / "filler"
        bench.order("003-0", f"fill {filler}")
        assert bench.run() == 2
        printed = capsys.readouterr().err.strip()
        assert len(printed.splitlines()) == 1
        assert "No space left on device" in printed
        assert "003" in printed
        assert "make room and give the same command again" in printed
        assert not bench.pids("004-0")  # nothing more was trained for nothing
        filler.unlink()
        assert len(kept := bench.finished()) == 2
        assert not list(bench.runs.rglob(".memodule-tmp-*"))
        (bench.orders / "003-0").unlink()
        assert bench.run() == 0
        assert {path: stamp for path, stamp in bench.finished().items() if path in kept} == kept
        assert_equal_studies(bench.study, undisturbed)
    finally:
        subprocess.run(["umount", "-l", bench.runs], check=True)


def test_a_read_only_folder_is_told_before_anything_is_trained(bench, capsys):
    mounted(bench.runs, "-o", "ro,size=1m")
    try:
        assert bench.run() == 2
    finally:
        subprocess.run(["umount", "-l", bench.runs], check=True)
    printed = capsys.readouterr().err.strip()
    assert len(printed.splitlines()) == 1
    assert "Read-only file system" in printed
    assert "--runs" in printed
    assert not list(bench.orders.iterdir())


def test_a_file_where_the_runs_should_be_is_told(bench, capsys):
    bench.runs.write_text("")
    assert bench.run() == 2
    printed = capsys.readouterr().err.strip()
    assert len(printed.splitlines()) == 1
    assert str(bench.runs) in printed


def test_a_fold_under_slurm_is_not_taken_for_one_rank_of_many(bench, monkeypatch, tmp_path):
    """As in a Ray worker that `srun` started on the fourth machine: ranks other than 0 would log nothing."""
    slurm = {"JOB_ID": "7", "JOB_NAME": "study", "NTASKS": "16", "PROCID": "3", "LOCALID": "0", "NODEID": "3"}
    for name, value in {**slurm, "NODELIST": "node[1-4]", "NTASKS_PER_NODE": "4"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setattr(rank_zero_only, "rank", 3)
    logger = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": str(tmp_path / "log")}}
    words = ["--folds", "001", "--seeds", "0", "--set", f"trainer.logger={json.dumps(logger)}"]
    assert bench.run(*words) == 0
    assert len(bench.finished()) == 1
    (metrics,) = (tmp_path / "log").rglob("metrics.csv")
    assert "train/loss" in metrics.read_text()


def test_two_processes_can_share_each_fold(bench):
    """Both train every fold together; one of them writes."""
    words = ["trainer.devices=2", "trainer.accelerator=cpu", "trainer.strategy=ddp"]
    status, out, err = ended(bench.start("--folds", "001,002", "--seeds", "0", "--set", *words))
    assert status == 0, err
    assert out.splitlines() == [str(bench.study.folder)]
    assert len(bench.finished()) == 2
    assert [len(set(bench.pids(f"{subject}-0"))) for subject in ("001", "002")] == [2, 2]
    assert [curve.subject for s in ("001", "002") for curve in bench.study.curves(s, 0)] == ["001", "002"]
    wait_until(lambda: not bench.processes())
