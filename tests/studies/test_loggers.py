"""Every logger of configs/logger takes what a fold logs, in a place of its own, and needs no Weights & Biases."""

import csv
import importlib.util
import sys
import time
from pathlib import Path

import pytest
from tiny import experiment

from memodule.cli import main
from memodule.studies import fold

LOGGERS = Path(__file__).parents[2] / "configs" / "logger"
LOGGED = {"train/loss", "train/learning_rate", "train/gradient_norm", "val/strs", "test/strs"}


@pytest.fixture
def loso(planted, tmp_path, monkeypatch):
    """A study of two folds with a logger, where W&B cannot be imported; gives its folder."""
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.chdir(tmp_path)

    def run(logger: str) -> Path:
        config = experiment(planted, tmp_path, epochs=2)
        words = ["loso", "--config", str(config), "--folds", "001,002", "--quiet"]
        assert main([*words, "--set", f"trainer.logger={LOGGERS / logger}"]) == 0
        (study,) = [path for path in (tmp_path / "runs").iterdir() if (path / "study.json").is_file()]
        assert (study / "results.json").is_file()
        assert not list(tmp_path.rglob("*wandb*"))
        return study

    return run


def test_csv_files_hold_the_metrics_of_each_fold(loso):
    study = loso("csv.yaml")
    for subject in ("001", "002"):
        with (study / "logs" / subject / "seed0" / "metrics.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert set(rows[0]) >= LOGGED
        assert [row["epoch"] for row in rows if row["train/gradient_norm"]] == ["0", "1"]
        assert [float(row["test/strs"]) for row in rows if row["test/strs"]] != []


def test_tensorboard_files_hold_the_metrics_of_each_fold(loso, monkeypatch):
    proto = pytest.importorskip("tensorboardX.proto.event_pb2")
    # tensorboardX names its files by the second, and a fold has one for training and one for scoring
    monkeypatch.setattr(fold, "_chosen", lambda cli: time.sleep(1.1))
    study = loso("tensorboard.yaml")
    for subject in ("001", "002"):
        files = (study / "logs" / subject / "seed0").glob("events.*")
        assert set.union(*(tags(file.read_bytes(), proto.Event) for file in files)) >= LOGGED


def tags(records: bytes, event: type) -> set[str]:
    """The tags in an event file, a sequence of records: length (8 bytes), checksum (4), event, checksum (4)."""
    found, at = set(), 0
    while at < len(records):
        length = int.from_bytes(records[at : at + 8], "little")
        found |= {value.tag for value in event.FromString(records[at + 12 : at + 12 + length]).summary.value}
        at += length + 16
    return found


def test_mlflow_has_an_experiment_per_study_and_a_run_per_fold(loso):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    study = loso("mlflow.yaml")
    client = MlflowClient("sqlite:///mlflow.db")
    found = client.get_experiment_by_name(study.name)
    runs = {run.info.run_name: run for run in client.search_runs([found.experiment_id])}
    assert set(runs) == {"001/seed0", "002/seed0"}
    assert all(set(run.data.metrics) >= LOGGED for run in runs.values())


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is not None, reason="mlflow is installed")
def test_a_logger_without_its_package_is_named_before_anything_runs(planted, tmp_path, capsys):
    words = ["loso", "--config", str(experiment(planted, tmp_path)), "--runs", str(tmp_path / "runs"), "--quiet"]
    assert main([*words, "--set", f"trainer.logger={LOGGERS / 'mlflow.yaml'}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "trainer.logger" in line
    assert "pip install mlflow" in line
    assert not (tmp_path / "runs").exists()
