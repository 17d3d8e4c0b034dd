"""Sweeps: the command line that a `wandb agent` issues, the objective, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny import experiment
from wandb_files import offline_runs

from memodule.cli import main

SWEEPS = Path(__file__).parents[2] / "experiments" / "sweeps"


def agent_command(sweep: Path, environment: dict[str, str], values: dict[str, object]) -> list[str]:
    """What W&B's agent makes of a sweep file for one trial, put together by its own code."""
    from wandb.sdk.launch.sweeps import utils

    before = dict(os.environ)
    os.environ.update(environment)
    try:
        template = utils.create_sweep_command(yaml.safe_load(sweep.read_text())["command"])
    finally:
        os.environ.clear()
        os.environ.update(before)
    made = utils.create_sweep_command_args({"args": {name: {"value": value} for name, value in values.items()}})
    words = [made[word[2:-1]] if word.startswith("${") else [word] for word in template]
    return [word for group in words for word in group]


@pytest.fixture(scope="module")
def trial(planted, tmp_path_factory):
    """A trial of the training sweep as an agent runs it, in a process of its own."""
    folder = tmp_path_factory.mktemp("sweep")
    config = experiment(planted, folder, epochs=2)
    values = {"data.inner_validation_subjects": 1, "model.learning_rate": 0.01, "model.weight_decay": 0.0}
    words = agent_command(SWEEPS / "training.yaml", {"CONFIG": str(config)}, values)
    assert words[0] == "memodule"
    agent = {"WANDB_SWEEP_ID": "abcd1234", "WANDB_RUN_ID": "trial001", "WANDB_MODE": "offline"}
    program = [sys.executable, "-m", "memodule", *words[1:]]
    finished = subprocess.run(program, cwd=folder, env={**os.environ, **agent}, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert "wandb: " not in finished.stderr
    (study,) = (folder / "runs").iterdir()
    return study


@pytest.mark.slow
def test_only_the_summary_is_the_trial_and_it_carries_the_objective(trial):
    runs = offline_runs(trial)
    assert sorted(run.about["job_type"] for run in runs) == ["fold"] * 3 + ["summary"]
    (summary,) = (run for run in runs if run.about["run_id"] == "trial001")
    assert (summary.about["job_type"], summary.about["sweep_id"]) == ("summary", "abcd1234")
    assert all("sweep_id" not in run.about for run in runs if run is not summary)
    logged = {name: value for step in summary.history for name, value in step.items()}
    results = json.loads((trial / "results.json").read_text())
    assert logged["inner/strs"] == pytest.approx(results["inner"]["strs"])
    assert results["inner"]["evaluations"] == 3


@pytest.mark.slow
def test_a_sweep_cannot_follow_held_out_scores_because_its_trial_has_none(trial):
    (summary,) = (run for run in offline_runs(trial) if run.about["run_id"] == "trial001")
    values = {name for name in summary.summary if name.split("/")[0] in ("pooled", "fold_mean", "counts", "test")}
    assert values == set()
    assert {"inner/strs", "inner/spot_f1"} <= set(summary.summary)
    assert {row["score"] for row in summary.table("tables/scores")} >= {"strs"}  # people see them all the same


@pytest.mark.slow
def test_the_objective_never_comes_from_the_held_out_subject(trial):
    for path in trial.rglob("result.json"):
        result = json.loads(path.read_text())
        assert set(result["inner"]) == set(result["provenance"]["chosen_on"])
        assert result["subject"] not in result["inner"]
        assert result["inner"]


@pytest.mark.slow
def test_a_trial_of_the_prior_sweep_decodes_and_trains_nothing(trial, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    values = {"intervals.init_args.threshold": 0.55, "intervals.init_args.duration": True}
    words = agent_command(SWEEPS / "priors.yaml", {"STUDY": str(trial)}, values)
    monkeypatch.setattr("memodule.studies.work.run_fold", lambda *_: pytest.fail("trained"))
    assert main([*words[1:], "--quiet"]) == 0
    decoded = json.loads((Path(capsys.readouterr().out.strip()) / "results.json").read_text())
    trained = json.loads((trial / "results.json").read_text())
    assert decoded["inner"] == trained["inner"]  # the rule is the same: so is what it finds
    assert decoded["spotting"] == trained["spotting"]


def test_a_sweep_without_inner_validation_subjects_is_refused(planted, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WANDB_SWEEP_ID", "abcd1234")
    config = experiment(planted, tmp_path, epochs=2)
    assert main(["loso", "--config", str(config), "--runs", str(tmp_path / "runs"), "--quiet"]) == 2
    assert "data.inner_validation_subjects" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--gpus-per-fold", "1.5"], "whole number"), (["--threads", "0"], "at least 1")],
)
def test_impossible_shares_are_refused(planted, tmp_path, capsys, words, message):
    config = experiment(planted, tmp_path, epochs=2)
    assert main(["loso", "--config", str(config), "--runs", str(tmp_path / "runs"), "--quiet", *words]) == 2
    assert message in capsys.readouterr().err


def test_sending_runs_needs_a_login(planted, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setattr("wandb.login", lambda **_: False)
    config = experiment(planted, tmp_path, epochs=2)
    assert main(["loso", "--config", str(config), "--runs", str(tmp_path / "runs"), "--quiet"]) == 2
    assert "not logged in" in capsys.readouterr().err
