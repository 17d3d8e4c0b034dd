import math

import pytest
import torch
from lightning.pytorch import Trainer
from torch import nn

import memodule.module
from memodule.callbacks import History
from memodule.data import LosoDataModule
from memodule.errors import UserError
from memodule.module import SpotRecognizeModule
from memodule.networks import METST, SlowFastMamba

TINY = {"fast_width": 8, "slow_width": 16, "depth": 1, "groups": 1, "state": 4}


def trainer(tmp_path, **options) -> Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    options = {"enable_checkpointing": False, "max_epochs": 2, "num_sanity_val_steps": 0, **options}
    return Trainer(default_root_dir=tmp_path, **quiet, **options)


def data(planted, **options) -> LosoDataModule:
    return LosoDataModule(str(planted.catalog), str(planted.flow), fold="002", window=10, **options)


@pytest.mark.filterwarnings("ignore")
def test_training_lowers_both_losses(planted, tmp_path):
    torch.manual_seed(0)
    module = SpotRecognizeModule(SlowFastMamba(**TINY), learning_rate=5e-3)
    history = History()
    run = trainer(tmp_path, max_epochs=12, callbacks=[history])
    run.fit(module, data(planted))
    losses = history.epochs
    for name in ("train/loss", "train/loss_spot", "train/loss_recog"):
        assert losses[-1][name] < 0.8 * losses[0][name]
    assert losses[-1]["train/loss"] == pytest.approx(
        0.9 * losses[-1]["train/loss_spot"] + 0.1 * losses[-1]["train/loss_recog"], rel=1e-5
    )


@pytest.mark.filterwarnings("ignore")
def test_the_class_weights_of_the_fold_reach_the_loss_and_the_checkpoint(planted, tmp_path):
    module, fold = SpotRecognizeModule(SlowFastMamba(**TINY)), data(planted)
    run = trainer(tmp_path, max_epochs=1)
    run.fit(module, fold)
    torch.testing.assert_close(module.loss.class_weights, fold.class_weights)
    run.save_checkpoint(tmp_path / "model.ckpt")
    again = SpotRecognizeModule.load_from_checkpoint(tmp_path / "model.ckpt")
    torch.testing.assert_close(again.loss.class_weights, fold.class_weights)


@pytest.mark.filterwarnings("ignore")
def test_training_keeps_freed_memory_and_prediction_does_not_ask(planted, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(memodule.module, "keep_freed_memory", lambda: asked.append(True))
    module, fold, run = SpotRecognizeModule(SlowFastMamba(**TINY)), data(planted), trainer(tmp_path, max_epochs=1)
    run.predict(module, fold)
    assert not asked
    run.fit(module, fold)
    assert asked


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", lambda step, steps: 1.0),
        ("cosine", lambda step, steps: (1 + math.cos(math.pi * step / steps)) / 2),
        ("one_cycle", None),
    ],
)
def test_schedules_step_per_batch(planted, tmp_path, schedule, expected):
    module = SpotRecognizeModule(SlowFastMamba(**TINY), learning_rate=1e-3, schedule=schedule)
    seen = []
    module.on_train_batch_start = lambda *_: seen.append(module.optimizers().param_groups[0]["lr"])
    run = trainer(tmp_path, max_epochs=4)
    run.fit(module, data(planted))
    steps = len(seen)
    assert steps == run.global_step > 4
    if expected is not None:
        assert seen == pytest.approx([1e-3 * expected(step, steps) for step in range(steps)])
    else:  # the published one-cycle: up from 1/25, over the top once, down to next to nothing
        assert seen[0] == pytest.approx(1e-3 / 25)
        assert max(seen) > 0.9e-3
        assert seen[-1] < 0.1e-3
        assert (torch.tensor(seen).diff().sign().diff() != 0).sum() == 1


@pytest.mark.parametrize(
    "network", [SlowFastMamba(**TINY), METST(width=8, depth=2, state=4)], ids=["slowfast", "metst"]
)
def test_a_checkpoint_rebuilds_network_and_weights_from_plain_values(network, tmp_path):
    module = SpotRecognizeModule(network, spot_weight=0.7, learning_rate=1e-2)
    run = trainer(tmp_path)
    run.strategy.connect(module)
    run.save_checkpoint(tmp_path / "model.ckpt")
    again = SpotRecognizeModule.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    assert again.hparams == module.hparams
    flow = torch.randn(3, network.channels, 10)
    for ours, theirs in zip(again.eval()(flow), module.eval()(flow), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_passes_bound_memory_and_change_nothing():
    torch.manual_seed(0)
    module = SpotRecognizeModule(SlowFastMamba(**TINY)).eval()
    batch = {"key": ("s", "v"), "offset": 0, "flow": torch.randn(11, 36, 10)}
    whole = module.predict_step(batch, 0)
    module.hparams["windows_per_pass"] = 4
    parts = module.predict_step(batch, 0)
    for name in ("spot", "logits"):
        torch.testing.assert_close(parts[name], whole[name], rtol=1e-5, atol=1e-6)


def test_a_video_without_a_window_gives_an_empty_score():
    module = SpotRecognizeModule(SlowFastMamba(**TINY)).eval()
    scores = module.predict_step({"key": ("s", "v"), "offset": 0, "flow": torch.empty(0, 36, 10)}, 0)
    assert scores["spot"].shape == (0, 10)
    assert scores["logits"].shape == (0, 10, 5)


def test_foreign_networks_are_refused():
    with pytest.raises(UserError, match=r"checkpoint: os.path .*Module"):
        SpotRecognizeModule({"class_path": "os.path", "init_args": {}})
    with pytest.raises(UserError, match=r"Linear keeps no constructor arguments in `hparams`"):
        SpotRecognizeModule(nn.Linear(1, 1))
