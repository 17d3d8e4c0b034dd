"""UNCALIBRATED is wherever PARTIAL or LEAK would be, and nowhere else; how rules were calibrated is said too."""

import json
import shutil

import pytest
from made_studies import make_study, small_catalog

from memodule.commands.ablation_table import print_table
from memodule.commands.study_outcome import results_text
from memodule.intervals import PriorGuided, SemiMarkov
from memodule.report import ReportedStudy, report_page
from memodule.report.ablation_page import ablation_page
from memodule.studies.ablation.grid import read_grid
from memodule.studies.ablation.run import ablate, write_tables
from memodule.studies.ablation.table import flat_rows
from memodule.studies.calibration_marks import FEW, FoldCalibration, calibration_text, calibration_values
from memodule.studies.loso import pool_and_write
from memodule.studies.study import Study
from memodule.studies.summary import score_rows, summary_values

from .ablation.folders import add_inner_subjects, write_grid

SUBJECTS = ("s1", "s2", "s3")
GRID = {"insists": {"rule": "SemiMarkov", "calibrate": "inner"}, "learns": {"rule": "SemiMarkov"}}


@pytest.fixture(scope="module")
def lone(tmp_path_factory):
    """One finished fold, without inner subjects, so that nothing can calibrate its rule."""
    return pooled(tmp_path_factory.mktemp("lone"), SemiMarkov, [("s2", 0), ("s3", 0)])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return pooled(tmp_path_factory.mktemp("whole"), SemiMarkov)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A rule that has nothing to learn from curves."""
    return pooled(tmp_path_factory.mktemp("plain"), PriorGuided, [("s2", 0), ("s3", 0)])


def pooled(folder, rule, without=()) -> Study:
    study = Study.open(make_study(folder, small_catalog(SUBJECTS), rule=rule, without=without, pooled=False))
    pool_and_write(study)
    return study


def results(study: Study) -> dict:
    return json.loads((study.folder / "results.json").read_text())


PLACES = {
    "results.json": lambda study: "UNCALIBRATED" if results(study).get("uncalibrated") else "",
    "terminal": lambda study: results_text(results(study)),
    "report": lambda study: report_page([ReportedStudy.of_study(study)]),
    "comparison": lambda study: report_page([ReportedStudy.of_study(study)] * 2),
    "W&B table": lambda study: json.dumps(score_rows(results(study))),
    "W&B summary": lambda study: "UNCALIBRATED" if summary_values(results(study))["uncalibrated"] else "",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_half_fitted_study_says_so_everywhere(place, lone, whole, plain):
    shown = [PLACES[place](study) for study in (lone, whole, plain)]
    assert ["UNCALIBRATED" in text for text in shown] == [True, False, False]


@pytest.fixture(scope="module")
def ablation(whole, tmp_path_factory):
    ablation = ablate(whole, read_grid(write_grid(tmp_path_factory.mktemp("grid"), GRID)), workers=1)
    write_tables(ablation)
    return ablation


def test_rows_of_an_ablation_say_so_everywhere(ablation, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    print_table(ablation)
    printed = capsys.readouterr().out
    assert printed.count("(UNCALIBRATED)") == 1
    assert "UNCALIBRATED: in 1 of the rows" in printed
    table = json.loads((ablation.folder / "table.json").read_text())
    assert any(note.startswith("UNCALIBRATED: ") for note in table["notes"])
    rows = {row["variant"]: row for row in table["rows"]}
    assert [bool(rows[name]["uncalibrated"]) for name in ("insists", "learns", "study")] == [True, False, False]
    assert rows["learns"]["calibration"] == rows["study"]["calibration"]
    flat = {row["variant"]: row["uncalibrated"] for row in flat_rows(ablation.rows)}
    assert [bool(flat[name]) for name in ("insists", "learns", "study")] == [True, False, False]
    page = ablation_page(ablation)
    assert page.count(">uncalibrated</span>") == 2  # chart and table
    assert "<strong>UNCALIBRATED" in page


def test_inner_subjects_calibrate_what_insists_on_them(tmp_path):
    folder = make_study(tmp_path, small_catalog((*SUBJECTS, "s4")), rule=SemiMarkov, pooled=False)
    add_inner_subjects(folder)
    study = Study.open(folder)
    pool_and_write(study)
    assert results(study)["calibration"]["curves"] == {"inner": 4}
    rows = ablate(study, read_grid(write_grid(tmp_path / "grid", GRID)), workers=1).rows
    assert [row.uncalibrated for row in rows] == [None] * 3


def test_terminal_and_report_say_on_what_rules_were_calibrated(whole):
    text = "calibrated on out-of-fold curves of 2 subjects, 4 labelled micro-expressions"
    assert calibration_text(results(whole)).startswith(text)
    assert text in results_text(results(whole))
    assert text in report_page([ReportedStudy.of_study(whole)])


@pytest.mark.parametrize(("micro", "remarked"), [(FEW - 1, True), (FEW, False)])
def test_few_expressions_are_remarked_upon(micro, remarked):
    values = calibration_values({"a": FoldCalibration("inner", 2, micro, None), "b": None})
    assert (f"fewer than {FEW}" in calibration_text(values)) is remarked
    assert values["uncalibrated"] is None


def test_a_rule_may_say_itself_that_it_learned_too_little():
    values = calibration_values({"a": FoldCalibration("inner", 2, 3, "too few proposals"), "b": None})
    assert values["uncalibrated"] == "too few proposals (1 of 2 folds)"
    assert calibration_values({"a": None}) == {}


def test_scores_of_a_single_inner_subject_are_of_the_uncalibrated_rule(tmp_path):
    folder = make_study(tmp_path, small_catalog((*SUBJECTS, "s4")), rule=SemiMarkov, pooled=False)
    add_inner_subjects(folder)
    study = Study.open(folder)
    for fold in study.finished_folds()[0]:
        one = {fold.inner[0]: {"tp": 1, "fp": 0, "fn": 0, "confusion": [[0] * 5] * 4}}
        (fold.folder / "result.json").write_text(json.dumps({**fold.result, "inner": one}))
    found = pool_and_write(Study.open(folder))
    assert found["inner"]["uncalibrated"] == 4
    assert "4 of them by the uncalibrated rule" in results_text(found)


def test_results_of_an_older_version_are_marked_in_reports(lone, tmp_path):
    folder = shutil.copytree(lone.folder, tmp_path / lone.name)
    old = {name: value for name, value in results(lone).items() if name not in ("calibration", "uncalibrated")}
    (folder / "results.json").write_text(json.dumps(old))
    assert "UNCALIBRATED" in report_page([ReportedStudy.of_study(Study.open(folder))])
