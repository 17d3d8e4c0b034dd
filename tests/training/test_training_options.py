"""Every choice of training is reachable from a config and has its effect."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import wandb
import yaml
from tiny import experiment
from torch import nn

from memodule.cli import main
from memodule.errors import UserError
from memodule.module import SpotRecognizeModule
from memodule.networks import SlowFastMamba
from memodule.training.settings import build_fold, parse_config

ABLATIONS = Path(__file__).parents[2] / "experiments" / "ablations"
GRIDS = [path for path in ABLATIONS.rglob("*.yaml") if "variants" in yaml.safe_load(path.read_text())]
DELTAS = [path for path in sorted(ABLATIONS.rglob("*.yaml")) if path.name != "generated.yaml" and path not in GRIDS]


@pytest.fixture(scope="module")
def tiny(planted, tmp_path_factory):
    """An experiment file of a tiny network on the planted data."""
    sizes = {"fast_width": 8, "slow_width": 16, "depth": 1, "groups": 1, "state": 4}
    config = {
        "model": {"network": {"class_path": "memodule.networks.SlowFastMamba", "init_args": sizes}},
        "data": {"catalog": str(planted.catalog), "flow": str(planted.flow), "window": 10},
        "trainer": {"max_epochs": 2, "accelerator": "cpu", "logger": False, "enable_checkpointing": False},
        "intervals": {"class_path": "memodule.intervals.PriorGuided"},
    }
    path = tmp_path_factory.mktemp("tiny") / "tiny.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def fold(tiny, out, *deltas, **settings):
    config = parse_config([tiny, *deltas], {name.replace("__", "."): value for name, value in settings.items()})
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "default_root_dir": str(out)}
    return build_fold(config, "002", seed=0, out=str(out), **quiet)


def trained(cli):
    cli.trainer.fit(cli.model, cli.datamodule)
    return cli


def test_the_defaults_are_the_published_values(tiny, tmp_path):
    cli = fold(tiny, tmp_path)
    loss = cli.model.loss
    assert (loss.spot_weight, loss.recog_weight, loss.normalisation) == (0.9, 0.1, "frames")
    assert {name: cli.model.hparams[name] for name in ("optimizer", "schedule", "learning_rate", "weight_decay")} == {
        "optimizer": "adam",
        "schedule": "one_cycle",
        "learning_rate": 3e-4,
        "weight_decay": 0.0,
    }
    assert cli.model.network.hparams["drop_path"] == 0.2
    assert cli.model.network.hparams["initialisation"] == "published"
    data = cli.datamodule.hparams
    assert (data["jitter"], data["neutral_factor"], cli.interval_selection.protocol.neutral) == (0.1, 6.0, "zero")


def test_every_choice_reaches_its_place(tiny, tmp_path):
    cli = fold(
        tiny,
        tmp_path,
        model__spot_weight="0.5",
        model__recog_weight="0.2",
        model__normalisation="weights",
        model__network__init_args__drop_path="0.3",
        model__network__init_args__initialisation="mamba",
        model__network__init_args__scan="torch",
        model__optimizer="adamw",
        model__weight_decay="0.01",
        model__schedule="cosine",
        protocol__neutral="drop",
        data__neutral_factor="0",
        trainer__precision="bf16-mixed",
    )
    loss, network = cli.model.loss, cli.model.network
    assert (loss.spot_weight, loss.recog_weight, loss.normalisation) == (0.5, 0.2, "weights")
    assert (network.hparams["drop_path"], network.fast[0][0].mixer.scan) == (0.3, "torch")
    assert (network.fast[0][0].mixer.dt_proj.bias < 0).all()  # steps start between .001 and .1, not at softplus(0)
    assert cli.interval_selection.protocol.neutral == "drop"
    trained(cli)
    assert loss.class_weights[4] == 0 < loss.class_weights[0]
    (optimiser,) = cli.trainer.optimizers
    assert isinstance(optimiser, torch.optim.AdamW)
    assert optimiser.defaults["weight_decay"] == 0.01
    assert isinstance(cli.trainer.lr_scheduler_configs[0].scheduler, torch.optim.lr_scheduler.CosineAnnealingLR)


def test_bf16_trains_as_float32_does(tiny, tmp_path):
    losses = {}
    for precision in ("32-true", "bf16-mixed"):
        cli = trained(fold(tiny, tmp_path, trainer__precision=precision, model__learning_rate="3e-3"))
        losses[precision] = [epoch["train/loss"] for epoch in cli.history.epochs]
        assert all(parameter.dtype == torch.float32 for parameter in cli.model.parameters())
    assert losses["bf16-mixed"] == pytest.approx(losses["32-true"], rel=0.02)
    assert losses["bf16-mixed"] != losses["32-true"]
    assert losses["bf16-mixed"][-1] < losses["bf16-mixed"][0]


def test_bf16_gradients_can_be_clipped(tiny, tmp_path):
    """The fused optimiser cannot be clipped under mixed precision."""
    cli = fold(
        tiny, tmp_path, ABLATIONS / "training" / "gradient_clipping.yaml", trainer__gradient_clip_val="0.001",
        trainer__precision="bf16-mixed",
    )  # fmt: skip
    norms = []
    cli.model.on_before_zero_grad = lambda *_: norms.append(
        torch.stack([p.grad.norm() for p in cli.model.parameters() if p.grad is not None] or [torch.zeros(())]).norm()
    )
    trained(cli)
    assert max(norms).item() == pytest.approx(0.001, rel=1e-2)


@pytest.fixture(scope="module")
def usual(tiny, tmp_path_factory):
    """A fold that was trained with nothing changed."""
    return trained(fold(tiny, tmp_path_factory.mktemp("usual")))


@pytest.mark.parametrize("delta", DELTAS, ids=lambda path: path.stem)
def test_every_ablation_of_training_changes_the_weights(delta, usual, tiny, tmp_path):
    other = trained(fold(tiny, tmp_path, delta))
    pairs = list(zip(usual.model.parameters(), other.model.parameters(), strict=True))
    assert all(parameter.isfinite().all() for parameter in other.model.parameters())
    if delta.stem == "gradient_clipping":  # these gradients are small: below the limit nothing changes
        assert other.trainer.gradient_clip_val == 1.0
        other = trained(fold(tiny, tmp_path, delta, trainer__gradient_clip_val="0.001"))
        pairs = list(zip(usual.model.parameters(), other.model.parameters(), strict=True))
    assert any(not torch.equal(ours, theirs) for ours, theirs in pairs)


@pytest.fixture
def aot_eager(monkeypatch):
    """What Lightning and the module compile, with the graphs of torch.compile but without its C++ code."""
    compiled, compile = [], torch.compile
    monkeypatch.setattr(
        torch,
        "compile",
        lambda model, **more: compiled.append(model) or compile(model, **{**more, "backend": "aot_eager"}),
    )
    return compiled


def assert_trained_as(usual, cli, path):
    """The losses are those of the plain network, and the checkpoint is one like any other."""
    ours, theirs = (run.history.epochs[0]["train/loss"] for run in (cli, usual))  # later ones drew other numbers
    assert ours == pytest.approx(theirs, rel=1e-4)
    cli.trainer.save_checkpoint(path, weights_only=True)
    again = SpotRecognizeModule.load_from_checkpoint(path, weights_only=True)
    assert all(torch.equal(value, cli.model.state_dict()[name]) for name, value in again.state_dict().items())


def test_a_compiled_network_trains_as_the_plain_one(usual, tiny, tmp_path, aot_eager):
    cli = trained(fold(tiny, tmp_path, model__compile="true"))
    assert len(aot_eager) == 1
    assert_trained_as(usual, cli, tmp_path / "model.ckpt")


def test_evaluation_compiles_nothing(tiny, tmp_path, aot_eager):
    """Every video has another number of windows: each would be compiled anew."""
    cli = trained(fold(tiny, tmp_path, model__compile="true"))
    frames = torch._dynamo.utils.counters["frames"]["total"]
    assert frames
    cli.model.predict_step({"key": ("s", "v"), "offset": 0, "flow": torch.randn(7, 36, 10)}, 0)
    assert torch._dynamo.utils.counters["frames"]["total"] == frames


def test_a_whole_compiled_module_trains_too(usual, tiny, tmp_path, aot_eager):
    """Lightning compiles its steps, logging included."""
    cli = fold(tiny, tmp_path)
    cli.trainer.fit(torch.compile(cli.model), cli.datamodule)
    assert_trained_as(usual, cli, tmp_path / "model.ckpt")


def test_a_wrapped_network_is_refused(tiny, tmp_path):
    remedy = "set model.compile=true"
    with pytest.raises(UserError, match=remedy):
        SpotRecognizeModule(torch.compile(SlowFastMamba(fast_width=8, slow_width=16, depth=1)))
    cli = fold(tiny, tmp_path)
    cli.model.network = torch.compile(cli.model.network)
    with pytest.raises(UserError, match=remedy):
        trained(cli)


def test_a_missing_compiler_is_reported_before_training(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CXX", "no-such-compiler")
    argv = ["--data.fold=002", f"--trainer.default_root_dir={tmp_path}", "--model.compile=true"]
    assert main(["fit", "-q", "--config", str(tiny), *argv]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("memodule: error: model.compile: torch.compile needs a C++ compiler on a CPU, and 'no-such")


def test_jitter_scales_training_windows_and_no_others(tiny, tmp_path):
    cli = fold(tiny, tmp_path, data__jitter="0.5", trainer__max_epochs="1")
    trained_on, watched = [], []
    cli.model.on_train_batch_start = lambda batch, *_: trained_on.append(batch["flow"].clone())
    cli.model.on_validation_batch_start = lambda batch, *_: watched.append(batch["flow"].clone())
    trained(cli)
    ours, theirs = (
        torch.cat(trained_on).flatten(1),
        cli.datamodule.train_dataloader().dataset.windows["flow"].flatten(1),
    )
    similar, which = (nn.functional.normalize(ours) @ nn.functional.normalize(theirs).T).max(dim=1)
    torch.testing.assert_close(similar, torch.ones(len(ours)))
    factors = ours.norm(dim=1) / theirs[which].norm(dim=1)
    assert 0.5 <= factors.min() < 0.6
    assert 1.4 < factors.max() <= 1.5
    whole = [batch["flow"] for batch in cli.datamodule.val_dataloader()]
    assert all(torch.equal(one, other) for one, other in zip(watched, whole, strict=True))


EVERYTHING = {
    **dict.fromkeys(("noise", "noise_memory", "motion", "drift", "gain", "offset", "failures"), 0.3),
    **dict.fromkeys(("time_warp", "lost_frames", "mirror", "region_dropout", "injections", "distractors"), 0.3),
}


@pytest.mark.parametrize(("options", "same"), [({"gain": 0.0}, True), (EVERYTHING, False)], ids=["off", "everything"])
def test_hardening_is_repeatable_and_off_changes_no_bit(options, same, usual, tiny, tmp_path):
    delta = tmp_path / "hardening.yaml"
    delta.write_text(yaml.safe_dump({"data": {"hardening": options}}))
    first, second = (list(trained(fold(tiny, tmp_path, delta)).model.parameters()) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert same == all(torch.equal(one, other) for one, other in zip(first, usual.model.parameters(), strict=True))


def test_averaged_weights_are_scored(tiny, tmp_path):
    cli = fold(tiny, tmp_path, ABLATIONS / "training" / "weight_averaging.yaml")
    steps = []
    cli.model.on_train_batch_end = lambda *_: steps.append(cli.model.network.spot_head.weight.detach().clone())
    trained(cli)
    scored = cli.model.network.spot_head.weight
    assert not torch.equal(scored, steps[-1])
    assert (scored - steps[-1]).abs().max() < (steps[0] - steps[-1]).abs().max() + 1e-6


@pytest.mark.parametrize("where", ["environment", "config"])
def test_a_scan_can_be_forced_and_the_log_says_which_is_used(where, tiny, tmp_path, capsys, monkeypatch):
    from memodule.networks import selective_scan

    selective_scan._log_once.cache_clear()
    argv = ["fit", "--config", str(tiny), "--data.fold=002", f"--trainer.default_root_dir={tmp_path}"]
    argv += ["--trainer.fast_dev_run=true", "--trainer.enable_progress_bar=false"]
    if where == "environment":
        monkeypatch.setenv("MEMODULE_SCAN", "torch")
    else:
        monkeypatch.delenv("MEMODULE_SCAN", raising=False)
        argv.append("--model.network.init_args.scan=torch")
    assert main(argv) == 0
    assert "selective scan: torch on cpu (forced)" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_train_one_model(usual, tiny, tmp_path):
    """Each process takes half of the windows in half of the steps, and one of them writes the result."""
    argv = ["fit", "--config", str(tiny), "--data.fold=002", f"--trainer.default_root_dir={tmp_path}"]
    argv += ["--trainer.devices=2", "--trainer.strategy=ddp", "--trainer.enable_progress_bar=false"]
    argv += ["--trainer.enable_checkpointing=true", f"--interval_selection.out={tmp_path}"]
    run = subprocess.run([sys.executable, "-m", "memodule", *argv], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    assert "`Trainer.fit` stopped" in run.stderr
    for unwanted in ("Tip:", "litlogger", "litmodels", "LeafSpec"):  # advertisements, and talk about code of libraries
        assert unwanted not in run.stderr
    (checkpoint,) = tmp_path.rglob("*.ckpt")
    saved = torch.load(checkpoint, weights_only=True)
    assert saved["memodule"]["held_out"] == "002"
    assert saved["epoch"] == 1
    assert all(value.isfinite().all() for value in saved["state_dict"].values())
    windows = len(usual.datamodule.train_dataloader().dataset)
    assert saved["global_step"] == 2 * math.ceil(math.ceil(windows / 2) / 32)
    assert (tmp_path / "val" / "curves.npz").is_file()


@pytest.mark.parametrize("command", ["fit", "validate", "test", "predict"])
def test_a_mistake_about_the_data_is_reported_before_the_logger_starts(command, planted, tmp_path, monkeypatch, capsys):
    config = experiment(planted, tmp_path, epochs=1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wandb, "init", lambda **_: pytest.fail("a run was started"))
    assert main([command, "--quiet", "--config", str(config), "--data.fold=absent"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("memodule: error: data.fold: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.yaml"]


def test_quiet_stops_what_lightning_shows(tiny, tmp_path, capsys):
    argv = ["fit", "--config", str(tiny), "--data.fold=002", f"--trainer.default_root_dir={tmp_path}"]
    assert main([*argv, "-q"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")
    assert main(argv) == 0
    assert "Epoch 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("setting", "reported"),
    [
        ("--trainer.max_epochs=-1", "model.schedule: one_cycle needs an end of training"),
        ("--model.learning_rate=-1", "model.learning_rate: -1.0; use a finite number above 0"),
        ("--model.weight_decay=-1", "model.weight_decay: -1.0; use a finite number from 0"),
        ("--intervals=nothing.yaml", "intervals: None"),
    ],
)
def test_impossible_settings_are_reported_in_one_line(setting, reported, tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nothing.yaml").write_text("")
    assert main(["fit", "-q", "--config", str(tiny), "--data.fold=002", setting]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"memodule: error: {reported}")


def test_a_constant_rate_needs_no_end(tiny, tmp_path):
    argv = ["--trainer.max_epochs=-1", "--trainer.max_time=00:00:00:01", "--model.schedule=constant"]
    place = ["--data.fold=002", f"--trainer.default_root_dir={tmp_path}"]
    assert main(["fit", "-q", "--config", str(tiny), *place, *argv]) == 0


@pytest.mark.parametrize(("rule", "warned"), [("SemiMarkov", True), ("PriorGuided", False)])
def test_one_fold_alone_says_that_it_does_not_calibrate(rule, warned, tiny, tmp_path, capsys):
    argv = ["--data.fold=002", f"--intervals=memodule.intervals.{rule}", "--trainer.fast_dev_run=1"]
    assert main(["validate", "--config", str(tiny), *argv, f"--trainer.default_root_dir={tmp_path}"]) == 0
    assert ("UNCALIBRATED: SemiMarkov" in capsys.readouterr().err) is warned
