"""The end of a study reads each file of a fold once, and looks for each fold a few times, however many there are."""

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from made_studies import make_study, small_catalog

from memodule.metrics.functional import Tally
from memodule.report import ReportedStudy
from memodule.studies import fold_result, plan
from memodule.studies.loso import pool_and_write
from memodule.studies.plan import Plan
from memodule.studies.results_view import weaknesses
from memodule.studies.search.leaderboard import Leaderboard
from memodule.studies.search.records import TrialRecord, TrialRecords
from memodule.studies.study import Study


@pytest.fixture
def opened(monkeypatch):
    """How often each file is read as text, or as curves; and how often each curve is decoded."""
    counts = Counter()
    read_text, read_curves, decode = Path.read_text, fold_result.read_curves, fold_result.decode

    def counted_text(path, *args, **options):
        counts[path] += 1
        return read_text(path, *args, **options)

    def counted_curves(path):
        counts[path] += 1
        return read_curves(path)

    def counted_decode(curve, *args):
        counts[curve.key] += 1
        return decode(curve, *args)

    monkeypatch.setattr(Path, "read_text", counted_text)
    monkeypatch.setattr(fold_result, "read_curves", counted_curves)
    monkeypatch.setattr(fold_result, "decode", counted_decode)
    return counts


def test_pooling_and_reporting_read_and_decode_every_fold_once(tmp_path, opened):
    catalog = small_catalog()
    study = Study.open(make_study(tmp_path, catalog, pooled=False))
    opened.clear()
    results = pool_and_write(study)
    run = ReportedStudy.of_study(study)
    assert run.results == json.loads(json.dumps(results))
    folds = [study.fold(subject, 0).folder for subject in study.subjects]
    files = [folder / name for folder in folds for name in ("result.json", "test/curves.npz")]
    assert [opened[file] for file in files] == [1] * 6
    assert [opened[video.key] for video in catalog.videos] == [1] * 6


def test_looking_for_missing_folds_takes_one_look_at_each(tmp_path, monkeypatch):
    subjects = [f"s{number:02}" for number in range(20)]
    folder = make_study(tmp_path, small_catalog(subjects, videos=1), seeds=(0, 1), without=[("s03", 1)], pooled=False)
    study, looks = Study.open(folder), Counter()
    is_file = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: looks.update([path.name]) or is_file(path))
    assert study.missing() == [("s03", 1)]
    assert looks["result.json"] == len(subjects) * 2


def test_a_fold_that_ends_later_is_found(tmp_path):
    study = Study.open(make_study(tmp_path, small_catalog(), without=[("s2", 0)]))
    assert study.missing() == [("s2", 0)]
    make_study(tmp_path, small_catalog())
    assert study.missing() == []
    assert [fold.subject for fold in study.finished_folds()[0]] == ["s1", "s2", "s3"]


def test_the_jobs_of_a_plan_hash_its_config_once(tmp_path, monkeypatch):
    hashed = []
    monkeypatch.setattr(plan, "identity", lambda config: hashed.append(config) or {})
    catalog = small_catalog()
    made = Plan("made", {"model": 1}, catalog, "f" * 64, catalog.subjects, (0, 1), tmp_path)
    assert len({job.folder for job in made.jobs}) == len(made.jobs) == 6
    assert len(hashed) == 1


def test_a_study_with_many_missing_folds_names_a_few(tmp_path):
    subjects = [f"s{number:02}" for number in range(30)]
    catalog = small_catalog(subjects, videos=1)
    folder = make_study(tmp_path, catalog, without=[(subject, 0) for subject in subjects[4:]])
    results = json.loads((folder / "results.json").read_text())
    assert len(results["missing"]) == 26
    (line,) = weaknesses(results)
    assert line.startswith("PARTIAL: 4 of 30 folds are finished (missing: s04 (seed 0), ")
    assert " and 22 more)" in line
    assert sum(subject in line for subject in subjects) == 4


def test_a_study_introduces_itself_in_one_line(tmp_path):
    study = Study.open(make_study(tmp_path, small_catalog()))
    assert study.name in repr(study)
    assert len(repr(study)) < 200


def test_leaderboards_read_a_finished_trial_once_and_a_running_one_each_time(tmp_path, opened):
    catalog = small_catalog()
    trials = [Study.open(make_study(tmp_path / "trials", catalog, name, pooled=False)) for name in ("done", "running")]
    for number, (study, state) in enumerate(zip(trials, ("finished", "running"), strict=True), 1):
        record = TrialRecord(number, {"n": str(number)}, {}, state, study.name, times=int(state == "finished"))
        TrialRecords(tmp_path).write(record)
        for subject in study.subjects:
            path = study.fold(subject, 0).folder / "result.json"
            result = json.loads(path.read_text())
            inner = "s2" if subject == "s1" else "s1"
            training = [other for other in study.subjects if other not in (subject, inner)]
            result["provenance"] |= {"chosen_on": [inner], "network": training}
            path.write_text(json.dumps(result | {"inner": {inner: Tally().to_dict()}}))
    base = SimpleNamespace(subjects=catalog.subjects, seeds=(0,), catalog=catalog, config=trials[0].config)
    search = SimpleNamespace(folder=tmp_path, trials=tmp_path / "trials", base=base, sampler="tpe", grace=1)
    opened.clear()
    board = None
    for _ in range(3):
        board = Leaderboard.read(search, 3, board)
        assert sorted(board.provenance()["chosen_on"]) == ["s1", "s2"]
    read = [[opened[study.fold(subject, 0).folder / "result.json"] for subject in study.subjects] for study in trials]
    assert read == [[1] * 3, [3] * 3]
