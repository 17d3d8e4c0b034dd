"""Weights are never scored on whom they have learned from; every way to do so is refused with the reason."""

import re
import shutil

import pytest
import torch
import yaml
from lightning.pytorch import Callback, Trainer

from memodule.callbacks import IntervalSelection, LeakageGuard
from memodule.cli import main
from memodule.data import LosoDataModule
from memodule.errors import UserError
from memodule.intervals import PriorGuided
from memodule.module import SpotRecognizeModule
from memodule.networks import SlowFastMamba

pytestmark = pytest.mark.filterwarnings("ignore")

SIZES = {"fast_width": 8, "slow_width": 16, "depth": 1, "groups": 1, "state": 4}


def trainer(folder, *callbacks) -> Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    guarded = [IntervalSelection(PriorGuided(), out=str(folder)), LeakageGuard(), *callbacks]
    return Trainer(max_epochs=1, num_sanity_val_steps=0, enable_checkpointing=False, callbacks=guarded, **quiet)


def data(planted, fold, inner=0, catalog=None) -> LosoDataModule:
    place = str(catalog or planted.catalog)
    return LosoDataModule(place, str(planted.flow), fold=fold, window=10, inner_validation_subjects=inner)


@pytest.fixture(scope="module")
def checkpoint(planted, tmp_path_factory):
    """Weights that were trained on 001, chosen by 003, and held out 002."""
    folder = tmp_path_factory.mktemp("fold")
    run = trainer(folder)
    run.fit(SpotRecognizeModule(SlowFastMamba(**SIZES)), data(planted, "002", ["003"]))
    run.save_checkpoint(folder / "model.ckpt", weights_only=True)
    return folder / "model.ckpt"


@pytest.fixture(scope="module")
def config(planted, tmp_path_factory):
    """The same network as an experiment file."""
    settings = {
        "model": {"network": {"class_path": "memodule.networks.SlowFastMamba", "init_args": SIZES}},
        "data": {"catalog": str(planted.catalog), "flow": str(planted.flow), "window": 10},
        "trainer": {"max_epochs": 1, "accelerator": "cpu", "logger": False, "enable_checkpointing": False}
        | {"enable_progress_bar": False},
        "intervals": {"class_path": "memodule.intervals.PriorGuided"},
    }
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def test_a_checkpoint_says_as_plain_values_whom_it_has_learned_from(checkpoint):
    (seen,) = torch.load(checkpoint, weights_only=True)["seen"]
    assert seen.pop("videos") == [[s, v, 180] for s in ("001", "003") for v in "ab"]
    assert seen == {"catalog": "catalog", "held_out": "002", "training": ["001"], "chosen_on": ["003"]}


@pytest.mark.parametrize(
    ("command", "fold", "reason"),
    [
        ("test", "001", "these weights were trained on subject 001 .they held out 002.*Set data.fold=002"),
        ("test", "003", "these weights were chosen by the score of subject 003"),
        ("validate", "001", "these weights were trained on subject 001"),
        ("fit", "001", "these weights were trained on subject 001"),
    ],
)
def test_commands_refuse_weights_that_have_seen_the_subject(
    config, checkpoint, tmp_path, capsys, command, fold, reason
):
    words = [command, "--config", str(config), f"--data.fold={fold}", f"--ckpt_path={checkpoint}"]
    assert main([*words, f"--trainer.default_root_dir={tmp_path}"]) == 2
    printed = capsys.readouterr().err.splitlines()
    (line,) = (line for line in printed if line.startswith("memodule: error:"))
    assert re.search(reason, line)
    assert str(checkpoint) in line
    assert not list(tmp_path.rglob("intervals.csv"))


def test_the_held_out_subject_is_tested_and_a_seen_one_predicted_with_a_warning(config, checkpoint, tmp_path, capsys):
    words = ["--config", str(config), f"--ckpt_path={checkpoint}", f"--trainer.default_root_dir={tmp_path}"]
    assert main(["test", *words, "--data.fold=002"]) == 0
    assert "were trained on" not in capsys.readouterr().err
    assert main(["predict", *words, "--data.fold=001"]) == 0
    assert "warning: these weights were trained on 001" in capsys.readouterr().err


def test_weights_that_go_on_from_another_fold_still_know_whom_they_saw(planted, checkpoint, tmp_path):
    """Fold 002 once more, without inner subjects: now 003 was trained on too, by the second training."""
    module = SpotRecognizeModule.load_from_checkpoint(checkpoint, weights_only=True)
    run = trainer(tmp_path)
    run.fit(module, data(planted, "002"))
    assert [influences["training"] for influences in module.seen] == [["001"], ["001", "003"]]
    with pytest.raises(UserError, match="chosen by the score of subject 003"):
        trainer(tmp_path).fit(module, data(planted, "003"))


def test_in_python_a_trained_module_is_refused_on_its_own_subjects(planted, tmp_path):
    module = SpotRecognizeModule(SlowFastMamba(**SIZES))
    run = trainer(tmp_path)
    run.fit(module, data(planted, "002"))
    run.test(module, data(planted, "002"), verbose=False)
    with pytest.raises(UserError, match="were trained on subject 001"):
        trainer(tmp_path).test(module, data(planted, "001"), verbose=False)


def test_a_subject_is_known_again_in_a_catalog_of_another_name(planted, checkpoint, tmp_path):
    renamed = tmp_path / "renamed"
    shutil.copytree(planted.catalog, renamed)
    module = SpotRecognizeModule.load_from_checkpoint(checkpoint, weights_only=True)
    with pytest.raises(UserError, match="were trained on subject 001"):
        trainer(tmp_path).test(module, data(planted, "001", catalog=renamed), verbose=False)


def test_another_person_of_the_same_code_is_no_leak(planting, checkpoint, tmp_path):
    """Data sets share codes such as 001; other videos in a Catalog of another name are other people."""
    other = planting(tmp_path / "other", frames=240)
    other.catalog.rename(tmp_path / "elsewhere")
    module = SpotRecognizeModule.load_from_checkpoint(checkpoint, weights_only=True)
    trainer(tmp_path).test(module, data(other, "001", catalog=tmp_path / "elsewhere"), verbose=False)


def test_inner_subjects_that_the_starting_weights_know_are_refused(planted, checkpoint, tmp_path):
    module = SpotRecognizeModule.load_from_checkpoint(checkpoint, weights_only=True)
    with pytest.raises(UserError, match="were trained on subject 001"):
        trainer(tmp_path).fit(module, data(planted, "002", ["001"]))


def test_inner_subjects_may_be_scored_again_by_the_weights_that_they_chose(planted, checkpoint, tmp_path):
    """As a study does with the best epoch, and a training that is resumed."""
    module = SpotRecognizeModule(SlowFastMamba(**SIZES))
    again = trainer(tmp_path)
    again.validate(module, data(planted, "002", ["003"]), ckpt_path=checkpoint, verbose=False, weights_only=True)
    assert module.seen[0]["chosen_on"] == ["003"]
    module = SpotRecognizeModule.load_from_checkpoint(checkpoint, weights_only=True)
    trainer(tmp_path).fit(module, data(planted, "002", ["003"]))
    assert len(module.seen) == 1
    with pytest.raises(UserError, match="chosen by the score of subject 003"):
        trainer(tmp_path).validate(module, data(planted, "003"), verbose=False)


def test_any_callback_that_monitors_the_held_out_subject_is_refused(planted, tmp_path):
    class Chooser(Callback):
        monitor = "val/strs"

    with pytest.raises(UserError, match="Chooser follows val/strs, which is measured on the held-out subject 002"):
        trainer(tmp_path, Chooser()).fit(SpotRecognizeModule(SlowFastMamba(**SIZES)), data(planted, "002"))
