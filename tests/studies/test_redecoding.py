import json
from pathlib import Path

import pytest
import yaml
from tiny import experiment

from memodule.cli import main
from memodule.errors import UserError
from memodule.intervals import FixedWindow, build_rule
from memodule.studies.plan import plan_study
from memodule.studies.redecoding import check_curves
from memodule.studies.study import Study

FIXED = {"class_path": "memodule.intervals.FixedWindow"}


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
        result = study.fold(subject, 0).result
        rest = {name: result[name] for name in ("subject", "seed", "provenance", "class_weights", "rule")}
        texts += [json.dumps(rest), (study.fold(subject, 0).folder / "test" / "intervals.csv").read_text()]
    return [*texts, (study.folder / "results.json").read_text(), (study.folder / "predictions.csv").read_text()]


@pytest.fixture(scope="module")
def trained(planted, tmp_path_factory):
    """A finished study under PriorGuided, its experiment file, and the file of the other rule."""
    folder = tmp_path_factory.mktemp("trained")
    config = experiment(planted, folder, epochs=8, logger=False)
    assert loso("--config", config, "--runs", folder / "runs", "--no-checkpoints") == 0
    (run,) = (folder / "runs").iterdir()
    return Study.open(run), config, rule_file(folder, FIXED)


@pytest.mark.slow
def test_decoded_again_is_what_training_with_the_rule_gives(trained, tmp_path):
    study, config, fixed = trained
    both = ["--config", config, "--config", fixed]
    assert loso(*both, "--runs", tmp_path / "trained", "--no-checkpoints") == 0
    assert loso(*both, "--runs", tmp_path / "decoded", "--curves", study.folder) == 0
    (expected,) = (tmp_path / "trained").iterdir()
    (again,) = (tmp_path / "decoded").iterdir()
    assert again.name == expected.name
    assert contents(Study.open(again)) == contents(Study.open(expected))
    assert contents(Study.open(again)) != contents(study)  # the rule does matter


@pytest.mark.slow
def test_the_prior_is_fitted_on_the_folds_training_subjects(trained, tmp_path):
    study, config, fixed = trained
    words = ["--config", config, "--config", fixed, "--runs", tmp_path, "--curves", study.folder]
    assert loso(*words) == 0
    again = Study.open(next(tmp_path.iterdir()))
    for subject in study.subjects:
        others = [e for e in study.catalog.expressions if e.subject != subject]
        fitted = build_rule(again.fold(subject, 0).result["rule"], "result.json")
        assert fitted.timing == FixedWindow().fit(others, fps=30).timing


@pytest.mark.slow
def test_an_unfinished_study_is_refused(trained, tmp_path, capsys):
    _, config, fixed = trained
    assert loso("--config", config, "--runs", tmp_path, "--folds", "001", "--no-checkpoints") == 0
    (partial,) = tmp_path.iterdir()
    again = ["--config", config, "--config", fixed, "--runs", tmp_path / "decoded", "--curves", partial]
    assert loso(*again) == 2
    assert "fold 002 (seed 0) is not finished there" in capsys.readouterr().err
    assert not (tmp_path / "decoded").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reported"),
    [
        ({"protocol": {"stitching": "tail"}}, "protocol.stitching=mean, not tail"),
        ({"trainer": {"max_epochs": 5, "enable_checkpointing": False, "logger": False}}, "trainer.max_epochs=8, not 5"),
    ],
)
def test_another_training_is_refused(trained, planted, tmp_path, change, reported):
    study, *_ = trained
    plan = plan_study(
        [experiment(planted, tmp_path, epochs=8, logger=False, **change)], runs=tmp_path, curves=study.folder
    )
    with pytest.raises(UserError, match=reported):
        check_curves(plan)


@pytest.mark.slow
def test_scoring_may_differ(trained, planted, tmp_path):
    study, *_ = trained
    strict = experiment(planted, tmp_path, epochs=8, logger=False, protocol={"iou": 0.9})
    assert loso("--config", strict, "--runs", tmp_path / "runs", "--curves", study.folder) == 0
    scored = json.loads((next((tmp_path / "runs").iterdir()) / "results.json").read_text())
    usual = json.loads((study.folder / "results.json").read_text())
    assert scored["spotting"]["tp"] < usual["spotting"]["tp"]


@pytest.mark.slow
def test_epochs_chosen_by_the_rules_own_scores_are_refused(planted, tmp_path):
    chooser = {"class_path": "lightning.pytorch.callbacks.ModelCheckpoint", "init_args": {"monitor": "val/strs"}}
    trainer = {"max_epochs": 8, "enable_checkpointing": True, "logger": False, "callbacks": [chooser]}
    inner = {"catalog": str(planted.catalog), "flow": str(planted.flow), "window": 10, "inner_validation_subjects": 1}
    chosen = experiment(planted, tmp_path, epochs=8, logger=False, trainer=trainer, data=inner)
    runs = tmp_path / "runs"
    assert loso("--config", chosen, "--runs", runs, "--no-checkpoints") == 0
    (folder,) = runs.iterdir()
    fixed = rule_file(tmp_path, FIXED)
    plan = plan_study([chosen, fixed], runs=tmp_path, curves=folder)
    with pytest.raises(UserError, match="val/strs"):
        check_curves(plan)


@pytest.mark.slow
def test_without_an_experiment_the_config_of_the_study_counts(trained, planted, tmp_path):
    study, config, fixed = trained
    words = ["--curves", study.folder, "--set", "intervals=fixed_window"]
    named = ["--config", config, "--config", fixed, "--name", "tiny", "--runs", tmp_path / "named"]
    assert loso(*named, *words[:2]) == 0
    (expected,) = (tmp_path / "named").iterdir()
    hidden = planted.flow.rename(planted.flow.with_name("elsewhere"))  # neither features nor labels are looked for
    try:
        assert loso("--runs", tmp_path / "own", *words) == 0
    finally:
        hidden.rename(planted.flow)
    (again,) = (tmp_path / "own").iterdir()
    assert again.name == expected.name
    assert contents(Study.open(again)) == contents(Study.open(expected))
