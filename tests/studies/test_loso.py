import gc
import itertools
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import experiment

from memodule.cli import main
from memodule.datasets import Catalog
from memodule.decoding.curves import read_curves
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.flow import FlowParameters, FlowStore
from memodule.module import SpotRecognizeModule
from memodule.networks.selective_scan import scan_in_use
from memodule.studies.execution import run_jobs
from memodule.studies.origin import code_version
from memodule.studies.plan import plan_study
from memodule.studies.results_view import weaknesses
from memodule.studies.study import Study
from memodule.studies.work import Workers
from memodule.training.settings import build_fold

KEYS = ("spot_f1", "spot_precision", "spot_recall", "recog_f1", "recog_uf1", "recog_uar", "strs")


def loso(config: Path, runs: Path, *words: str) -> int:
    return main(["loso", "--config", str(config), "--runs", str(runs), "--quiet", *words])


@pytest.fixture(scope="module")
def finished(planted, tmp_path_factory):
    """A finished study of three folds."""
    folder = tmp_path_factory.mktemp("study")
    assert loso(experiment(planted, folder, epochs=16), folder / "runs") == 0
    (run,) = (folder / "runs").iterdir()
    return Study.open(run)


@pytest.mark.slow
def test_the_pooled_scores_are_those_of_evaluate_on_the_written_files(finished, capsys):
    folder = finished.folder
    results = json.loads((folder / "results.json").read_text())
    files = [str(folder / name) for name in ("predictions.csv", "truth.csv")]
    assert main(["evaluate", *files, "--videos", str(folder / "catalog" / "videos.csv"), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    for section in ("spotting", "recognition", "strs", "ci", "baselines"):
        assert results[section] == evaluated[section]
    assert results["complete"]
    assert results["spotting"]["tp"] + results["spotting"]["fn"] == 18


@pytest.mark.slow
def test_the_planted_movements_are_found_far_above_chance(finished):
    results = json.loads((finished.folder / "results.json").read_text())
    assert results["spotting"]["f1"] > 3 * results["baselines"]["random_peaks"]["f1"]
    assert results["recognition"]["f1"] > results["baselines"]["majority_emotion"]["f1"]


@pytest.mark.slow
def test_no_subject_influences_its_own_score(finished):
    provenance = json.loads((finished.folder / "provenance.json").read_text())["seed0"]
    assert set(provenance) == {"001", "002", "003"}
    for subject, influences in provenance.items():
        assert influences.pop("scored") == [subject]
        assert all(subject not in others for others in influences.values())
        assert influences["network"]


@pytest.mark.slow
def test_a_fold_tells_where_its_time_went_and_who_ran_it(finished):
    folds = [finished.fold(subject, 0).result for subject in finished.subjects]
    for fold in folds:
        assert set(fold["phases"]) == {"setup", "tracking", "training", "validation", "test", "weights"}
        assert fold["seconds"] == pytest.approx(sum(fold["phases"].values()), abs=0.01)
        assert fold["training_seconds"] == fold["phases"]["training"] > max(fold["phases"]["weights"], 0.05)
        assert fold["process"] == os.getpid()
    for before, after in itertools.pairwise(folds):  # one after the other
        assert after["started"] >= before["started"] + before["seconds"] - 0.05


@pytest.mark.slow
def test_a_fold_leaves_nothing_in_memory(planted, tmp_path):
    """Networks and features that wait for Python's own collection add up over a study of hundreds of folds."""
    before = sum(type(thing) is SpotRecognizeModule for thing in gc.get_objects())
    plan = plan_study([experiment(planted, tmp_path, epochs=1, logger=False)], folds=["001"], runs=tmp_path / "runs")
    gc.disable()
    try:
        assert run_jobs(plan.jobs, Workers()) == {}
        assert sum(type(thing) is SpotRecognizeModule for thing in gc.get_objects()) <= before
    finally:
        gc.enable()
    assert gc.get_freeze_count() == 0


@pytest.mark.slow
def test_finished_folds_are_kept_and_a_lost_one_is_run_again(finished, capsys, planted, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in finished.folder.rglob("result.json")}
    results = (finished.folder / "results.json").read_bytes()
    lost = finished.fold("003", 0).folder / "result.json"
    lost.unlink()
    config = finished.folder.parents[1] / "tiny.yaml"
    assert loso(config, finished.folder.parent) == 0
    after = {path: path.stat().st_mtime_ns for path in finished.folder.rglob("result.json")}
    assert {path for path in before if before[path] != after[path]} == {lost}
    assert (finished.folder / "results.json").read_bytes() == results  # the same seed, the same bytes


@pytest.mark.slow
def test_json_is_all_of_the_standard_output(finished, capfd):
    config = finished.folder.parents[1] / "tiny.yaml"
    assert main(["loso", "--config", str(config), "--runs", str(finished.folder.parent), "--json"]) == 0
    reported = json.loads(capfd.readouterr().out)
    assert reported["folder"] == str(finished.folder)
    assert reported["results"] == json.loads((finished.folder / "results.json").read_text())
    assert reported["complete"]
    assert reported["failed"] == {}
    assert reported["wandb_sync"] == f"wandb sync {finished.folder}/wandb/offline-run-*"


@pytest.mark.slow
def test_two_workers_give_the_same_bits_as_one(finished, planted, tmp_path):
    config = finished.folder.parents[1] / "tiny.yaml"
    assert loso(config, tmp_path, "--workers", "2") == 0
    other = Study.open(tmp_path / finished.name)
    for subject in finished.subjects:
        for one, two in zip(finished.fold(subject, 0).curves, other.fold(subject, 0).curves, strict=True):
            np.testing.assert_array_equal(one.score, two.score)
            np.testing.assert_array_equal(one.logits, two.logits)
    assert (other.folder / "results.json").read_bytes() == (finished.folder / "results.json").read_bytes()
    processes = {other.fold(subject, 0).result["process"] for subject in other.subjects}
    assert os.getpid() not in processes  # how many there are is up to Ray, which may use one for all


def test_another_setting_or_other_data_get_another_folder(planted, tmp_path):
    config = experiment(planted, tmp_path, logger=False)
    plan = plan_study([config], runs=tmp_path / "runs")
    assert plan.folder == plan_study([config], runs=tmp_path / "runs").folder
    assert plan.folder == plan_study([config], {"data.num_workers": "1"}, runs=tmp_path / "runs").folder
    assert plan.folder != plan_study([config], {"model.learning_rate": "0.02"}, runs=tmp_path / "runs").folder
    labels = planted.catalog / "expressions.csv"
    text = labels.read_text()
    try:
        labels.write_text(text.rsplit("\n", 2)[0] + "\n")
        assert plan.folder != plan_study([config], runs=tmp_path / "runs").folder
    finally:
        labels.write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "value", "rounding"),
    [("data.num_workers", "1", 0), ("data.num_workers", "2", 0), ("model.windows_per_pass", "5", 1e-6)],
)
def test_a_setting_that_is_no_part_of_a_study_s_identity_changes_no_curve(
    planted, tmp_path_factory, undisturbed_curves, setting, value, rounding
):
    folder = tmp_path_factory.mktemp("setting")
    plan, curves = curves_of(planted, folder, {setting: value})
    assert plan.digest == undisturbed_curves[0].digest
    for one, other in zip(undisturbed_curves[1], curves, strict=True):
        np.testing.assert_allclose(other.score, one.score, rtol=0, atol=rounding)
        np.testing.assert_allclose(other.logits, one.logits, rtol=0, atol=100 * rounding)


def curves_of(planted, folder, changes):
    """A plan and the held-out curves of its first fold, after three epochs."""
    changes = {"trainer.max_epochs": "3", **changes}
    plan = plan_study([experiment(planted, folder, logger=False)], changes, ["001"], runs=folder / "runs")
    assert run_jobs(plan.jobs, Workers(save_checkpoints=False)) == {}
    return plan, read_curves(plan.jobs[0].folder / "test" / "curves.npz")


@pytest.fixture(scope="module")
def undisturbed_curves(planted, tmp_path_factory):
    return curves_of(planted, tmp_path_factory.mktemp("undisturbed"), {})


@pytest.mark.slow
def test_inner_subjects_are_scored_with_the_weights_that_are_kept(planted, tmp_path):
    """Also where the last validation while training was of an earlier epoch."""
    config = experiment(planted, tmp_path, inner=1, epochs=3, logger=False)
    changes = {"trainer.check_val_every_n_epoch": "2"}
    (job,) = plan_study([config], changes, ["001"], runs=tmp_path / "runs").jobs
    assert run_jobs([job], Workers()) == {}
    again = build_fold(job.config, job.subject, job.seed, out=str(tmp_path / "again"), enable_progress_bar=False)
    again.model.load_state_dict(torch.load(job.folder / "model.ckpt", weights_only=True)["state_dict"])
    again.trainer.validate(again.model, again.datamodule, verbose=False)
    kept, expected = (read_curves(folder / "val" / "curves.npz") for folder in (job.folder, tmp_path / "again"))
    assert [curve.subject for curve in kept] == list(again.datamodule.fold.validation) * 2
    for one, other in zip(kept, expected, strict=True):
        np.testing.assert_array_equal(one.score, other.score)


def test_fold_folders_are_safe_and_distinct(planted, tmp_path):
    plan = plan_study([experiment(planted, tmp_path, logger=False)], runs=tmp_path)
    from memodule.studies.plan import fold_folder

    names = [fold_folder(plan.folder, subject, 0).name for subject in ("s1", "s/1", "..", "s 1", "S1", "ü")]
    assert len(set(names)) == len(names)
    assert not any("/" in name or name.startswith(".") for name in names)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "model.learnig_rate=1"], "model.learnig_rate"),
        (["--set", "data.window=7"], "even number of frames"),
        (["--folds", "001,009"], "no subject '009'; choose from 001, 002, 003"),
        (["--seeds", "0,0"], "different whole numbers"),
        (["--seeds", "0,-1"], "whole numbers from 0 to"),
        (["--seeds", "4294967296"], "whole numbers from 0 to"),
        (["--set", "seed_everything=-1"], "seed_everything: -1"),
        (["--set", "model.learning_rate=-1"], "model.learning_rate: -1.0"),
        (["--set", "model.network.init_args.depth=0"], "error: SlowFastMamba: depth is 0"),
        (["--set", "intervals.init_args.threshold=7"], "error: intervals.threshold: 7.0"),
        (["--set", "protocol.iou=2"], "protocol.iou: 2.0"),
        (["--set", "data.batch_size=0"], "data.batch_size: 0"),
        (["--set", "data.num_workers=-1"], "data.num_workers: -1"),
        (["--set", "data.catalog=nowhere"], "nowhere/videos.csv: no such file"),
        (["--set", "data.window=12"], "memodule extract"),
    ],
)
def test_mistakes_are_reported_in_one_line_before_anything_runs(planted, tmp_path, capsys, words, message):
    config = experiment(planted, tmp_path, logger=False)
    assert loso(config, tmp_path / "runs", *words) == 2
    printed = capsys.readouterr().err.strip()
    assert message in printed
    assert len(printed.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_catalog_without_videos_is_no_finished_study(tmp_path, planted, capsys):
    Catalog(()).write(tmp_path / "empty")
    config = experiment(planted, tmp_path, logger=False)
    assert loso(config, tmp_path / "runs", "--set", f"data.catalog={tmp_path / 'empty'}") == 2
    assert f"{tmp_path / 'empty'}: has no video, so there is nothing to run" in capsys.readouterr().err
    assert main(["extract", str(tmp_path / "empty"), "--out", str(tmp_path / "flow")]) == 2
    assert f"{tmp_path / 'empty' / 'videos.csv'}: lists no video" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "flow").exists()


def test_options_of_a_trainer_elsewhere_are_not_tried_here(planted, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_JOB_NAME", "study")
    monkeypatch.setenv("SLURM_NTASKS", "16")  # which Lightning's trainer refuses
    config = experiment(planted, tmp_path, logger=False)
    words = {"trainer.accelerator": "gpu", "trainer.devices": "4", "trainer.precision": "16-mixed"}
    assert plan_study([config], words).config["trainer"]["accelerator"] == "gpu"
    chooser = '{"class_path": "lightning.pytorch.callbacks.ModelCheckpoint"}'
    assert plan_study([config], {"trainer.callbacks": chooser, "trainer.enable_checkpointing": "true"})


def test_numbers_that_are_none_end_the_fold_and_name_where_they_are(planted, tmp_path, capsys):
    flow = shutil.copytree(planted.flow, tmp_path / "flow")
    record = FlowStore(flow, FlowParameters(10)).get("002", "a")
    windows = np.array(record.windows)
    config = experiment(planted, tmp_path, epochs=1, logger=False)
    remedy = f"{record.path}: features that are not finite"
    # not finite: it would spoil the weights of two folds and the scores of one; huge: it spoils the scores
    for value, named, times in (
        (np.nan, remedy, 3),
        (np.inf, remedy, 3),
        (1e30, "002/a: the network's scores are not finite", 1),
    ):
        windows[-1, 3, 4] = value
        np.save(record.path, windows)
        runs = tmp_path / f"runs{value}"
        assert loso(config, runs, "--set", f"data.flow={flow}", "data.negative_ratio=null") == 1
        printed = capsys.readouterr().err
        assert printed.count(named) == times
        assert "Traceback" not in printed
        assert len(list(runs.rglob("result.json"))) == 3 - times


def test_training_that_diverges_is_no_result(planted, tmp_path, capsys):
    config = experiment(planted, tmp_path, epochs=1, logger=False)
    words = ["--set", "model.learning_rate=1e9", "--folds", "002", "--json"]
    assert main(["loso", "--config", str(config), "--runs", str(tmp_path / "runs"), *words]) == 1
    reported = json.loads(capsys.readouterr().out)
    assert reported["results"] is None
    assert reported["failed"]["002 (seed 0)"].endswith("lower model.learning_rate, or set trainer.gradient_clip_val")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contents", "named"),
    [("{}", "not the result of a fold (no provenance)"), ("[]", "holds no mapping"), ("{", "cannot be read")],
)
def test_a_damaged_result_is_named_by_the_same_command(finished, tmp_path, capsys, contents, named):
    runs = shutil.copytree(finished.folder.parent, tmp_path / "runs")
    path = runs / finished.folder.name / "folds" / "seed0" / "002" / "result.json"
    path.write_text(contents)
    assert loso(finished.folder.parents[1] / "tiny.yaml", runs) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"memodule: error: {path}: {named}")
    assert line.endswith("delete it and run the study again")


def test_a_folder_without_a_study_is_named(tmp_path):
    with pytest.raises(UserError, match="not a study folder"):
        Study.open(tmp_path)


@pytest.mark.slow
def test_a_failing_fold_does_not_stop_the_others_and_is_named(planted, tmp_path, capsys, monkeypatch):
    config = experiment(planted, tmp_path, logger=False)
    from memodule.studies import work

    run = work.run_fold

    def failing(job, *args, **options):
        if job.subject == "002":
            raise RuntimeError("the disk is on fire\nand so on")
        run(job, *args, **options)

    monkeypatch.setattr(work, "run_fold", failing)
    assert main(["loso", "--config", str(config), "--runs", str(tmp_path), "--set", "trainer.max_epochs=1"]) == 1
    printed = capsys.readouterr().out
    assert "002 (seed 0): RuntimeError: the disk is on fire" in printed
    assert "PARTIAL: 2 of 3 folds are finished (missing: 002 (seed 0))" in printed
    (run_folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    results = json.loads((run_folder / "results.json").read_text())
    assert not results["complete"]
    assert "on fire" in (run_folder / "folds" / "seed0" / "002" / "error.txt").read_text()
    words = ["--set", "trainer.max_epochs=1", "--json"]
    assert main(["loso", "--config", str(config), "--runs", str(tmp_path), *words]) == 1
    printed = capsys.readouterr()
    reported = json.loads(printed.out)
    assert reported["failed"] == {"002 (seed 0)": "RuntimeError: the disk is on fire"}
    assert reported["results"] == results
    assert not reported["complete"]
    assert "  002 (seed 0): RuntimeError: the disk is on fire" in printed.err.splitlines()
    assert main(["loso", "--config", str(config), "--runs", str(tmp_path / "new"), *words, "--folds", "002"]) == 1
    reported = json.loads(capsys.readouterr().out)
    assert reported["results"] is None
    assert reported["wandb_sync"] is None
    assert not reported["complete"]


@pytest.mark.slow
def test_seeds_are_pooled_and_shown_apart(planted, tmp_path):
    config = experiment(planted, tmp_path, logger=False)
    assert loso(config, tmp_path / "runs", "--seeds", "0,1", "--set", "trainer.max_epochs=2") == 0
    (run,) = (tmp_path / "runs").iterdir()
    results = json.loads((run / "results.json").read_text())
    assert set(results["by_seed"]) == {"0", "1"}
    assert results["spotting"]["tp"] + results["spotting"]["fn"] == 2 * 18


@pytest.mark.slow
def test_a_seed_whose_folder_is_deleted_is_left_out(planted, tmp_path, capsys):
    config = experiment(planted, tmp_path, logger=False)
    once = ["--config", str(config), "--runs", str(tmp_path / "runs"), "--set", "trainer.max_epochs=1"]
    assert main(["loso", *once, "--seeds", "1", "--folds", "001"]) == 0
    assert main(["loso", *once]) == 0
    assert "PARTIAL: 4 of 6 folds are finished (missing: 002 (seed 1), 003 (seed 1))" in capsys.readouterr().out
    (run,) = (tmp_path / "runs").iterdir()
    shutil.rmtree(run / "folds" / "seed1")
    assert main(["loso", *once]) == 0
    assert "PARTIAL" not in capsys.readouterr().out
    assert json.loads((run / "results.json").read_text())["seeds"] == [0]


@pytest.mark.slow
def test_a_study_remembers_what_made_each_fold(finished, tmp_path):
    """Running the command again does not claim old folds for today's code, machine and libraries."""
    folder = shutil.copytree(finished.folder, tmp_path / finished.name)
    made = finished.fold("001", 0).result["made_with"]
    assert made == {"code": code_version(), "torch": torch.__version__, "scan": made["scan"], "threads": "1"}
    assert made["scan"] == scan_in_use(torch.device("cpu"))
    study = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps(study | {"code_version": "0.0.1", "host": {"name": "elsewhere"}}))
    fold = folder / "folds" / "seed0" / "002" / "result.json"
    result = json.loads(fold.read_text())
    fold.write_text(json.dumps(result | {"made_with": made | {"torch": "1.0"}}))
    assert loso(finished.folder.parents[1] / "tiny.yaml", tmp_path) == 0
    after = Study.open(folder)
    assert (after.description["code_version"], after.description["host"]["name"]) == ("0.0.1", "elsewhere")
    results = json.loads((folder / "results.json").read_text())
    assert results["mixed"] == {"torch": ["1.0", torch.__version__]}
    (line,) = weaknesses(results)
    assert line.startswith(f"MIXED: folds were made with torch 1.0 and {torch.__version__}; delete")


@pytest.mark.slow
def test_the_published_protocol_says_that_it_leaks(planted, tmp_path, capsys):
    protocol = Protocol.preset("published").as_dict()
    config = experiment(planted, tmp_path, logger=False, protocol=protocol)
    words = ["--set", "trainer.max_epochs=1"]
    assert main(["loso", "--config", str(config), "--runs", str(tmp_path / "runs"), *words]) == 0
    assert "LEAK (protocol published)" in capsys.readouterr().out
    (run,) = (tmp_path / "runs").iterdir()
    provenance = json.loads((run / "provenance.json").read_text())["seed0"]
    assert provenance["002"]["interval_prior"] == ["001", "002", "003"]
    assert provenance["002"]["network"] == ["001", "003"]


def test_inner_subjects_that_leave_none_for_training_are_refused_before_anything_runs(planted, tmp_path, capsys):
    config = experiment(planted, tmp_path, inner=2)
    assert main(["loso", "--config", str(config), "--runs", str(tmp_path / "runs"), "--quiet"]) == 2
    assert "leave at least one for training" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "runs").exists()
