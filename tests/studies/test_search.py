"""`memodule search`: trials, early stops, kills and resumption, the leaderboard, and what is refused."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import optuna
import pytest
import yaml
from filelock import FileLock
from tiny import experiment
from wandb_files import OfflineRun

from memodule import console
from memodule.cli import main
from memodule.commands.search_outcome import search_text
from memodule.decoding.protocol import LEAK
from memodule.errors import UserError
from memodule.metrics.functional import Tally, score
from memodule.report.leaderboard import leaderboard_page
from memodule.studies import work
from memodule.studies.plan import plan_study
from memodule.studies.pooling import pool
from memodule.studies.search import leaderboard, trial
from memodule.studies.search.leaderboard import HELD_OUT, Leaderboard
from memodule.studies.search.planning import plan_search
from memodule.studies.search.records import TrialRecord, TrialRecords
from memodule.studies.search.space import Space, ends
from memodule.studies.study import Study

ROOT = Path(__file__).parents[2]
TRIALS = 4


def space_file(folder: Path, entries: dict) -> Path:
    path = folder / "space.yaml"
    path.write_text(yaml.safe_dump(entries, sort_keys=False))
    return path


def words(config: Path, space: Path, runs: Path, *more: str) -> list[str]:
    return ["search", "--config", str(config), "--space", str(space), "--runs", str(runs), *more]


def results_of(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("folds/*/*/result.json")}


def wait_for(condition, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def trial_workers() -> list[int]:
    """Processes that run trials for this one, by the names that Ray gives them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mine = f"RAY_TEST_OF={os.getpid()}".encode() in (process / "environ").read_bytes()
            if mine and b"FoldByFold" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def searched(planted, tmp_path_factory):
    """A search whose command is killed after its first trial, given again, and then loses a worker."""
    folder = tmp_path_factory.mktemp("search")
    config = experiment(planted, folder, inner=1)
    rates = {"model.learning_rate": [0.0001, 0.02], "intervals.init_args.threshold": {"uniform": [0.45, 0.6]}}
    command = words(config, space_file(folder, rates), folder / "runs", "--grace", "1", "--seed", "3")
    running = subprocess.Popen([sys.executable, "-m", "memodule", *command, "--trials", "1"], stderr=subprocess.PIPE)
    (search,) = wait_for_search(folder / "runs")
    wait_for(lambda: any(record.state != "running" for record in TrialRecords(search).all()))
    running.kill()
    running.communicate()
    kept = results_of(search)
    os.environ["RAY_TEST_OF"] = str(os.getpid())
    killed: list[int] = []

    def worker_at_work() -> bool:
        killed[:] = trial_workers() if len(results_of(search)) > len(kept) else []
        return bool(killed)

    def kill_a_worker() -> None:
        wait_for(worker_at_work)
        for worker in killed:
            os.kill(worker, signal.SIGKILL)

    killer = threading.Thread(target=kill_a_worker)
    killer.start()
    assert main([*command, "--trials", str(TRIALS), "--quiet"]) == 0
    killer.join()
    del os.environ["RAY_TEST_OF"]
    assert killed
    return folder, search, kept, command


def wait_for_search(runs: Path) -> list[Path]:
    wait_for(lambda: runs.is_dir() and list(runs.glob("search-tiny-*/optuna.log")))
    return list(runs.iterdir())


def board_of(folder: Path) -> Leaderboard:
    search = plan_search([folder / "tiny.yaml"], folder / "space.yaml", seed=3, runs=folder / "runs", grace=1)
    return Leaderboard.read(search, TRIALS)


def inner(fold: dict) -> dict[str, float]:
    return score(sum((Tally.from_dict(tally) for tally in fold["inner"].values()), Tally()))


@pytest.mark.slow
def test_a_killed_search_goes_on_without_training_anything_again(searched):
    _, search, kept, _ = searched
    assert kept
    after = results_of(search)
    assert {path: after[path] for path in kept} == kept
    records = TrialRecords(search).all()
    assert [record.number for record in records] == list(range(1, len(records) + 1))
    assert {record.state for record in records} <= {"finished", "stopped"}
    assert len(records) == TRIALS
    assert not list(search.glob("tune"))


@pytest.mark.slow
def test_poor_trials_are_stopped_before_their_last_fold(searched):
    folder, *_ = searched
    board = board_of(folder)
    stopped, finished = board.having("stopped"), board.having("finished")
    assert stopped
    assert finished
    for row in stopped:
        assert row.record.settings["model.learning_rate"] == "0.0001"
        assert len(row.folds) < 3
        assert row.folds == finished[0].folds[: len(row.folds)]  # the same folds, so that scores compare
    assert board.winner.record.settings["model.learning_rate"] == "0.02"


@pytest.mark.slow
def test_the_leaderboard_is_ordered_by_inner_subjects_and_shows_the_winners_held_out_score_only(searched):
    _, search, *_ = searched
    rows = list(csv.DictReader((search / "leaderboard.csv").read_text().splitlines()))
    finished = [row for row in rows if row["state"] == "finished"]
    assert len(rows) == TRIALS
    assert [row["rank"] for row in finished] == [str(n + 1) for n in range(len(finished))]
    for row in finished:
        study = Study.open(search / "trials" / row["study"])
        folds = [study.fold(subject, 3).result for subject in study.subjects]
        tallies = [Tally.from_dict(tally) for fold in folds for tally in fold["inner"].values()]
        assert float(row["inner_strs"]) == pytest.approx(score(sum(tallies, Tally()))["strs"], abs=1e-4)
        assert all(fold["subject"] not in fold["inner"] for fold in folds)
        assert float(row["inner_strs_low"]) <= float(row["inner_strs"]) <= float(row["inner_strs_high"])
    order = [float(row["inner_strs"]) for row in finished]
    assert order == sorted(order, reverse=True)
    held_out = json.loads((search / "trials" / rows[0]["study"] / "results.json").read_text())
    assert [row[HELD_OUT] for row in rows] == [f"{held_out['strs']:.4f}"] + [""] * (TRIALS - 1)
    page = (search / "leaderboard.html").read_text()
    assert "not used for choosing" in page
    assert "slightly optimistic" in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.slow
def test_the_leaderboard_opens_without_errors_or_network_and_fits_a_phone(searched, page):
    address = (searched[1] / "leaderboard.html").as_uri()
    page.open(address)
    assert page.problems == []
    assert page.requests == [address]
    assert page.run("document.querySelectorAll('tbody tr').length") >= TRIALS
    assert [width for width in (320, 390, 1200) if not page.fits(address, width)] == []
    assert page.run("document.querySelector('.command').scrollWidth <= document.querySelector('.command').clientWidth")


@pytest.mark.slow
def test_the_nested_estimate_pools_what_each_fold_chose_for_itself(searched):
    folder, search, *_ = searched
    board = board_of(folder)
    found, chosen = [], {}
    for subject in board.search.base.subjects:
        candidates = []
        for record in TrialRecords(search).all():
            study = Study.open(search / "trials" / record.study)
            if subject in study.finished(3):
                scores = inner(study.fold(subject, 3).result)
                candidates.append((-scores["strs"], -scores["spot_f1"], record.number, study))
        *_, number, study = min(candidates, key=lambda candidate: candidate[:3])
        chosen[subject] = number
        found += study.fold(subject, 3).decoded
    assert board.chosen == chosen
    assert board.nested == pool({3: found}, study.catalog, study.protocol)
    assert not board.exact  # trials were stopped by scores in which every subject had a part
    told = json.loads((search / "provenance.json").read_text())
    assert told["winner"] == board.winner.record.number
    for subject, chosen_on in told["chosen_on_by_fold"].items():
        assert chosen_on
        assert subject not in chosen_on
        assert told["nested"][subject] == {"trial": chosen[subject], "chosen_on": chosen_on}


@pytest.mark.slow
def test_the_printed_command_is_the_winners_study(searched, capsys, monkeypatch):
    folder, search, _, command = searched
    monkeypatch.setattr("memodule.studies.fold.run_fold", lambda *_: pytest.fail("trained"))
    before = results_of(search)
    assert main([*command, "--trials", str(TRIALS), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert results_of(search) == before
    assert told["complete"]
    assert told["nested_estimate"]["exact"] is False
    from memodule.commands import loso
    from memodule.commands.study_options import settings

    program, name, *options = shlex.split(told["winner"]["command"])
    assert (program, name) == ("memodule", "loso")
    arguments = loso._parser().parse_args(options)
    plan = plan_study(arguments.config, settings(arguments), arguments.folds, arguments.seeds, folder)
    (winner,) = [row for row in told["trials"] if row["number"] == told["winner"]["number"]]
    assert winner["study"] == f"trial-{plan.digest[:8]}"
    assert plan.seeds == (3,)
    assert told["winner"]["study"] == str(search / "trials" / winner["study"])
    assert main(["report", told["winner"]["study"], "--quiet"]) == 0  # a finished study, to be used as it is


@pytest.mark.slow
def test_every_trial_is_a_run_of_one_group(searched):
    folder, search, *_ = searched
    runs = {}
    for offline in (search / "wandb").glob("offline-run-*"):
        records = OfflineRun.read(offline).records
        described = next((record["run"] for record in records if record["type"] == "run"), None)
        if described is None:  # the command was killed before it had written anything
            continue
        runs.setdefault((described["job_type"], described["display_name"]), []).append((described, records))
    assert {described["run_group"] for parts in runs.values() for described, _ in parts} == {search.name}
    trials = {name for kind, name in runs if kind == "trial"}
    assert trials == {f"{search.name}/{record.study}" for record in TrialRecords(search).all()}
    assert ("summary", f"{search.name}/summary") in runs
    assert list((search / "wandb" / "data").rglob("*"))  # the table of the leaderboard, where a sync finds it
    winner = board_of(folder).winner
    parts = runs["trial", f"{search.name}/{winner.record.study}"]
    assert len({described["run_id"] for described, _ in parts}) == 1
    logged = {
        record["history"]["item"]["folds"]: record["history"]["item"]["inner/strs"]
        for _, records in parts
        for record in records
        if record["type"] == "history"
    }
    assert logged[3] == pytest.approx(winner.objective)
    keys = {key for _, records in parts for r in records if r["type"] == "history" for key in r["history"]["item"]}
    assert not [key for key in keys if key.startswith(("test/", "pooled/"))]


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_held_out_score_and_failing_trials_do_not_stop_others(
    planted, tmp_path, monkeypatch, capsys, stop
):
    config = experiment(planted, tmp_path, inner=1, epochs=2, logger=False)
    sizes = space_file(tmp_path, {"trainer.accelerator": ["cpu", "tpu"]})
    command = words(config, sizes, tmp_path / "runs", "--trials", "4", "--sampler", "random", "--grace", "3")

    unlink = os.unlink

    def interrupted(path: str, **options: int) -> None:
        """Comes at the worst moment: while Optuna gives back the lock of its journal."""
        unlink(path, **options)
        if str(path).endswith(".rename") and results_of(tmp_path):
            monkeypatch.setattr(os, "unlink", unlink)
            os.kill(os.getpid(), stop)

    monkeypatch.setattr(os, "unlink", interrupted)
    assert main(command) == 130
    assert os.unlink is unlink
    assert "the same command resumes" in " ".join(capsys.readouterr().err.split())
    (search,) = (tmp_path / "runs").iterdir()
    assert "This search has not ended" in (search / "leaderboard.html").read_text()
    assert not list(search.rglob("results.json"))
    kept = results_of(search)
    assert main(command) == 0
    printed = capsys.readouterr().out
    after = results_of(search)
    assert {path: after[path] for path in kept} == kept
    states = {record.settings["trainer.accelerator"]: record.state for record in TrialRecords(search).all()}
    assert states == {"cpu": "finished", "tpu": "failed"}
    assert "failed: trial" in printed
    assert "1 finished, 0 stopped early, 1 failed, 2 repeated, of 4 trials" in printed
    assert "free of the held-out subjects" in printed


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
