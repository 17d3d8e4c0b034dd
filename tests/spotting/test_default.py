import pytest
import yaml

from memodule.errors import UserError
from memodule.runtime.packaged import ROOT
from memodule.spotting import default
from memodule.spotting.default import default_checkpoint, demo_checkpoint_path, install_demo_checkpoint
from memodule.training.checkpoints import load_fold_model


def test_the_included_checkpoint_is_what_its_experiment_trains():
    model = load_fold_model(default_checkpoint())
    experiment = yaml.safe_load((ROOT / "experiments" / "default_spotter.yaml").read_text(encoding="utf-8"))
    assert (model.catalog, model.held_out, model.protocol.name.split()[0]) == ("default-spotter", "s01", "megc")
    assert (model.flow.window, model.flow.frame_step) == (30, 1)
    assert (model.flow.phases, model.batch_size) == (experiment["data"]["phases"], experiment["data"]["batch_size"])
    assert type(model.rule).__name__ == "Calibrated"
    assert not model.rule.uncalibrated
    assert model.rule.least == experiment["intervals"]["init_args"]["least"]
    assert default_checkpoint().stat().st_size < 3_000_000


def test_its_demo_neighbour_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.ckpt").write_bytes(b"own")
    assert install_demo_checkpoint(tmp_path / "model.ckpt") == demo_checkpoint_path()
    assert demo_checkpoint_path().read_bytes() == b"own"
    assert default_checkpoint().read_bytes() != b"own"


def test_an_incomplete_installation_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(default, "_INCLUDED", tmp_path / "absent.ckpt")
    with pytest.raises(UserError, match=r"absent.ckpt: no default checkpoint.* install memodule again"):
        default_checkpoint()


def test_a_copy_is_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for contents in (b"first", b"second"):
        (tmp_path / "model.ckpt").write_bytes(contents)
        install_demo_checkpoint(tmp_path / "model.ckpt")
        assert demo_checkpoint_path().read_bytes() == contents
