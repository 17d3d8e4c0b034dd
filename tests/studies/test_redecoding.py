import json
from pathlib import Path

import pytest
import yaml

from memodule.cli import main
from memodule.errors import UserError
from memodule.intervals import FixedWindow
from memodule.studies.plan import plan_study
from memodule.studies.redecoding import fitted_rule, take_curves
from memodule.studies.study import Study

FIXED = {"class_path": "memodule.intervals.FixedWindow"}


def experiment(planted, folder: Path, **changes) -> Path:
    config = {
        "model": {
            "network": {
                "class_path": "memodule.networks.SlowFastMamba",
                "init_args": {"fast_width": 8, "slow_width": 16, "depth": 1, "groups": 1, "state": 4},
            },
            "learning_rate": 0.01,
        },
        "data": {"catalog": str(planted.catalog), "flow": str(planted.flow), "window": 10},
        "trainer": {"max_epochs": 4, "enable_checkpointing": False, "logger": False},
        "intervals": {"class_path": "memodule.intervals.PriorGuided"},
        **changes,
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def rule_file(folder: Path, rule: dict) -> Path:
    path = folder / f"{rule['class_path'].rpartition('.')[2]}.yaml"
    path.write_text(yaml.safe_dump({"intervals": rule}))
    return path


def loso(*words) -> int:
    return main(["loso", "--quiet", *map(str, words)])


def contents(study: Study) -> list[str]:
    """All result files, without the times that no two runs share."""
    texts = []
    for subject in study.subjects:
        result = study.fold_result(subject, 0)
        rest = {name: result[name] for name in ("subject", "seed", "provenance", "class_weights", "rule")}
        texts += [json.dumps(rest), (study.fold(subject, 0) / "test" / "intervals.csv").read_text()]
    return [*texts, (study.folder / "results.json").read_text(), (study.folder / "predictions.csv").read_text()]


@pytest.fixture(scope="module")
def trained(planted, tmp_path_factory):
    """A finished study under PriorGuided, its experiment file, and the file of the other rule."""
    folder = tmp_path_factory.mktemp("trained")
    config = experiment(planted, folder)
    assert loso("--config", config, "--runs", folder / "runs", "--no-checkpoints") == 0
    (run,) = (folder / "runs").iterdir()
    return Study.open(run), config, rule_file(folder, FIXED)


@pytest.mark.slow
def test_decoded_again_is_what_training_with_the_rule_gives(trained, tmp_path):
    study, config, fixed = trained
    both = ["--config", config, "--config", fixed]
    assert loso(*both, "--runs", tmp_path / "trained", "--no-checkpoints") == 0
    assert loso(*both, "--runs", tmp_path / "decoded", "--curves-of", study.folder) == 0
    (expected,) = (tmp_path / "trained").iterdir()
    (again,) = (tmp_path / "decoded").iterdir()
    assert again.name == expected.name
    assert contents(Study.open(again)) == contents(Study.open(expected))
    assert contents(Study.open(again)) != contents(study)  # the rule does matter


@pytest.mark.slow
def test_the_prior_is_fitted_on_the_folds_training_subjects(trained):
    study, *_ = trained
    for subject in study.subjects:
        others = [e for e in study.catalog.expressions if e.subject != subject]
        expected = FixedWindow().fit(others, fps=30)
        assert fitted_rule(study, subject, 0, FixedWindow()).timing == expected.timing


@pytest.mark.slow
def test_folds_that_are_not_trained_stay_unfinished(trained, planted, tmp_path):
    _, config, fixed = trained
    assert loso("--config", config, "--runs", tmp_path, "--folds", "001", "--no-checkpoints") == 0
    (partial,) = tmp_path.iterdir()
    plan = plan_study([config, fixed], runs=tmp_path / "decoded")
    again = take_curves(Study.open(partial), plan)
    assert again.finished(0) == ("001",)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed_everything": 1, "protocol": {"iou": 0.4}}, "protocol"),
        ({"trainer": {"max_epochs": 5, "enable_checkpointing": False, "logger": False}}, "trainer"),
    ],
)
def test_another_experiment_is_refused(trained, planted, tmp_path, change, told):
    study, *_ = trained
    plan = plan_study([experiment(planted, tmp_path, **change)], runs=tmp_path)
    with pytest.raises(UserError, match=rf"differs in the sections .*{told}.*memodule loso"):
        take_curves(study, plan)
    assert not plan.folder.exists()


@pytest.mark.slow
def test_epochs_chosen_by_the_rules_own_scores_are_refused(trained, planted, tmp_path):
    study, *_ = trained
    chooser = {"class_path": "lightning.pytorch.callbacks.ModelCheckpoint", "init_args": {"monitor": "val/strs"}}
    config = {**study.config, "trainer": {**study.config["trainer"], "callbacks": [chooser]}}
    chosen = Study(study.folder, study.description, config)
    plan = plan_study([experiment(planted, tmp_path)], runs=tmp_path)
    plan.config["trainer"]["callbacks"] = [chooser]
    with pytest.raises(UserError, match="chosen by scores of its own rule"):
        take_curves(chosen, plan)
