"""Every config and experiment file is read, resolved and run for one batch."""

from pathlib import Path

import pytest
import yaml

from memodule.cli import main
from memodule.training.settings import parse_config
from tests.conftest import plant

ROOT = Path(__file__).parents[1]
SECTIONS = {"seed_everything", "trainer", "model", "data", "intervals", "protocol"}
SMALL = f"{ROOT}/configs/model/slowfast_small.yaml"


def contents(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def names(paths) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in paths)


EXPERIMENTS = [path for path in (ROOT / "experiments").rglob("*.yaml") if contents(path).keys() <= SECTIONS]
WHOLE = names(path for path in EXPERIMENTS if {"model", "data"} <= contents(path).keys())
DELTAS = names(path for path in EXPERIMENTS if str(path.relative_to(ROOT)) not in WHOLE)
HARDENING = "experiments/ablations/training/hardening.yaml"  # which the demo has already


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Planted data for any window and frame step that an experiment uses."""
    return {
        window: plant(tmp_path_factory.mktemp(f"window{window}"), videos=1, frames=240, window=window)
        for window in (30, 50)
    }


def run_one_batch(subcommand: str, arguments: list[str], data, tmp_path: Path) -> int:
    config = parse_config([Path(argument) for argument in arguments if argument.endswith(".yaml")], {})
    planted = data[config["data"]["window"]]
    return main(
        [
            subcommand,
            *(part for argument in arguments for part in ("--config", argument)),
            *(f"--data.catalog={planted.catalog}", f"--data.flow={planted.flow}", "--data.fold=001"),
            *("--data.frame_step=1", "--data.motion_compensation=corrected", "--data.phases=1"),
            "--data.inner_validation_subjects=0",  # there are two other subjects
            *("--trainer.fast_dev_run=1", "--trainer.logger=false", f"--trainer.default_root_dir={tmp_path}"),
            *("--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"),
        ]
    )


def test_the_experiments_that_the_readme_names_are_there():
    assert {"experiments/demo.yaml", "experiments/samm_lv.yaml", "experiments/casme3.yaml"} <= set(WHOLE)
    assert "experiments/baselines/fixed_window.yaml" in DELTAS


@pytest.fixture
def small(tmp_path) -> str:
    """A delta with a small network: the full-size one takes the time of all other tests together."""
    path = tmp_path / "small.yaml"
    path.write_text(f"model:\n  network:\n{_indented(contents(Path(SMALL))['network'])}")
    return str(path)


@pytest.mark.parametrize("experiment", WHOLE)
def test_every_experiment_trains_a_batch(experiment, data, small, tmp_path):
    assert run_one_batch("fit", [str(ROOT / experiment), small], data, tmp_path) == 0


def _indented(value: dict) -> str:
    return "".join(f"    {line}\n" for line in yaml.safe_dump(value).splitlines())


@pytest.mark.parametrize("delta", DELTAS)
def test_every_delta_changes_an_experiment_and_trains_a_batch(delta, data, small, tmp_path):
    base = ROOT / "experiments" / ("samm_lv.yaml" if delta == HARDENING else "demo.yaml")
    assert parse_config([base, ROOT / delta], {}) != parse_config([base], {})
    own = [small] if delta == HARDENING else []
    assert run_one_batch("fit", [str(base), *own, str(ROOT / delta)], data, tmp_path) == 0


def test_the_hardening_to_start_from_is_that_of_the_demo():
    demo, samm = (parse_config([ROOT / "experiments" / f"{name}.yaml"], {}) for name in ("demo", "samm_lv"))
    hardened = parse_config([ROOT / "experiments" / "samm_lv.yaml", ROOT / HARDENING], {})
    assert hardened["data"]["hardening"] == demo["data"]["hardening"]
    assert samm["data"]["hardening"] is None


@pytest.mark.parametrize("part", ["model", "intervals", "protocol", "trainer", "data", "logger"])
def test_every_part_fits_into_an_experiment(part):
    found = sorted((ROOT / "configs" / part).glob("*.yaml"))
    assert found
    for path in found:
        key = "trainer.logger" if part == "logger" else part
        resolved = parse_config([ROOT / "experiments" / "demo.yaml"], {key: str(path)})
        section = resolved["trainer"]["logger"] if part == "logger" else resolved[part]
        assert_holds(section, contents(path), path)


def assert_holds(resolved, wanted, path: Path) -> None:
    """Every value of the file has arrived; there may be defaults too."""
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            assert_holds(resolved[name], value, path)
    elif isinstance(wanted, list):
        assert len(resolved) == len(wanted), path
        for one, other in zip(resolved, wanted, strict=True):
            assert_holds(one, other, path)
    elif not str(wanted).endswith(".yaml"):  # a further file
        assert resolved == wanted, path


def test_the_published_settings_are_those_of_the_paper():
    samm, casme = (parse_config([ROOT / "experiments" / f"{name}.yaml"], {}) for name in ("samm_lv", "casme3"))
    for config, window, step, batch, ratio in ((samm, 30, 7, 32, 0.5), (casme, 50, 1, 256, 4)):
        data = config["data"]
        assert (data["window"], data["frame_step"], data["batch_size"]) == (window, step, batch)
        assert (data["negative_ratio"], data["neutral_factor"], data["jitter"]) == (ratio, 6, 0.1)
        assert config["trainer"]["max_epochs"] == 50
        model = config["model"]
        assert (model["learning_rate"], model["schedule"], model["optimizer"]) == (3e-4, "one_cycle", "adam")
        assert (model["spot_weight"], model["recog_weight"]) == (0.9, 0.1)
        network = model["network"]["init_args"]
        assert (network["fast_width"], network["slow_width"], network["depth"], network["state"]) == (128, 256, 4, 64)


@pytest.mark.parametrize("subcommand", ["fit", "validate", "test", "predict"])
def test_lightning_subcommands_take_the_same_experiment(subcommand, data, tmp_path):
    assert run_one_batch(subcommand, [str(ROOT / "experiments" / "demo.yaml")], data, tmp_path) == 0
