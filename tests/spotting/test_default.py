import pytest

from memodule.errors import UserError
from memodule.spotting import default
from memodule.spotting.default import (
    default_checkpoint_path,
    find_default_checkpoint,
    install_default_checkpoint,
    require_default_checkpoint,
)
from memodule.training.checkpoints import load_fold_model


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A working directory and a data folder without a checkpoint."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path


def test_the_included_checkpoint_is_that_of_the_demo(nowhere):
    model = load_fold_model(require_default_checkpoint())
    assert (model.catalog, model.held_out, model.protocol.name.split()[0]) == ("demo", "s01", "megc")
    assert type(model.rule).__name__ == "Calibrated"
    assert require_default_checkpoint().stat().st_size < 1_000_000


def test_without_a_default_checkpoint_one_line_says_how_to_make_it(nowhere, monkeypatch):
    monkeypatch.setattr(default, "_INCLUDED", nowhere / "absent.ckpt")
    assert find_default_checkpoint() is None
    with pytest.raises(UserError, match=r"`memodule demo` .* --checkpoint"):
        require_default_checkpoint()


def test_an_installed_checkpoint_is_found_and_replaced(nowhere):
    for contents in (b"first", b"second"):
        (nowhere / "model.ckpt").write_bytes(contents)
        assert install_default_checkpoint(nowhere / "model.ckpt") == default_checkpoint_path()
        assert require_default_checkpoint().read_bytes() == contents


def test_the_working_directory_comes_before_the_users_data_folder(nowhere):
    shared = nowhere / "share" / "memodule" / "demo.ckpt"
    shared.parent.mkdir(parents=True)
    shared.write_bytes(b"shared")
    assert require_default_checkpoint() == shared
    (nowhere / "model.ckpt").write_bytes(b"own")
    install_default_checkpoint(nowhere / "model.ckpt")
    assert require_default_checkpoint().read_bytes() == b"own"
