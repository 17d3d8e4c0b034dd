import json

import numpy as np
import pytest
import torch
from made_studies import make_study, small_catalog

from memodule.decoding.curves import read_curves, write_curves
from memodule.intervals import Calibrated, PriorGuided
from memodule.intervals.description import describe_rule
from memodule.spotting.calibration import calibrated_rule
from memodule.spotting.default import default_checkpoint_path, install_default_checkpoint
from memodule.studies.study import Study
from memodule.training.checkpoints import load_fold_model

from .conftest import write_checkpoint

SUBJECTS = tuple(f"s{n}" for n in range(1, 7))


@pytest.fixture
def study(tmp_path):
    return Study.open(make_study(tmp_path / "runs", small_catalog(SUBJECTS, videos=3)))


def test_it_learns_from_curves_of_training_subjects_and_not_from_the_held_out_one(study):
    rule = calibrated_rule(study, "s1", 0)
    assert isinstance(rule, Calibrated)
    assert rule.timing.duration == study.fold("s1", 0).rule.timing.duration
    learned = describe_rule(rule)
    for subject, moved in (("s1", False), ("s2", True)):
        file = study.fold(subject, 0).folder / "test" / "curves.npz"
        curves = read_curves(file)
        for curve in curves:
            curve.score[:] = np.flip(curve.score)
        write_curves(file, curves)
        assert (describe_rule(calibrated_rule(Study.open(study.folder), "s1", 0)) != learned) is moved


def test_with_too_little_to_learn_from_the_folds_own_rule_stays(tmp_path):
    study = Study.open(make_study(tmp_path, small_catalog(("s1", "s2"), videos=1)))
    assert isinstance(calibrated_rule(study, "s1", 0), PriorGuided)


def test_the_installed_checkpoint_carries_the_rule_and_the_same_weights(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rule = calibrated_rule(study, "s1", 0)
    own = load_fold_model(write_checkpoint(tmp_path / "model.ckpt"))
    install_default_checkpoint(tmp_path / "model.ckpt", rule)
    installed = load_fold_model(default_checkpoint_path())
    assert json.dumps(describe_rule(installed.rule)) == json.dumps(describe_rule(rule))
    assert type(own.rule) is PriorGuided
    for name, value in own.network.state_dict().items():
        assert torch.equal(installed.network.state_dict()[name], value)
