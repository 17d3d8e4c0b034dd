"""What Weights & Biases receives, read back from the offline files; and what prevents sending it."""

import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
import tiny
import wandb
from tiny import WANDB
from wandb_files import offline_runs

from memodule.cli import main
from memodule.errors import UserError
from memodule.runtime import wandb_environment
from memodule.studies.study import Study

sys.path.insert(0, str(Path(__file__).parents[2] / "experiments"))
import wandb_workspace

SCORES = ("strs", "spot_f1", "spot_precision", "spot_recall", "recog_f1", "recog_uf1", "recog_uar")


def experiment(planted, folder: Path, **logger: object) -> Path:
    """The tiny experiment under a leaking protocol, with settings of the logger."""
    tracked = WANDB | {"init_args": WANDB["init_args"] | logger}
    return tiny.experiment(
        planted,
        folder,
        inner=1,
        trainer={"max_epochs": 8, "accelerator": "cpu", "enable_checkpointing": False, "logger": tracked},
        intervals={"class_path": "memodule.intervals.PriorGuided", "init_args": {"threshold": 0.45}},
        protocol={"name": "leaky", "fitted_on": "all"},
    )


def loso(config: Path, runs: Path, *words: str) -> int:
    return main(["loso", "--config", str(config), "--runs", str(runs), "--quiet", *words])


@pytest.fixture(scope="module")
def study(planted, tmp_path_factory):
    """A finished study of three folds, the last of which was run twice."""
    folder = tmp_path_factory.mktemp("study")
    config = experiment(planted, folder, tags=["mine", "x" * 80])
    assert loso(config, folder / "runs") == 0
    (run,) = (folder / "runs").iterdir()
    (run / "folds" / "seed0" / "003" / "result.json").unlink()
    assert loso(config, folder / "runs") == 0
    return Study.open(run)


@pytest.fixture(scope="module")
def runs(study):
    return offline_runs(study.folder)


@pytest.fixture(scope="module")
def summary(runs):
    return [run for run in runs if run.about["job_type"] == "summary"][-1]


@pytest.fixture(scope="module")
def results(study):
    return json.loads((study.folder / "results.json").read_text())


@pytest.mark.slow
def test_one_group_holds_folds_and_summaries_and_a_repeated_one_keeps_its_id(study, runs):
    assert {run.about["run_group"] for run in runs} == {study.name}
    assert {run.about["project"] for run in runs} == {"memodule-tests"}
    names = [(run.about["job_type"], run.about["display_name"]) for run in runs]
    folds = [("fold", f"{study.name}/{subject}/seed0") for subject in ("001", "002", "003")]
    end = ("summary", f"{study.name}/summary")
    assert names == [*folds, end, folds[-1], end]
    ids = [run.about["run_id"] for run in runs]
    assert len(set(ids)) == 4
    assert (ids[2], ids[3]) == (ids[4], ids[5])
    assert {run.of("exit")[0]["exit_code"] for run in runs} == {0}


@pytest.mark.slow
def test_every_run_carries_tags_config_code_data_and_host(study, runs):
    for run in runs:
        kind = run.about["job_type"]
        wanted = [kind, "leaky", "PriorGuided", "SlowFastMamba", "catalog", "leak", "mine", "x" * 64]
        assert run.about["tags"] == wanted
        assert run.config["study/name"] == study.name
        assert run.config["study/rule"] == "PriorGuided(threshold=0.45)"
        assert run.config["study/code_version"].startswith("0.")
        assert run.config["study/data_fingerprint"] == study.description["data_fingerprint"]
        assert run.config["study/host"]["cpus"] == os.cpu_count()
        assert run.config["config"]["trainer"]["max_epochs"] == 8
        for section in ("model", "data", "intervals", "protocol"):
            resolved = {name: value for name, value in study.config[section].items() if name != "fold"}
            assert resolved.items() <= run.config["config"][section].items()


@pytest.mark.slow
def test_folds_are_plotted_against_epochs_and_say_whom_they_listened_to(study, runs):
    fold = runs[1]
    metrics = {metric["glob_name"]: metric.get("step_metric") for metric in fold.of("metric") if "glob_name" in metric}
    assert (metrics["train/*"], metrics["val/*"]) == ("epoch", "epoch")
    for prefix in ("train/loss", "val/strs"):
        assert [step["epoch"] for step in fold.history if prefix in step][:8] == list(range(8))
    logged = {name for step in fold.history for name in step}
    assert {f"val/{name}" for name in SCORES} | {"train/learning_rate", "train/gradient_norm"} <= logged
    assert {f"test/{name}" for name in SCORES} <= set(fold.summary)
    assert not any(name.startswith("test/") for name in logged)  # each would be a chart of one point
    config = fold.config["config"]
    assert {*config["model"], *config["data"]}.isdisjoint(set(fold.config) - {"config", "seed"})
    result = study.fold("002", 0).result
    assert (fold.config["subject"], fold.config["seed"]) == ("002", 0)
    assert fold.config["provenance"] == result["provenance"]
    assert fold.summary["prior/half_window"] == result["rule"]["state"]["timing"]["half_window"]
    assert fold.summary["fold/training_seconds"] == pytest.approx(result["training_seconds"], abs=1e-3)


@pytest.mark.slow
def test_the_summary_has_pooled_scores_with_intervals_counts_and_chance(summary, results):
    pooled = {"strs": results["strs"], "spot_f1": results["spotting"]["f1"], "recog_f1": results["recognition"]["f1"]}
    for name, value in pooled.items():
        assert summary.summary[f"pooled/{name}"] == pytest.approx(value)
    for name in SCORES:
        ends = [summary.summary[f"pooled/{name}_{end}"] for end in ("low", "high")]
        assert ends == pytest.approx(results["ci"][name])
        assert summary.summary[f"fold_mean/{name}"] == pytest.approx(results["folds"][name]["mean"])
    assert summary.summary["chance/strs"] == pytest.approx(results["baselines"]["strs"])
    assert summary.summary["counts/tp"] == results["spotting"]["tp"] > 0
    assert summary.summary["inner/strs"] == pytest.approx(results["inner"]["strs"])
    assert (summary.summary["leak"], summary.summary["complete"]) == (True, True)


@pytest.mark.slow
def test_the_summary_has_tables_of_scores_classes_subjects_and_intervals(summary, results, study):
    scores = {row.pop("score"): row for row in summary.table("tables/scores")}
    assert set(scores) == set(SCORES)
    assert [scores["strs"][end] for end in ("low", "high")] == pytest.approx(results["ci"]["strs"])
    assert "LEAK (protocol leaky)" in scores["strs"]["remark"]
    intervals = summary.table("tables/intervals")
    header, *lines = (study.folder / "predictions.csv").read_text().splitlines()
    assert ",".join(intervals[0]) == header
    assert len(intervals) == len(lines) > 0
    assert [[str(value) for value in list(row.values())[:6]] for row in intervals] == [
        line.split(",")[:6] for line in lines
    ]
    emotions = summary.table("tables/emotions")
    confusion = results["recognition"]["confusion"]
    assert [row["correct"] for row in emotions] == [confusion[i][i] for i in range(len(emotions))]
    counts = summary.table("tables/confusion")
    assert [row["count"] for row in counts] == [count for row in confusion for count in row]
    assert (counts[1]["true"], counts[1]["predicted"]) == ("negative", "positive")
    assert {row["subject"]: row["tp"] for row in summary.table("tables/subjects")} == {
        subject: scores["tp"] for subject, scores in results["by_subject"].items()
    }


@pytest.mark.slow
def test_the_summary_shows_confusion_matrix_and_curves(summary, study):
    import cv2

    (confusion,) = summary.pictures("pictures/confusion")
    curves = summary.pictures("pictures/curves")
    assert summary.summary["pictures/curves.captions"] == ["/".join(video.key) for video in study.catalog.videos]
    for picture in (confusion, *curves):
        assert cv2.imread(str(picture)).std() > 5  # something is drawn
    assert len({picture.read_bytes() for picture in curves}) == len(study.catalog.videos)


@pytest.mark.slow
def test_tables_stay_in_the_study_s_folder_so_that_a_copy_can_be_sent(summary, study):
    kept = [Path(entry["local_path"]) for a in summary.of("artifact") for entry in a["manifest"]["contents"]]
    assert len(kept) == 5
    assert all(study.folder in path.parents and path.is_file() for path in kept)


@pytest.mark.slow
def test_the_run_of_a_failing_fold_is_marked_as_failed(planted, tmp_path, monkeypatch):
    from memodule.callbacks import IntervalSelection

    def fail(*_):
        raise RuntimeError("no disk")

    monkeypatch.setattr(IntervalSelection, "on_test_start", fail)
    config = experiment(planted, tmp_path)
    assert loso(config, tmp_path / "runs", "--folds", "002", "--set", "trainer.max_epochs=1") == 1
    (folder,) = (tmp_path / "runs").iterdir()
    (run,) = offline_runs(folder)
    assert run.of("exit")[0]["exit_code"] == 1


@pytest.mark.slow
def test_every_key_of_the_workspace_script_is_logged(runs, summary):
    logged = {name for step in runs[1].history for name in step} | set(runs[1].summary) | set(runs[1].config)
    logged |= {name.removesuffix(".path").removesuffix(".filenames") for name in summary.summary}
    assert wandb_workspace.shown_keys() - logged == set()


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """W&B in a home without a login; it reads environment and login once, until it is torn down."""
    wandb.teardown()  # first: it clears the address of its helper process, which must not come back
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    yield monkeypatch
    monkeypatch.undo()
    wandb.teardown()


@pytest.mark.parametrize(
    ("environment", "words", "complaint"),
    [
        ({}, ["--online"], "--online: not logged in to Weights & Biases; run `wandb login`"),
        ({"WANDB_MODE": "online"}, [], "WANDB_MODE=online: not logged in"),
        ({"WANDB_API_KEY": "tooshort"}, ["--online"], "--online: WANDB_API_KEY invalid"),
        (
            {"WANDB_MODE": "onlin"},
            [],
            "WANDB_MODE=onlin: not a mode of Weights & Biases; set online, offline",
        ),
    ],
)
def test_a_missing_login_is_one_clear_line_before_anything_runs(
    planted, tmp_path, stranger, capsys, environment, words, complaint
):
    for name, value in environment.items():
        stranger.setenv(name, value)
    assert loso(experiment(planted, tmp_path), tmp_path / "runs", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line
    assert not (tmp_path / "runs").exists()


def test_wandb_mode_wins_over_online_and_says_so(monkeypatch, capsys):
    monkeypatch.setenv("WANDB_MODE", "offline")
    wandb_environment.choose_mode(online=True)
    assert os.environ["WANDB_MODE"] == "offline"
    assert "--online is overruled by WANDB_MODE=offline" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_one_line(stranger):
    from wandb.errors import AuthenticationError

    def refuse(**_):
        raise AuthenticationError("Failed to authenticate with https://example.org:\nbusy")

    stranger.setattr("wandb.login", refuse)
    with pytest.raises(UserError, match=r"^--online: Failed to .* busy; check the login and the network"):
        wandb_environment.choose_mode(online=True)


@pytest.mark.slow
def test_a_disabled_run_writes_nothing_of_wandb(planted, tmp_path, stranger):
    stranger.setenv("WANDB_MODE", "disabled")
    config = experiment(planted, tmp_path)
    assert loso(config, tmp_path / "runs", "--folds", "002", "--set", "trainer.max_epochs=1") == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "results.json").is_file()
    assert not list(folder.glob("wandb/*run-*"))


@pytest.mark.slow
def test_the_end_of_a_study_tells_how_to_send_its_offline_runs(study, capsys):
    """Every folder that the printed pattern names is a run, and none is missing; `--quiet` says only where it is."""
    words = ["loso", "--config", str(study.folder.parents[1] / "tiny.yaml"), "--runs", str(study.folder.parent)]
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr().out == f"{study.folder}\n"
    assert main(words) == 0
    printed = capsys.readouterr().out
    (command,) = re.findall(r"^W&B: .*: (wandb sync .*)$", printed, flags=re.MULTILINE)
    pattern = Path(shlex.split(command)[2])
    named = sorted(pattern.parent.glob(pattern.name))
    assert named == sorted(path.parent for path in study.folder.rglob("*.wandb"))
    assert len(named) > 4
