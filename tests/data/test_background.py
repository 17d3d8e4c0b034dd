"""Recordings without labels join the training windows, and are on record."""

import numpy as np
import pytest
import torch
import yaml
from tiny import experiment

from memodule.cli import main
from memodule.data import LosoDataModule
from memodule.data.exposure import exposures
from memodule.datasets import read_catalog
from memodule.errors import UserError
from memodule.flow import FlowParameters, FlowStore
from memodule.hardening import Hardening


@pytest.fixture(scope="module")
def data(planting, tmp_path_factory):
    return planting(tmp_path_factory.mktemp("background"), subjects=3, videos=1)


def background(folder, name="street", frames=100, value=7.0):
    store = FlowStore(folder, FlowParameters(window=10))
    flow = np.full((store.parameters.windows(frames), 36, 10), value, np.float32)
    store.put(name, "1", flow, fps=30, frames=frames, source={"kind": "planted by a test"})
    return folder


def module(data, **options) -> LosoDataModule:
    made = LosoDataModule(str(data.catalog), str(data.flow), fold="001", window=10, **options)
    made.setup("fit")
    return made


def training_windows(made: LosoDataModule) -> dict[str, torch.Tensor]:
    batches = list(made.train_dataloader())
    return {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}


def test_the_windows_of_the_background_are_free_of_expressions(data, tmp_path):
    plain = training_windows(module(data))
    store = str(background(tmp_path / "store"))
    everything = training_windows(module(data, background=store, background_ratio=None))
    new = (everything["flow"] == 7.0).flatten(1).all(1)
    assert len(everything["flow"]) == len(plain["flow"]) + 19
    assert new.sum() == 19
    assert everything["spot"][new].sum() == 0
    assert (everything["emotion"][new] == 4).all()
    with_expression = int((plain["spot"] > 0).any(1).sum())
    some = training_windows(module(data, background=store, background_ratio=0.25))
    assert len(some["flow"]) == len(plain["flow"]) + int(0.25 * with_expression)


def test_the_background_is_on_record(data, tmp_path):
    made = module(data, background=str(background(tmp_path / "store")))
    assert ["street", "1", 100] in made.influences["videos"]
    catalog = read_catalog(data.catalog)
    assert not list(exposures([made.influences], "001", catalog))
    renamed = type(catalog)(
        tuple(type(video)("street", "1", video.path, video.fps, 100) for video in catalog.videos[:1]), (), "another"
    )
    assert [how for how, _ in exposures([made.influences], "street", renamed)] == ["were trained on"]


def test_a_background_of_the_held_out_subject_is_refused(data):
    with pytest.raises(UserError, match="001/a of subject 001"):
        module(data, background=str(data.flow))


def test_a_background_with_the_held_out_subjects_features_under_another_name_is_refused(data, tmp_path):
    record = FlowStore(data.flow, FlowParameters(window=10)).get("001", "a")
    store = FlowStore(tmp_path, FlowParameters(window=10))
    store.put("someone", "else", record.windows, fps=30, frames=record.frames, source=dict(record.source))
    with pytest.raises(UserError, match="holds 001/a of subject 001"):
        module(data, background=str(tmp_path))


def test_a_background_of_another_frame_rate_is_refused(data, tmp_path):
    store = FlowStore(tmp_path, FlowParameters(window=10))
    store.put(
        "street", "1", np.ones((19, 36, 10), np.float32), fps=60, frames=100, source={"kind": "planted by a test"}
    )
    with pytest.raises(UserError, match="street/1 has 60 frames per second and the Catalog 30"):
        module(data, background=str(tmp_path))


def test_windows_without_a_face_are_no_background(data, tmp_path):
    store = FlowStore(tmp_path, FlowParameters(window=10))
    flow = np.zeros((19, 36, 10), np.float32)
    store.put("street", "1", flow, fps=30, frames=100, source={"kind": "planted by a test"})
    with pytest.raises(UserError, match="no window shows a face"):
        module(data, background=str(tmp_path))
    flow[3:5] = 7
    store.put("street", "2", flow, fps=30, frames=100, source={"kind": "planted by a test"})
    found = training_windows(module(data, background=str(tmp_path), background_ratio=None))["flow"]
    assert (found == 7.0).flatten(1).all(1).sum() == 2
    assert len(found) == len(training_windows(module(data))["flow"]) + 2


def test_a_hardened_module_comes_back_from_its_checkpoint(data, tmp_path):
    made = module(data, hardening=Hardening(noise=0.5))
    path = tmp_path / "module.ckpt"
    torch.save({"datamodule_hyper_parameters": dict(made.hparams), "pytorch-lightning_version": "2.5"}, path)
    assert LosoDataModule.load_from_checkpoint(path).hardening == made.hardening


def test_an_empty_background_says_how_to_make_one(data, tmp_path):
    with pytest.raises(UserError, match=r"memodule extract CATALOG .*--window 10"):
        module(data, background=str(tmp_path / "none"))


def test_a_hardened_fold_trains_from_a_file(data, tmp_path, capsys):
    """The options are read from YAML, recorded, plain in checkpoints; other trainings are as before."""
    path = experiment(data, tmp_path, epochs=1, logger=False)
    config = yaml.safe_load(path.read_text())
    config["data"] |= {"hardening": {"noise": 0.5, "injections": 0.5, "injection_px": [1.0, 4.0]}}
    config["data"]["background"] = str(background(tmp_path / "store"))
    path.write_text(yaml.safe_dump(config))
    assert main(["loso", "--config", str(path), "--runs", str(tmp_path / "runs"), "--folds", "001"]) in (0, 1)
    (checkpoint,) = (tmp_path / "runs").glob("*/folds/*/001/model.ckpt")
    saved = torch.load(checkpoint, weights_only=True)
    assert saved["datamodule_hyper_parameters"]["hardening"]["injection_px"] == (1.0, 4.0)
    assert ["street", "1", 100] in saved["seen"][0]["videos"]


def test_misspelt_options_are_refused(data, tmp_path, capsys):
    path = experiment(data, tmp_path, epochs=1, logger=False)
    config = yaml.safe_load(path.read_text())
    config["data"] |= {"hardening": {"nose": 0.5}}
    path.write_text(yaml.safe_dump(config))
    assert main(["loso", "--config", str(path), "--runs", str(tmp_path / "runs"), "--folds", "001"]) == 2
    assert "nose" in capsys.readouterr().err


def test_evaluation_sees_features_as_they_were_measured(data):
    hard = LosoDataModule(
        str(data.catalog), str(data.flow), fold="001", window=10, hardening=Hardening(noise=5.0, motion=5.0)
    )
    hard.setup("test")
    plain = LosoDataModule(str(data.catalog), str(data.flow), fold="001", window=10)
    plain.setup("test")
    for one, other in zip(hard.test_dataloader(), plain.test_dataloader(), strict=True):
        assert torch.equal(hard.on_after_batch_transfer(dict(one), 0)["flow"], other["flow"])
