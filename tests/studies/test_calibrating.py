"""Rules that learn from curves are calibrated inside a study: on out-of-fold curves, fold by fold, without leaks."""

import json
import shutil

import numpy as np
import pytest
import torch
from made_studies import make_study, small_catalog

from memodule.cli import main
from memodule.commands.demo import _calibrated_rule
from memodule.decoding.curves import read_curves, write_curves
from memodule.decoding.decode import labelled_curve
from memodule.intervals import Calibrated, PriorGuided, RelativeHeight, RiseFall, SemiMarkov
from memodule.intervals.description import describe_rule
from memodule.metrics.score_names import pooled_scores
from memodule.spotting.default import demo_checkpoint_path, install_demo_checkpoint
from memodule.studies.ablation.grid import read_grid
from memodule.studies.ablation.run import ablate
from memodule.studies.loso import pool_and_write
from memodule.studies.study import Study
from memodule.training.checkpoints import load_fold_model

from ..spotting.conftest import write_checkpoint
from .ablation.folders import write_grid

SUBJECTS = ("s1", "s2", "s3", "s4")


def weighing() -> Calibrated:
    return Calibrated([RiseFall(least=0.1), RelativeHeight(least=0.1)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("made"), small_catalog(SUBJECTS), rule=weighing, pooled=False)


@pytest.fixture
def study(made, tmp_path):
    return Study.open(shutil.copytree(made, tmp_path / made.name))


def files(study: Study) -> dict[str, bytes]:
    return {str(path.relative_to(study.folder)): path.read_bytes() for path in study.folder.rglob("*.*")}


def flip(study: Study, subject: str) -> None:
    file = study.fold(subject, 0).folder / "test" / "curves.npz"
    curves = read_curves(file)
    for curve in curves:
        curve.score[:] = np.flip(curve.score)
    write_curves(file, curves)


def test_it_equals_calibrating_by_hand_and_is_recorded(study):
    pool_and_write(study)
    for held_out in SUBJECTS:
        others = [subject for subject in SUBJECTS if subject != held_out]
        known = [e for e in study.catalog.expressions if e.subject in others]
        curves = [labelled_curve(c, study.catalog) for s in others for c in study.fold(s, 0).curves]
        rule = weighing().fit(known, fps=30).calibrate(curves)
        fold = Study.open(study.folder).fold(held_out, 0)
        assert fold.result["rule"] == json.loads(json.dumps(describe_rule(rule)))
        assert fold.result["provenance"]["calibrated_on"] == others
        assert fold.result["provenance"]["calibration_networks"] == list(SUBJECTS)
        found = (fold.folder / "test" / "intervals.csv").read_text().splitlines()[1:]
        assert len(found) == sum(len(rule.detect(c.score, c.probabilities)) for c in fold.curves)


def test_the_held_out_subjects_curves_and_labels_change_nothing(study):
    pool_and_write(study)
    before = {subject: study.fold(subject, 0).result["rule"] for subject in SUBJECTS}
    flip(study, "s1")
    changed = Study.open(study.folder)
    pool_and_write(changed)
    assert changed.fold("s1", 0).result["rule"] == before["s1"]
    assert all(changed.fold(subject, 0).result["rule"] != before[subject] for subject in SUBJECTS[1:])


def test_again_it_gives_the_same_bytes_and_it_follows_further_folds(study, tmp_path):
    pool_and_write(study)
    whole = files(study)
    times = {path: path.stat().st_mtime_ns for path in study.folder.rglob("result.json")}
    pool_and_write(Study.open(study.folder))
    assert files(study) == whole
    assert {path: path.stat().st_mtime_ns for path in study.folder.rglob("result.json")} == times

    fold = study.fold("s4", 0).folder
    aside = shutil.move(fold, tmp_path / "aside")
    pool_and_write(Study.open(study.folder))
    partial = Study.open(study.folder).fold("s1", 0)
    assert partial.result["provenance"]["calibrated_on"] == ["s2", "s3"]
    shutil.move(aside, fold)
    pool_and_write(Study.open(study.folder))
    assert files(study) == whole


def test_a_study_of_the_same_curves_equals_the_row_of_an_ablation(tmp_path):
    study = Study.open(make_study(tmp_path / "runs", small_catalog(SUBJECTS)))
    words = ["--set", "intervals=configs/intervals/calibrated.yaml", "--runs", str(tmp_path / "again"), "--quiet"]
    assert main(["loso", "--curves", str(study.folder), *words]) == 0
    (folder,) = (tmp_path / "again").iterdir()
    variants = {"calibrated": {"rule": "configs/intervals/calibrated.yaml", "calibrate": "nested"}}
    rows = ablate(study, read_grid(write_grid(tmp_path / "grid", variants)), workers=1).rows
    row = next(row for row in rows if row.name == "calibrated")
    results = json.loads((folder / "results.json").read_text())
    assert [results["spotting"][name] for name in ("tp", "fp", "fn")] == [row.pooled.tp, row.pooled.fp, row.pooled.fn]
    assert pooled_scores(results) == row.scores
    assert results["calibration"] == row.calibration["calibration"] | {"uncalibrated": {}}


def test_a_single_fold_stays_uncalibrated(tmp_path):
    rest = [(subject, 0) for subject in SUBJECTS[1:]]
    study = Study.open(make_study(tmp_path, small_catalog(SUBJECTS), rule=SemiMarkov, without=rest, pooled=False))
    pool_and_write(study)
    assert study.fold("s1", 0).rule.uncalibrated
    assert study.fold("s1", 0).result["provenance"]["calibrated_on"] == []


def test_the_rule_in_the_checkpoint_is_replaced_and_its_weights_stay(study):
    file = study.fold("s1", 0).folder / "model.ckpt"
    own = load_fold_model(write_checkpoint(file))
    pool_and_write(study)
    new = load_fold_model(file)
    assert new.rule == study.fold("s1", 0).rule != own.rule
    for name, value in own.network.state_dict().items():
        assert torch.equal(new.network.state_dict()[name], value)


def test_the_demos_checkpoint_carries_a_calibrated_rule(tmp_path, monkeypatch):
    study = Study.open(
        make_study(tmp_path / "runs", small_catalog([f"s{n}" for n in range(1, 9)], videos=4), pooled=False)
    )
    monkeypatch.chdir(tmp_path)
    rule = _calibrated_rule(study, "s1", 0)
    assert isinstance(rule, Calibrated)
    install_demo_checkpoint(write_checkpoint(tmp_path / "model.ckpt"), rule)
    installed = load_fold_model(demo_checkpoint_path())
    assert json.dumps(describe_rule(installed.rule)) == json.dumps(describe_rule(rule))


def test_with_too_little_to_learn_from_the_demo_keeps_the_folds_own_rule(tmp_path):
    rest = [("s2", 0)]
    study = Study.open(make_study(tmp_path, small_catalog(("s1", "s2"), videos=1), without=rest))
    assert isinstance(_calibrated_rule(study, "s1", 0), PriorGuided)
