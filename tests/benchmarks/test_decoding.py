"""The test bench of selection rules runs, keeps halves of the subjects apart, and continues where it was stopped."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "experiments" / "benchmarks" / "decoding.py"


def run(*words):
    done = subprocess.run([sys.executable, str(PROGRAM), *words], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_a_small_bench_prints_paired_tables_and_continues_from_its_file(tmp_path):
    words = ["--only", "bench", "--subjects", "6", "--levels", "demo", "--like", "samm_lv", "--workers", "1"]
    words += ["--save", str(tmp_path / "rows.jsonl"), "--markdown"]
    first = run(*words, "--seeds", "2", "--rules", "RelativeHeight")
    assert "samm_lv, demo, 2 seeds, at most 6 subjects each" in first
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert sorted((row[0][2], row[1]) for row in rows) == sorted(
        (seed, name) for seed in (0, 1) for name in ("PriorGuided", "RelativeHeight")
    )
    rows[0][2] = [99, 1, 1, 1]  # a count that no run gives
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    again = run(*words, "--seeds", "3", "--rules", "RelativeHeight")
    kept = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert kept[:4] == rows  # finished draws are not drawn again
    assert len(kept) == 6
    assert "3 seeds" in again
    assert "| RelativeHeight |" in again
    assert "of 3 |" in again


def test_the_score_model_of_a_level_can_be_changed(monkeypatch):
    monkeypatch.syspath_prepend(str(PROGRAM.parent))
    import decoding_bench as bench

    job = bench.Job("samm_lv", "demo", 0, 4, "missed=1.0,macro_leak=0.0,noise=0.001,distractors=0.0")
    curves = [labelled.curve for half in bench.halves(job) for labelled in half.curves]
    assert max(curve.max() - curve.min() for curve in curves) < 0.02  # nothing but faint noise is left
    assert json.loads(json.dumps(bench.RuleResult(job, "RiseFall", bench.Counts(1, 2, 3, 2), 0.1, 2.5)))[0] == list(job)
    done = subprocess.run([sys.executable, str(PROGRAM), "--score", "blur=3"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "blur is not a number of the score model" in done.stderr


def test_rules_are_chosen_on_one_half_and_counted_on_the_other(monkeypatch):
    monkeypatch.syspath_prepend(str(PROGRAM.parent))
    import decoding_bench as bench

    job = bench.Job("samm_lv", "demo", 3, 8)
    first, second = bench.halves(job)
    subjects = [{e.subject for e in half.expressions} for half in (first, second)]
    assert not subjects[0] & subjects[1]
    assert len(subjects[0] | subjects[1]) <= 8
    specs = [{"class_path": "memodule.intervals.RiseFall", "init_args": {"least": least}} for least in (0.2, 0.9)]
    best = bench.chosen(specs, first)
    scores = [bench.count(bench.fitted(spec, first), first).f1() for spec in specs]
    assert best.least == specs[scores.index(max(scores))]["init_args"]["least"]
    always = bench.fitted({"class_path": "memodule.intervals.FixedWindow"}, first)
    assert bench.alarms_a_minute(always, second) > 1  # the published threshold fires on any noise
    assert all(not len(one.micro) for one in second.noise)
    counts = bench.count(best, second)
    assert counts.tp + counts.fn == sum(len(labelled.micro) for labelled in second.curves)
    assert 0 <= counts.fp_with_micro <= counts.fp
