"""A cluster that does not let us in, a search on two nodes, folds under SLURM, and folds that two processes share."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import ray
from bench import Bench, ended, wait_until
from lightning.pytorch.utilities import rank_zero_only
from listeners import GRPC

from memodule.decoding.curves import read_curves
from memodule.studies.search.records import TrialRecords

pytestmark = pytest.mark.slow


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
    host = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | bench.environment(),
        start_new_session=True,
    )
    assert host.stdin is not None
    assert host.stdout is not None
    yield host.stdout.readline().strip()
    host.stdin.close()
    host.wait(timeout=60)


@pytest.mark.parametrize(
    ("error", "cause", "reported"),
    [
        (ConnectionError, "RPC error: InvalidAuthToken", "set RAY_AUTH_MODE=token"),
        (ray.exceptions.AuthenticationError, None, "set RAY_AUTH_MODE=token"),
        (
            ConnectionError,
            "timed out",
            "no Ray cluster answers there (Failed to connect); start one with `ray start",
        ),
        (lambda _: ValueError("Ray Client requires pip package `ray[client]`."), None, "HOST:PORT of"),
    ],
)
def test_a_cluster_that_does_not_let_us_in_is_one_line(bench, listener, monkeypatch, capsys, error, cause, reported):
    """Ray asks for a token by itself where its head finds one, but does not send one to an address that is given."""

    def refuse(**_):
        raise error("Failed to connect\nand more") from RuntimeError(cause)

    monkeypatch.setattr(ray, "init", refuse)
    address = listener(GRPC)
    assert bench.run("--address", address) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"memodule: error: --address {address}: ")
    assert reported in line


def test_a_search_runs_its_trials_on_the_nodes_of_a_cluster(bench, cluster, tmp_path):
    space = tmp_path / "space.yaml"
    space.write_text("model.learning_rate: {loguniform: [0.001, 0.02]}\n")
    words = ["--space", space, "--trials", 2, "--folds", "001,002", "--set", "data.inner_validation_subjects=1"]
    searching = ["search", "--config", bench.config, "--runs", bench.runs, "--quiet", "--address", cluster, *words]
    environment = os.environ | bench.environment()
    order = bench.order("001-0", "hold")
    command = [sys.executable, "-m", "memodule", *map(str, searching)]
    with subprocess.Popen(command, env=environment) as running:
        wait_until(lambda: len(bench.pids("001-0")) == 2)  # both trials are at work at the same time
        order.unlink()
        assert running.wait(timeout=200) == 0
    (folder,) = bench.runs.iterdir()
    assert [record.state for record in TrialRecords(folder).all()] == ["finished", "finished"]
    runs_of_a_fold = bench.pids("001-0")
    assert len(set(runs_of_a_fold)) == 2  # one process per trial
    assert all(path.read_text() for path in bench.orders.glob("*.node"))
    wait_until(lambda: not any(pid_alive(pid) for pid in runs_of_a_fold))


def pid_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("per_node", [{}, {"NTASKS_PER_NODE": "4"}])
def test_a_fold_under_slurm_is_not_taken_for_one_rank_of_many(bench, monkeypatch, tmp_path, per_node):
    """As in a Ray worker that `srun` started on the fourth machine: ranks other than 0 would log nothing.

    Lightning, left alone, refuses `--ntasks` without `--ntasks-per-node`.
    """
    slurm = {"JOB_ID": "7", "JOB_NAME": "study", "NTASKS": "16", "PROCID": "3", "LOCALID": "0", "NODEID": "3"}
    for name, value in {**slurm, "NODELIST": "node[1-4]", **per_node}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setattr(rank_zero_only, "rank", 3)
    logger = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": str(tmp_path / "log")}}
    words = ["--folds", "001", "--seeds", "0", "--set", f"trainer.logger={json.dumps(logger)}"]
    assert bench.run(*words) == 0
    assert len(bench.finished()) == 1
    (metrics,) = (bench.study.folder / "logs").rglob("metrics.csv")
    assert "train/loss" in metrics.read_text()


SHARED = ["trainer.accelerator=cpu", "trainer.strategy=ddp"]


def launched(bench, launcher, words):
    """The torchrun of docs/cluster.md, as a process."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", *launcher, "-m", "memodule"]
    command = [*torchrun, words[0], "--config", str(bench.config), "--quiet", *words[1:]]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = os.environ | bench.environment()
    environment.pop("OMP_NUM_THREADS", None)  # where it is not set, PyTorch and Lightning choose numbers of threads
    return subprocess.Popen(command, env=environment, text=True, start_new_session=True, **pipes)


@pytest.fixture(scope="module")
def shared(six_folds, tmp_path_factory):
    """Two folds that two processes share, which Lightning started."""
    bench = Bench(six_folds, tmp_path_factory.mktemp("shared"))
    words = ["--folds", "001,002", "--seeds", "0", "--set", "trainer.devices=2", *SHARED]
    status, out, err = ended(bench.start(*words))
    assert status == 0, err
    return bench, out


def test_two_processes_can_share_each_fold(shared):
    """Both train every fold together; one of them writes."""
    bench, out = shared
    assert out.splitlines() == [str(bench.study.folder)]
    assert len(bench.finished()) == 2
    assert [len(set(bench.pids(f"{subject}-0"))) for subject in ("001", "002")] == [2, 2]
    assert [curve.subject for s in ("001", "002") for curve in bench.study.fold(s, 0).curves] == ["001", "002"]
    wait_until(lambda: not bench.processes())


def same_scores(one, other):
    assert one.finished(0) == other.finished(0) == ("001", "002")
    results = [json.loads((study.folder / "results.json").read_text()) for study in (one, other)]
    assert results[0]["spotting"] == results[1]["spotting"]
    assert results[0]["strs"] == results[1]["strs"]
    for subject in ("001", "002"):
        for mine, theirs in zip(one.fold(subject, 0).curves, other.fold(subject, 0).curves, strict=True):
            np.testing.assert_array_equal(mine.score, theirs.score)


def test_torchrun_on_one_machine_gives_the_same(bench, shared):
    place = ["--runs", str(bench.runs), "--folds", "001,002"]
    words = ["loso", *place, "--set", "trainer.devices=2", *SHARED]
    status, out, err = ended(launched(bench, ["--standalone", "--nproc-per-node=2"], words))
    assert status == 0, err
    assert out.splitlines() == [str(bench.study.folder)]
    assert [len(set(bench.pids(f"{subject}-0"))) for subject in ("001", "002")] == [2, 2]
    same_scores(bench.study, shared[0].study)
    wait_until(lambda: not bench.processes())


def test_torchrun_on_two_machines_gives_the_same(bench, shared):
    """Two launchers that find each other, with one process each; here on one machine."""
    port = 20000 + os.getpid() % 12000  # the system gives out those from 32768 on
    launcher = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}"]
    place = ["--runs", str(bench.runs), "--folds", "001,002"]
    words = ["loso", *place, "--set", "trainer.num_nodes=2", "trainer.devices=1", *SHARED]
    both = [launched(bench, launcher, words) for _ in range(2)]
    reported = [ended(process) for process in both]
    assert [status for status, _, _ in reported] == [0, 0], reported
    assert "".join(out for _, out, _ in reported).splitlines() == [str(bench.study.folder)]
    same_scores(bench.study, shared[0].study)
    wait_until(lambda: not bench.processes())


def test_torchrun_fits_one_fold_as_the_study_does(bench, shared, tmp_path):
    options = [f"--{option}" for option in ("trainer.devices=2", *SHARED, f"trainer.default_root_dir={tmp_path}")]
    words = ["fit", "--data.fold=002", *options]
    status, _, err = ended(launched(bench, ["--standalone", "--nproc-per-node=2"], words))
    assert status == 0, err
    found = read_curves(tmp_path / "intervals" / "002" / "val" / "curves.npz")
    fold = shared[0].study.fold("002", 0).folder
    for mine, theirs in zip(found, read_curves(fold / "val" / "curves.npz"), strict=True):
        np.testing.assert_array_equal(mine.score, theirs.score)
