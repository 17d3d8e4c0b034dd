"""From a trained fold to everything that inference needs, through one file that may come from anywhere."""

import sys

import pytest
import torch
from lightning.pytorch import Trainer
from tiny import experiment

from memodule.callbacks import IntervalSelection
from memodule.cli import main
from memodule.data import LosoDataModule
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.flow import FlowParameters
from memodule.intervals import PriorGuided
from memodule.module import SpotRecognizeModule
from memodule.networks import SlowFastMamba
from memodule.training.checkpoints import load_fold_model


@pytest.fixture(scope="module")
def fold(planted, tmp_path_factory):
    """Module, callback and checkpoint of a fold that was trained for one epoch."""
    folder = tmp_path_factory.mktemp("fold")
    torch.manual_seed(0)
    module = SpotRecognizeModule(SlowFastMamba(fast_width=8, slow_width=16, depth=1, groups=1, state=4))
    callback = IntervalSelection(PriorGuided(threshold=0.4), Protocol(stitching="mean"), out=str(folder))
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        callbacks=[callback],
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        **quiet,
    )
    data = LosoDataModule(str(planted.catalog), str(planted.flow), fold="002", window=10, batch_size=16)
    trainer.fit(module, data)
    trainer.save_checkpoint(folder / "model.ckpt", weights_only=True)
    return module.eval(), callback, folder / "model.ckpt"


@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_gives_back_network_rule_and_conditions(fold, planted):
    module, callback, path = fold
    model = load_fold_model(str(path))
    flow = torch.randn(3, 36, 10, generator=torch.Generator().manual_seed(0))
    for ours, theirs in zip(model.network(flow), module(flow), strict=True):
        assert torch.equal(ours, theirs)
    assert not model.network.training
    assert model.flow == FlowParameters(window=10)
    assert (model.fps, model.held_out, model.catalog, model.batch_size) == (30.0, "002", planted.catalog.name, 16)
    assert model.frame_classes == ("negative", "positive", "surprise", "others", "neutral")
    assert model.protocol == Protocol(stitching="mean")
    assert isinstance(model.rule, PriorGuided)
    assert (model.rule.threshold, model.rule.state()) == (0.4, callback.rule.state())


def changed(path, folder, change):
    """A copy of a checkpoint with its contents changed."""
    saved = torch.load(path, weights_only=True)
    change(saved)
    torch.save(saved, folder / "changed.ckpt")
    return folder / "changed.ckpt"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda saved: saved.pop("memodule"), r"changed\.ckpt: .*model\.ckpt"),
        (lambda saved: saved.update(memodule=3), r"changed\.ckpt: .*model\.ckpt"),
        (lambda saved: saved["memodule"].pop("fps"), r"not what this version of memodule writes \(KeyError: 'fps'\)"),
        (lambda saved: saved["memodule"].update(protocol=None), "not what this version of memodule writes"),
        (lambda saved: saved["memodule"]["protocol"].update(iuo=0.5), r"changed\.ckpt: protocol\.iuo .*filter_neutral"),
        (lambda saved: saved["memodule"].update(features_version=0), "trained on version 0 of the flow features"),
        (lambda saved: saved["memodule"].update(frame_classes=["happy"]), "its classes are happy, not negative, "),
        (
            lambda saved: saved["memodule"]["rule"].update(class_path="os.path"),
            r"\.ckpt: os\.path .*SelectionRule",
        ),
        (lambda saved: saved.pop("hyper_parameters"), r"not what this version of memodule writes \(KeyError"),
        (lambda saved: saved["hyper_parameters"]["network"].update(class_path="os"), r"changed\.ckpt: os .*Module"),
        (lambda saved: saved["state_dict"].pop("network.spot_head.bias"), r"weights do not fit .*spot_head.bias"),
    ],
)
def test_foreign_and_damaged_contents_are_named_with_the_remedy(fold, tmp_path, change, complaint):
    path = changed(fold[2], tmp_path, change)
    with pytest.raises(UserError, match=complaint) as refused:
        load_fold_model(path)
    assert "\n" not in str(refused.value)


def test_absent_truncated_and_executable_files_are_refused(fold, tmp_path):
    path = tmp_path / "model.ckpt"
    with pytest.raises(UserError, match=r"model\.ckpt: no such file; .*model\.ckpt"):
        load_fold_model(path)
    path.write_bytes(fold[2].read_bytes()[:500])
    with pytest.raises(UserError, match=r"model.ckpt: cannot be read as plain weights"):
        load_fold_model(path)
    torch.save({"memodule": fold[1]}, path)
    with pytest.raises(UserError, match=r"holds more than names and tensors"):
        load_fold_model(path)


def test_loading_for_more_training_and_saving_again_loses_nothing(fold, tmp_path):
    again = SpotRecognizeModule.load_from_checkpoint(fold[2], weights_only=True)
    saved = {}
    again.on_save_checkpoint(saved)
    assert saved["memodule"] == torch.load(fold[2], weights_only=True)["memodule"]


EVIL = "memodule_test_evil"


@pytest.fixture
def words(planted, tmp_path):
    """The arguments of a command of Lightning for the subject that the fold held out."""
    return ["--config", str(experiment(planted, tmp_path, logger=False)), "--data.fold=002"]


@pytest.mark.parametrize("written", ["argument", "config"])
def test_a_checkpoint_cannot_make_lightning_import_anything(fold, written, words, tmp_path, monkeypatch, capsys):
    (tmp_path / f"{EVIL}.py").write_text("raise SystemError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    evil = {"class_path": f"{EVIL}.Net"}
    path = changed(fold[2], tmp_path, lambda saved: saved["hyper_parameters"]["network"].update(evil))
    config = tmp_path / "more.yaml"
    config.write_text(f"ckpt_path: {path}\n")
    more = [f"--ckpt_path={path}"] if written == "argument" else ["--config", str(config)]
    assert main(["test", *words, *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert f"{EVIL}.Net" in line
    assert EVIL not in sys.modules


def test_settings_of_a_checkpoint_that_do_not_fit_are_one_line(fold, words, tmp_path, capsys):
    path = changed(fold[2], tmp_path, lambda saved: saved["hyper_parameters"]["network"]["init_args"].update(widht=3))
    assert main(["test", *words, f"--ckpt_path={path}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.startswith(f"memodule: error: {path}: ")
