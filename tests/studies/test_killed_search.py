"""A search that is killed, given again and loses a worker: what it keeps, its leaderboard, page, runs and winner."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from searches import results_of, space_file, trial_workers, wait_for, wait_for_search, words
from tiny import experiment
from wandb_files import OfflineRun

from memodule.cli import main
from memodule.metrics.functional import Tally, score
from memodule.studies.plan import plan_study
from memodule.studies.pooling import pool
from memodule.studies.search.leaderboard import HELD_OUT, Leaderboard
from memodule.studies.search.planning import plan_search
from memodule.studies.search.records import TrialRecords
from memodule.studies.study import Study

ROOT = Path(__file__).parents[2]

TRIALS = 4


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
