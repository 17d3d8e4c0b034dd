import csv
import html.parser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import wandb
import yaml
from made_studies import make_study, small_catalog
from wandb_files import offline_runs

from memodule.cli import main
from memodule.metrics.score_names import pooled_scores
from memodule.studies.study import Study
from tests.studies.ablation.folders import write_grid

ROOT = Path(__file__).parents[3]

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


def test_the_columns_are_those_that_the_documents_list(study, grid):
    assert ablate(study, grid, "--quiet") == 0
    text = (ROOT / "docs" / "data-formats.md").read_text()
    listed = text.split("## Ablations")[1].split("## ")[0]
    told = [name for line in listed.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)]
    with (study / "ablations" / "grid" / "table.csv").open(newline="") as file:
        columns = next(csv.reader(file))
    ends = [name + end for name in told for end in ("_low", "_high")]
    assert {name for name in columns if not name.startswith("parameter.")} <= {*told, *ends}
    assert {name for name in told if name not in ("_low", "_high", "study")} <= set(columns)


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
    assert "LEAK: in 1 of the rows" in out


@pytest.mark.parametrize("columns", [80, 130])
def test_the_table_fits_the_terminal(study, grid, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert ablate(study, grid) == 0
    table = [line for line in capsys.readouterr().out.splitlines() if line[:1] in "┏┃┡│└"]
    assert table
    assert max(map(len, table)) <= columns
    assert table[1].rstrip("┃ ").endswith("TP/FP/FN")
    assert sum(bool(re.search(r"\d+/\d+/\d+│$", line)) for line in table) == 4  # no row is cut off
    assert not any("…" in line for line in table)


def test_mistakes_are_told_in_one_line_and_leave_nothing(study, grid, tmp_path, capsys):
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump({"variants": {"a": {"rule": "FixedWindw"}}}))
    for words, told in (
        ((str(study), "--grid", str(tmp_path / "bad.yaml")), "bad.yaml: variants.a.rule: there is no rule FixedWindw"),
        ((str(tmp_path), "--grid", str(grid)), "not a study folder"),
        ((str(study), "--grid", str(grid), "--workers", "0"), "write a number of at least 1, or auto"),
    ):
        assert main(["ablate", *words]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert told in line
    assert not (study / "ablations" / "bad").exists()


def test_a_rule_that_cannot_be_fitted_is_told(study, grid, tmp_path, capsys):
    copy = Path(shutil.copytree(study, tmp_path / study.name))
    opened = Study.open(copy)
    for subject in opened.subjects:
        path = opened.fold(subject, 0).folder / "result.json"
        result = json.loads(path.read_text())
        result["provenance"]["network"] = []
        path.write_text(json.dumps(result))
    assert ablate(copy, grid, "--quiet") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no micro-expression among the training subjects" in line


# ------------------------------------------------------------------------------------------- the page and the pictures


class Parsed(html.parser.HTMLParser):
    """Counts elements, and checks that each one is closed."""

    VOID = frozenset({"meta", "link", "br", "hr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.ids: set[str] = set()
        self.cells: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        about = dict(attrs)
        self.elements.append((tag, about))
        if about.get("id"):
            assert about["id"] not in self.ids
            self.ids.add(about["id"])
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th") and self.cells:
            self.cells[-1].append("")
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self._open):
            self.cells[-1][-1] += data

    def of(self, class_: str) -> list[dict]:
        return [about for _, about in self.elements if class_ in (about.get("class") or "").split()]


@pytest.fixture(scope="module")
def page(study, grid) -> Parsed:
    assert ablate(study, grid, "--quiet") == 0
    return Parsed((study / "ablations" / "grid" / "index.html").read_text())


def test_the_page_needs_nothing_beside_it(page):
    policy = next(about["content"] for _, about in page.elements if about.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    loaded = [about[key] for _, about in page.elements for key in ("src", "href") if about.get(key)]
    assert all(address.startswith(("#", "data:")) for address in loaded)
    assert {address[1:] for address in loaded if address.startswith("#")} <= page.ids


def test_the_page_shows_the_numbers_of_the_table(page, study):
    table = json.loads((study / "ablations/grid/table.json").read_text())["rows"]
    shown = [cells for cells in page.cells if len(cells) == 16][1:]
    assert len(shown) == len(table)
    for cells, row in zip(shown, table, strict=True):
        assert cells[0].startswith(row["variant"])
        assert cells[1] == f"{row['strs']:.3f}"
        assert cells[6] == f"{row['spot_f1']:.3f}"
        assert [int(cell) for cell in cells[12:]] == [row[n] for n in ("tp", "fp", "fn", "recognition_support")]
        if row["difference"]:
            assert float(cells[4].replace("\u2212", "-")) == pytest.approx(
                row["difference"]["strs"]["difference"], abs=6e-4
            )


def test_the_page_draws_what_a_grid_sweeps(page):
    labels = [about["aria-label"] for about in page.of("plot")]
    pictured = ["STRS by threshold and nms_iou", "spotting F1 by threshold and nms_iou"]
    pictured += [f"{score} against {name}" for name in ("threshold", "nms_iou") for score in ("STRS", "spotting F1")]
    assert [label.split(", ")[0] for label in labels] == pictured
    assert sum(tag == "title" for tag, _ in page.elements) == 1 + 2 * 6  # of the page, and of each cell
    assert len(page.of("forest-line")) == 1 + 4
    dots = [about["class"] for about in page.of("dot") if "key" not in about["class"]]
    assert sorted(dots) == 6 * ["dot honest"] + 3 * ["dot leak"] + 3 * ["dot picked"]


def test_pictures_are_written_for_slides(study, grid, page):
    from PIL import Image

    found = {path.name: Image.open(path).size for path in (study / "ablations/grid/figures").iterdir()}
    assert set(found) == {"variants.png", "sweep-sweep.png"}
    assert all(width > 800 for width, _ in found.values())


def test_figures_can_be_logged_where_nothing_else_has_imported_pyplot():
    program = """
import types
from matplotlib.figure import Figure
from memodule.studies.tracking import log_media
log_media(types.SimpleNamespace(log=lambda logged: print(*logged)), {}, {"forest": Figure()})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["pictures/forest"], done.stderr[-2000:]


@pytest.mark.slow
def test_weights_and_biases_gets_one_run_with_the_table(study, grid, tmp_path, monkeypatch):
    """Also under a sweep's agent, whose trial it must not become: its table shows held-out scores."""
    wandb.teardown()  # it reads the environment once
    for name, value in (("WANDB_SWEEP_ID", "abcd1234"), ("WANDB_RUN_ID", "trial001")):
        monkeypatch.setenv(name, value)
    copy = Path(shutil.copytree(study, tmp_path / study.name))
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config["trainer"]["logger"] = yaml.safe_load((ROOT / "configs" / "logger" / "wandb.yaml").read_text())
    (copy / "config.yaml").write_text(yaml.safe_dump(config))
    assert ablate(copy, grid, "--quiet") == 0
    (run,) = offline_runs(copy)
    assert (run.about["job_type"], run.about["run_group"]) == ("ablation", study.name)
    assert run.about["run_id"] != "trial001"
    assert "sweep_id" not in run.about
    logged = run.table("tables/ablation")
    rows = json.loads((copy / "ablations/grid/table.json").read_text())["rows"]
    assert [row["variant"] for row in logged] == [row["variant"] for row in rows]
    assert [row["strs"] for row in logged] == pytest.approx([row["strs"] for row in rows])
    reference = next(row for row in rows if row["variant"] == "leak")
    assert run.summary["reference/strs"] == pytest.approx(reference["strs"])
    assert len(list((run.folder / "files" / "media" / "images").rglob("*.png"))) == 2
