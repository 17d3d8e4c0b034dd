import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

from memodule.cli import main
from memodule.studies.study import Study
from memodule.studies.text import pooled_scores
from tests.report.studies import make_study, small_catalog
from tests.studies.ablation.folders import write_grid

VARIANTS = {
    "sweep": {
        "rule": "PriorGuided",
        "parameters": {"threshold": [0.3, 0.5, 0.7], "nms_iou": [0.1, 0.4]},
    },
    "leak": {"rule": "FixedWindow", "protocol": {"fitted_on": "all"}},
    "chosen": {"rule": "FixedWindow", "parameters": {"threshold": [0.3, 0.5, 0.7]}, "choose": ["threshold"]},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    return make_study(tmp_path_factory.mktemp("runs"), small_catalog(["s1", "s2", "s3", "s4"]))


@pytest.fixture(scope="module")
def grid(tmp_path_factory) -> Path:
    return write_grid(tmp_path_factory.mktemp("grids"), VARIANTS, reference="leak")


def ablate(study: Path, grid: Path, *words: str) -> int:
    return main(["ablate", str(study), "--grid", str(grid), "--workers", "1", *words])


def test_the_tables_hold_every_row(study, grid, capsys):
    assert ablate(study, grid, "--quiet") == 0
    folder = study / "ablations" / "grid"
    printed = capsys.readouterr()
    assert printed.out.strip() == str(folder)
    assert printed.err == ""
    table = json.loads((folder / "table.json").read_text())
    with (folder / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["variant"] for row in rows] == [row["variant"] for row in table["rows"]]
    assert len(rows) == 1 + 6 + 1 + 1
    strs = [row["strs"] for row in table["rows"]]
    assert strs == sorted(strs, reverse=True)
    results = pooled_scores(json.loads((study / "results.json").read_text()))
    by_name = {row["variant"]: row for row in table["rows"]}
    assert {name: by_name["study"][name] for name in results} == results
    assert {row["variant"] for row in rows if row["leak"] == "True"} == {"leak"}
    assert by_name["leak"]["difference"] is None
    swept = next(row for row in rows if row["variant"] == "sweep [threshold=0.5, nms_iou=0.1]")
    assert (swept["parameter.threshold"], swept["parameter.nms_iou"]) == ("0.5", "0.1")
    test = by_name[swept["variant"]]["difference"]["strs"]
    assert float(swept["strs_difference"]) == test["difference"]
    assert float(swept["strs_p"]) == test["p_value"]
    assert set(json.loads((folder / "provenance.json").read_text())["rows"]) == set(by_name)


def test_json_is_the_table_and_nothing_else(study, grid, capsys):
    assert ablate(study, grid, "--json", "--quiet") == 0
    assert json.loads(capsys.readouterr().out) == json.loads((study / "ablations/grid/table.json").read_text())


def test_the_terminal_shows_the_best_first_the_reference_and_the_warning(study, grid, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert ablate(study, grid) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    names = [
        name for line in lines for name in ("sweep [", "leak (", "chosen (", "study ") if line.startswith("│" + name)
    ]
    assert sorted(names) == ["chosen (", "leak (", "study ", "sweep ["]
    table = json.loads((study / "ablations/grid/table.json").read_text())["rows"]
    groups = list(dict.fromkeys(row["group"] for row in table))
    assert [name.split()[0] for name in names] == groups
    assert "(reference, LEAK)" in out
    assert "(best of 6)" in out
    assert "chosen by each fold" in out
    assert "found by looking at the held-out subjects" in out
    assert "LEAK: the prior of 1 rows" in out


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_the_table_fits_the_terminal(study, grid, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert ablate(study, grid) == 0
    table = [line for line in capsys.readouterr().out.splitlines() if line[:1] in "┏┃┡│└"]
    assert table
    assert max(map(len, table)) <= max(int(columns), 80)
    if int(columns) >= 80:
        assert not any("…" in line for line in table)


def test_mistakes_are_told_in_one_line_and_leave_nothing(study, grid, tmp_path, capsys):
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump({"variants": {"a": {"rule": "FixedWindw"}}}))
    for words, told in (
        ((str(study), "--grid", str(tmp_path / "bad.yaml")), "bad.yaml: variants.a.rule: there is no rule FixedWindw"),
        ((str(tmp_path), "--grid", str(grid)), "no study"),
        ((str(study), "--grid", str(grid), "--workers", "0"), "write a whole number from 1"),
    ):
        assert main(["ablate", *words]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert told in line
    assert not (study / "ablations" / "bad").exists()


def test_a_rule_that_cannot_be_fitted_is_told(study, grid, tmp_path, capsys):
    copy = Path(shutil.copytree(study, tmp_path / study.name))
    opened = Study.open(copy)
    for subject in opened.subjects:
        path = opened.fold(subject, 0) / "result.json"
        result = json.loads(path.read_text())
        result["provenance"]["network"] = []
        path.write_text(json.dumps(result))
    assert ablate(copy, grid, "--quiet") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no micro-expression among the training subjects" in line
