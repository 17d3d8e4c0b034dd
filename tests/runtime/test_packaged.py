"""Included configs and experiments are found by name, from any folder; the user's files come first."""

from pathlib import Path

import pytest

from memodule.cli import main
from memodule.errors import UserError
from memodule.runtime.packaged import packaged_file, packaged_names, packaged_setting, with_packaged_files
from memodule.studies.ablation.rule_files import read_rule
from memodule.training.settings import parse_config

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("given", "folder", "file"),
    [
        ("demo", "experiments", "experiments/demo.yaml"),
        ("demo.yaml", "experiments", "experiments/demo.yaml"),
        ("experiments/demo.yaml", "experiments", "experiments/demo.yaml"),
        ("baselines/fixed_window", "experiments", "experiments/baselines/fixed_window.yaml"),
        ("fixed_window", "experiments", "experiments/baselines/fixed_window.yaml"),
        ("samm_lv", "configs/datasets", "configs/datasets/samm_lv.yaml"),
        ("interval_priors", "experiments/ablations", "experiments/ablations/interval_priors.yaml"),
    ],
)
def test_an_included_file_has_a_name_in_any_folder(given, folder, file):
    assert packaged_file(given, folder) == ROOT / file


def test_a_file_of_the_users_comes_first():
    Path("demo").write_text("seed_everything: 1\n")
    assert packaged_file("demo", "experiments") == Path("demo")


def test_a_folder_hides_no_included_file():
    Path("demo").mkdir()
    assert packaged_file("demo", "experiments") == ROOT / "experiments" / "demo.yaml"


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(UserError, match=r"--config dmeo: .*did you mean demo\?.*baselines/metst") as told:
        packaged_file("dmeo", "experiments", "--config")
    assert all(name in str(told.value) for name in packaged_names("experiments"))


def test_settings_name_files_of_their_section():
    assert packaged_setting("intervals", "fixed_window") == str(ROOT / "configs/intervals/fixed_window.yaml")
    assert packaged_setting("trainer.logger", "wandb") == str(ROOT / "configs/logger/wandb.yaml")
    for key, value in (("trainer.logger", "false"), ("intervals", "FixedWindow"), ("data.catalog", "demo")):
        assert packaged_setting(key, value) == value
    with pytest.raises(UserError, match=r"model.*slowfats.*slowfast"):
        packaged_setting("model", "slowfats")


def test_the_arguments_of_fit_name_them_too():
    given = ["--config", "demo", "--config=baselines/metst", "--intervals", "rise_fall", "--data.fold", "demo", "-q"]
    assert with_packaged_files(given) == [
        *("--config", str(ROOT / "experiments/demo.yaml")),
        f"--config={ROOT / 'experiments/baselines/metst.yaml'}",
        *("--intervals", str(ROOT / "configs/intervals/rise_fall.yaml")),
        *("--data.fold", "demo", "-q"),
    ]


def test_a_study_is_planned_by_names_alone():
    by_name = parse_config([Path("demo")], {"intervals": "fixed_window"})
    by_file = parse_config(
        [ROOT / "experiments" / "demo.yaml"], {"intervals": str(ROOT / "configs/intervals/fixed_window.yaml")}
    )
    assert by_name == by_file


@pytest.mark.parametrize("written", ["rise_fall", "configs/intervals/rise_fall.yaml"])
def test_rules_have_the_names_of_their_files_too(written):
    rule = read_rule(written, Path(), "--rule")
    assert rule["class_path"].endswith("RiseFall")
    assert rule["init_args"]


def test_copies_for_editing_work_unchanged(capsys):
    assert main(["init", "mine"]) == 0
    experiment = Path("mine/experiments/demo.yaml")
    assert str(experiment) in capsys.readouterr().out
    assert parse_config([experiment], {}) == parse_config([Path("demo")], {})
    (Path("mine/configs/trainer/demo.yaml")).write_text("max_epochs: 3\n")
    assert parse_config([experiment], {})["trainer"]["max_epochs"] == 3
    copies = {path.relative_to("mine") for path in Path("mine").rglob("*.*")}
    originals = {
        path.relative_to(ROOT)
        for folder in ("configs", "experiments")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".yaml", ".sh")
    }
    assert copies == originals


def test_init_overwrites_nothing(capsys):
    kept = Path("mine/configs")
    kept.mkdir(parents=True)
    assert main(["init", "mine"]) == 2
    assert str(kept) in capsys.readouterr().err
    assert list(Path("mine").rglob("*")) == [kept]
