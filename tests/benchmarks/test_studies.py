"""The benchmark of studies: its simulation keeps within what scheduling theory allows, and it measures what it says."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_studies import make_study, small_catalog

sys.path.insert(0, str(Path(__file__).parents[2] / "experiments" / "benchmarks"))
import command_usage
import studies
from study_schedule import places, simulate

PROGRAM = Path(studies.__file__)
SECONDS = st.lists(st.floats(0, 1e4), min_size=1, max_size=60)


@given(SECONDS, st.integers(1, 40))
def test_a_schedule_is_within_the_bounds_of_list_scheduling(seconds, count):
    schedule = simulate(seconds, count)
    longest, total = max(seconds), sum(seconds)
    assert len(schedule.ends) == count
    assert sum(schedule.ends) <= count * schedule.makespan + 1e-6
    assert schedule.makespan >= max(longest, total / count) - 1e-6
    # Graham 1966: no order of the list is worse than this
    assert schedule.makespan <= total / count + (1 - 1 / count) * longest + 1e-6
    assert 0 <= schedule.tail <= schedule.makespan
    assert schedule.work == pytest.approx(total)
    assert schedule.utilisation * count * schedule.makespan == pytest.approx(total) or not total


@given(SECONDS)
def test_one_place_does_one_after_the_other_and_enough_places_all_at_once(seconds):
    assert simulate(seconds, 1).makespan == pytest.approx(sum(seconds))
    assert simulate(seconds, 1).tail == 0
    assert simulate(seconds, len(seconds)).makespan == max(seconds)


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=6), st.integers(1, 3))
def test_longest_first_is_at_most_a_third_worse_than_the_best(seconds, count):
    sorted_ = simulate(sorted(seconds, reverse=True), count)
    best = min(_longest_place(seconds, places) for places in itertools.product(range(count), repeat=len(seconds)))
    # Graham 1969
    assert best - 1e-6 <= sorted_.makespan <= (4 / 3 - 1 / (3 * count)) * best + 1e-6


def _longest_place(seconds, places):
    return max(sum(s for s, place in zip(seconds, places, strict=True) if place == own) for own in set(places))


def test_a_hand_made_case():
    schedule = simulate([3, 1, 1, 4], 2)
    assert (schedule.makespan, schedule.ends, schedule.tail) == (6, (3, 6), 3)
    assert schedule.utilisation == pytest.approx(9 / 12)
    assert simulate([], 2).utilisation == 1
    with pytest.raises(ValueError, match="at least one place"):
        simulate([1], 0)


@pytest.mark.parametrize(("share", "count"), [(0.25, 32), (0.3, 24), (1, 8), (0.5, 16), (2, 4), (3, 2), (0.1, 80)])
def test_folds_share_gpus_but_do_not_spread_over_halves(share, count):
    assert places(8, share) == count


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_impossible_shares_are_refused(share):
    with pytest.raises(ValueError, match="share"):
        places(8, share)


def test_the_plan_of_a_finished_study_is_computed_from_its_fold_times(tmp_path):
    study = make_study(tmp_path, small_catalog())
    arguments = [
        "--study",
        str(study),
        "--gpus",
        "2",
        "--gpus-per-fold",
        "0.5",
        "--seeds",
        "2",
        "--configurations",
        "10",
    ]
    program = [sys.executable, str(PROGRAM), *arguments, "--start", "8.5", "--slower", "2"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    fold = 2 * 61.5 + 8.5  # the made study's folds say that they took 61.5 s
    assert "3 folds x 2 seeds x 10 configurations = 60 folds on 2 GPUs, 0.5 of one per fold: 4 at a time" in done.stdout
    assert f"total compute: {60 * fold / 3600:.2f} fold hours, {30 * fold / 3600:.2f} GPU hours" in done.stdout
    rows = {line[:34].strip(): line[34:].split() for line in done.stdout.splitlines() if "%" in line}
    rounds = {"one configuration": 2, "10, one after the other": 20, "10, all submitted at once": 15}
    assert {name: rows[name][0] for name in rounds} == {name: f"{n * fold / 3600:.2f}" for name, n in rounds.items()}
    assert rows["one configuration"][1:] == ["75.0%", f"{fold:.0f}"]
    assert rows["10, all submitted at once"][1:] == ["100.0%", "0"]


def made_fold(process: int, started: float, training: float, overhead: float) -> dict:
    phases = {"setup": overhead / 2, "tracking": overhead / 4, "validation": 0.0, "test": overhead / 4, "weights": 0.0}
    times = {"seconds": training + overhead, "training_seconds": training, "phases": {**phases, "training": training}}
    return {"process": process, "started": started, **times}


def test_overhead_separates_first_from_later_folds_and_counts_the_wait(capsys):
    ran = command_usage.Ran(100.0, 50.0, 90.0, {"total": 700.0}, 0.0)
    folds = [made_fold(1, 110, 10, 4), made_fold(2, 111, 10, 4), made_fold(1, 124.5, 10, 2), made_fold(2, 125.5, 10, 2)]
    run = studies.Measured(2, ran, folds)
    assert (run.beginning, run.between) == (10, 27.5)
    assert run.waits() == [0.5, 0.5]
    studies.print_overhead([run])
    rows = dict(re.findall(r"^(\S.*?)\s{2,}(.*)$", capsys.readouterr().out, flags=re.MULTILINE))
    assert rows["setup"].split() == ["2.00", "1.00"]
    assert rows["overhead in total"].split() == ["4.00", "2.50"]
    assert rows["training"].split() == ["10.00", "10.00"]


def test_memory_is_that_of_the_command_and_of_what_it_has_started():
    busy = "import time; until = time.process_time() + 0.6\nwhile time.process_time() < until: pass"
    child = f"x = bytearray(60 * 2**20); {busy}\ntime.sleep(1)"
    parent = f"import subprocess, sys; x = bytearray(30 * 2**20); subprocess.run([sys.executable, '-c', {child!r}])"
    ran = command_usage.run_watched([sys.executable, "-c", parent], os.environ, every=0.1)
    assert 30 < ran.peaks["the command"] < 60
    assert 60 < ran.peaks["others"] < 90
    assert ran.peaks["total"] == pytest.approx(ran.peaks["the command"] + ran.peaks["others"], abs=5)
    assert ran.seconds > 1.6
    assert 0.6 < ran.cpu < 1.6
    with pytest.raises(SystemExit, match="ended with 3"):
        command_usage.run_watched([sys.executable, "-c", "raise SystemExit(3)"], os.environ)
