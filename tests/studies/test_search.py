"""`memodule search`: spaces, what is refused, trials, records and the nested choice."""

import json
import sys
from pathlib import Path

import optuna
import pytest
from filelock import FileLock
from searches import space_file, words
from tiny import experiment

from memodule import console
from memodule.cli import main
from memodule.commands.search_outcome import search_text
from memodule.decoding.protocol import LEAK
from memodule.errors import UserError
from memodule.report.leaderboard import leaderboard_page
from memodule.studies import work
from memodule.studies.search import leaderboard, trial
from memodule.studies.search.leaderboard import Leaderboard
from memodule.studies.search.planning import plan_search
from memodule.studies.search.records import TrialRecord, TrialRecords
from memodule.studies.search.space import Space, ends

ROOT = Path(__file__).parents[2]


def test_trials_that_differ_in_intervals_only_train_once(planted, tmp_path, monkeypatch):
    config = experiment(planted, tmp_path, inner=1, epochs=1, logger=False)
    space = space_file(tmp_path, {"intervals.init_args.threshold": [0.5, 0.6], "model.learning_rate": [0.01, 0.1]})
    orders = trial.TrialOrders(plan_search([config], space, runs=tmp_path / "runs"), 1, {})
    trained = []
    run_fold = work.run_fold
    monkeypatch.setattr(work, "run_fold", lambda job, *a, **o: trained.append(job.study) or run_fold(job, *a, **o))
    told = {}
    for threshold, rate in (("0.5", "0.01"), ("0.6", "0.01"), ("0.5", "0.1")):
        chosen = {"intervals.init_args.threshold": threshold, "model.learning_rate": rate}
        told[threshold, rate] = trial.TrialStudy(orders, chosen).run_next()
    assert trained == [told["0.5", "0.01"]["study"], told["0.5", "0.1"]["study"]]
    decoded = orders.search.trials / told["0.6", "0.01"]["study"] / "folds" / "seed0" / "001" / "result.json"
    assert json.loads(decoded.read_text())["rule"]["init_args"]["threshold"] == 0.6


def test_a_config_that_changes_meanwhile_is_refused(planted, tmp_path):
    config = experiment(planted, tmp_path, inner=1, logger=False)
    space = space_file(tmp_path, {"model.learning_rate": [0.01, 0.1]})
    orders = trial.TrialOrders(plan_search([config], space, runs=tmp_path / "runs"), 1, {})
    experiment(planted, tmp_path, inner=1, epochs=3, logger=False)
    with pytest.raises(UserError, match="changed since the search began"):
        trial.TrialStudy(orders, {"model.learning_rate": "0.1"})


def test_choosing_by_held_out_subjects_is_refused(planted, tmp_path, capsys):
    config = experiment(planted, tmp_path, inner=0)
    space = space_file(tmp_path, {"model.learning_rate": [0.01, 0.1]})
    assert main(words(config, space, tmp_path / "runs", "--quiet")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "data.inner_validation_subjects" in line
    assert "better than it is" in line
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"model.learnig_rate": [0.1, 0.2]}, "model.learnig_rate: 0.1 cannot be used"),
        ({"model.learning_rate": ["high", 0.2]}, "model.learning_rate: high cannot be used: .*float"),
        ({"trainer.max_epochs": {"uniform": [1, 2.5]}}, "trainer.max_epochs: 1.0 cannot be used: .*int"),
        ({"intervals.init_args.threshold": [0.5, 7.0]}, "threshold: 7.0 cannot be used: .*share"),
        ({"data.window": [10, 12]}, "data.window: 12 cannot be used: .*memodule extract"),
        ({"model": ["absent.yaml"]}, "absent.yaml does not exist"),
        ({"model.learning_rate": {"normal": [0, 1]}}, "model.learning_rate: write a list of values"),
        ({"model.learning_rate": {"loguniform": [0.1, 0.01]}}, "lower end above 0"),
        ({"model.learning_rate": {"uniform": ["1e-3", 0.1]}}, "two numbers.*1.0e-3"),
        ({"model.learning_rate": [0.1, 0.1]}, "twice"),
        ({"data.jitter": {"uniform": [0.0, 0.1], "when": {"model.schedule": "x"}}}, "choice of model.schedule"),
        ({"protocol.iou": [0.3, 0.5]}, "changes protocol.iou: .*cannot be compared"),
        ({"data.inner_validation_subjects": [1, 0]}, "whose score is the objective"),
        ({"data.num_workers": [0, 1]}, "data.num_workers changes no result"),
        ({}, "a space that maps config keys"),
    ],
)
def test_impossible_or_unfair_spaces_are_refused_before_anything_runs(planted, tmp_path, entries, message):
    config, space = experiment(planted, tmp_path, inner=1), space_file(tmp_path, entries)
    with pytest.raises(UserError, match=message) as told:
        plan_search([config], space, runs=tmp_path / "runs")
    assert str(told.value).startswith(str(space))
    assert "\n" not in str(told.value)
    assert not (tmp_path / "runs").exists()


def test_a_key_must_fit_every_part_that_is_swapped_above_it(planted, tmp_path):
    config = experiment(planted, tmp_path, inner=1)
    rules = [f"{ROOT}/configs/intervals/{name}.yaml" for name in ("prior_guided", "rise_fall")]
    entries = {"intervals": rules, "intervals.init_args.threshold": [0.4, 0.5]}
    with pytest.raises(UserError, match=r"threshold: 0\.4 cannot be used"):
        plan_search([config], space_file(tmp_path, entries), runs=tmp_path)
    entries["intervals.init_args.threshold"] = {"choice": [0.4, 0.5], "when": {"intervals": rules[0]}}
    search = plan_search([config], space_file(tmp_path, entries), runs=tmp_path)
    for _ in range(8):
        drawn = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=_)).ask()
        search.space(drawn)
        assert ("intervals.init_args.threshold" in drawn.params) == (drawn.params["intervals"] == rules[0])


def test_drawn_numbers_are_short_and_stay_in_their_range(tmp_path):
    entries = {"a.low": {"loguniform": [0.000123543, 0.1]}, "a": ["x"], "b": {"int": [3, 9]}, "c": [None, True, "word"]}
    space = Space.read(space_file(tmp_path, entries))
    settings = space.settings({"a.low": 0.000123543, "a": "x", "b": 7, "c": "null"})
    assert list(settings) == ["a", "b", "c", "a.low"]  # whole parts come before keys in them
    assert settings == {"a": "x", "b": "7", "c": "null", "a.low": "0.000123543"}
    assert space.settings({"a.low": 0.0123456789})["a.low"] == "0.01235"
    assert [ends(parameter) for parameter in space.parameters][2:] == [("3", "9"), ("null", "true", "word")]


def test_the_space_that_comes_along_fits_the_demo(planting, tmp_path):
    data = planting(tmp_path, videos=1, window=30)
    changes = {"data.catalog": str(data.catalog), "data.flow": str(data.flow), "data.inner_validation_subjects": "1"}
    space = ROOT / "experiments" / "sweeps" / "space.yaml"
    search = plan_search([ROOT / "experiments" / "demo.yaml"], space, changes, runs=tmp_path)
    assert {"model.learning_rate", "intervals", "intervals.init_args.least"} <= {
        parameter.name for parameter in search.space.parameters
    }


def test_the_nested_estimate_is_exact_only_where_no_score_chose_the_candidates(planted, tmp_path):
    config = experiment(planted, tmp_path, inner=1)
    space = space_file(tmp_path, {"model.learning_rate": [0.01, 0.1]})
    for sampler, grace, exact in (("random", 3, True), ("random", 2, False), ("tpe", 3, False)):
        search = plan_search([config], space, runs=tmp_path, sampler=sampler, grace=grace)
        assert leaderboard.Leaderboard(search, (), 1).exact is exact
    with pytest.raises(UserError, match="from 1 to 3"):
        plan_search([config], space, runs=tmp_path, grace=4)


def test_a_leaking_protocol_is_named_wherever_scores_stand(planted, tmp_path):
    config, space = experiment(planted, tmp_path, inner=1), space_file(tmp_path, {"model.learning_rate": [0.01, 0.1]})
    for fitted_on, told in (("all", True), ("training", False)):
        board = Leaderboard.read(plan_search([config], space, {"protocol.fitted_on": fitted_on}), 2)
        for shown in (search_text(board), leaderboard_page(board), json.dumps(board.to_dict())):
            assert (LEAK in shown) == told
        assert ("LEAK)" in leaderboard_page(board)) == told


def test_folds_that_no_trial_runs_make_a_search_partial(planted, tmp_path):
    config, space = experiment(planted, tmp_path, inner=1), space_file(tmp_path, {"model.learning_rate": [0.01, 0.1]})
    for folds, partial in ((["001", "002"], "2 of 3 folds"), (None, None)):
        board = Leaderboard.read(plan_search([config], space, folds=folds, runs=tmp_path), 2)
        assert board.to_dict()["partial"] == board.partial == partial
        for shown in (search_text(board), leaderboard_page(board)):
            assert ("PARTIAL" in shown) == (partial is not None)
            assert "2 of 3 folds" in shown or partial is None


def test_the_time_left_is_known_after_two_folds_however_long_they_take():
    clock = [0.0]
    bar = console.progress_bar(slow=True)
    bar.get_time = lambda: clock[0]
    meter = work.Meter(bar, "trial", "folds", tasks=4, length=3)
    meter.restart(1)  # of an earlier run: says nothing about the time that a fold takes
    for fold in (1, 2):
        clock[0] += 3600
        meter.step("a", fold)
    (task,) = bar.tasks
    assert (task.completed, task.total) == (3 + 2, 12)
    assert task.time_remaining == 7 * 3600
    assert "trial 2 of 4" in task.description
    clock[0] += 3600
    meter.end("a")  # stopped early
    assert task.completed == 6
    meter.step("b", 1)
    meter.restart(3)
    assert task.completed == 9


def test_whole_numbers_are_written_without_a_point(tmp_path):
    space = Space.read(space_file(tmp_path, {"trainer.max_epochs": {"int": [1, 3]}, "data.window": [10, 12]}))
    assert space.settings({"trainer.max_epochs": 2.0, "data.window": "10"}) == {
        "trainer.max_epochs": "2",
        "data.window": "10",
    }
    assert [ends(parameter) for parameter in space.parameters] == [("1", "3"), ("10", "12")]


def test_a_missing_extra_is_told(planted, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    config = experiment(planted, tmp_path, inner=1)
    space = space_file(tmp_path, {"model.learning_rate": [0.01, 0.1]})
    assert main(words(config, space, tmp_path / "runs")) == 2
    assert "optuna is not installed; run `pip install 'memodule[search]'`" in capsys.readouterr().err


def test_one_search_at_a_time_writes_a_folder(planted, tmp_path, capsys):
    config, space = experiment(planted, tmp_path, inner=1), space_file(tmp_path, {"model.learning_rate": [0.01, 0.1]})
    folder = plan_search([config], space, runs=tmp_path / "runs").folder
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"):
        assert main(words(config, space, tmp_path / "runs")) == 2
    assert "is running already" in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_another_number_of_trials_is_the_same_search_another_space_is_not(planted, tmp_path):
    config = experiment(planted, tmp_path, inner=1)
    rates = space_file(tmp_path, {"model.learning_rate": [0.01, 0.1]})
    folder = plan_search([config], rates, runs=tmp_path).folder
    assert plan_search([config], rates, runs=tmp_path, seed=1).folder != folder
    wider = space_file(tmp_path, {"model.learning_rate": [0.01, 0.2]})
    assert plan_search([config], wider, runs=tmp_path).folder != folder


def test_records_keep_their_numbers(tmp_path):
    records = TrialRecords(tmp_path)
    records.begin({"a": "1"}, {"a": 1})
    records.begin({"a": "2"}, {"a": 2})
    records.write(TrialRecord(1, {"a": "1"}, {"a": 1}, "stopped", "trial-1", times=1))
    again = records.begin({"a": "1"}, {"a": 1})
    assert (again.number, again.state, again.study) == (1, "running", "trial-1")
    assert records.ended() == 1
    assert [record.number for record in records.all()] == [1, 2]


def test_each_fold_chooses_by_its_own_inner_subjects_alone(planted, tmp_path):
    config = experiment(planted, tmp_path, inner=1)
    search = plan_search([config], space_file(tmp_path, {"model.learning_rate": [0.01, 0.1]}), runs=tmp_path)

    def row(number: int, pooled: float, **folds: tuple[float, float]) -> leaderboard.LeaderboardRow:
        own = {subject[1:]: {"strs": strs, "spot_f1": spot} for subject, (strs, spot) in folds.items()}
        return leaderboard.LeaderboardRow(
            TrialRecord(number, {}, {}, "finished"), tuple(own), {"strs": pooled}, (0.0, 1.0), own
        )

    rows = (
        row(1, 0.9, _001=(0.1, 0.5), _002=(0.9, 0.1), _003=(0.0, 0.2)),
        row(2, 0.2, _001=(0.3, 0.1), _002=(0.2, 0.9), _003=(0.0, 0.4)),  # spotting F1 decides where STRS is equal
        row(3, 0.1, _001=(0.3, 0.1)),  # of equal ones the earlier trial
    )
    assert leaderboard.Leaderboard(search, rows, 3).chosen == {"001": 2, "002": 1, "003": 2}
