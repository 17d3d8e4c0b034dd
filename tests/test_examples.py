"""The scripts and the notebook of docs/examples run unchanged."""

import json
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
DOCUMENT = EXAMPLES.parent / "python-api.md"


def run(name, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_every_example_is_described():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.iterdir() if path.is_file() and f"examples/{path.name}" not in text] == []


def test_the_promised_names_exist():
    block = DOCUMENT.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    exec(block, {})


def test_decode_and_score(monkeypatch, capsys):
    run("decode_and_score.py", monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["FixedWindow", "PriorGuided"]
    assert all(line.endswith("F1 1.00") for line in lines)


def test_train_one_fold(monkeypatch, capsys, planting, tmp_path):
    made = planting(tmp_path, subjects=("a", "b", "c"), videos=1, frames=240, window=30, frame_step=7)
    monkeypatch.chdir(tmp_path)
    run("train_one_fold.py", monkeypatch, made.catalog, made.flow, "--fold", "b", "--epochs", "1")
    assert "held-out subject b: spotting F1" in capsys.readouterr().out
    assert list((tmp_path / "runs").rglob("curves.npz"))


@pytest.fixture
def study_here(planting, tmp_path, monkeypatch):
    from tiny import experiment

    from memodule.cli import main

    made = planting(tmp_path / "made", subjects=("a", "b", "c"), videos=1, frames=240, window=10)
    monkeypatch.chdir(tmp_path)
    assert main(["loso", "--config", str(experiment(made, tmp_path, epochs=2, logger=False)), "-q"]) == 0


def test_the_notebook_explores_a_study(study_here, capsys, monkeypatch):
    import matplotlib

    matplotlib.use("Agg", force=True)
    notebook = json.loads((EXAMPLES / "explore_a_study.ipynb").read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") for cell in notebook["cells"])  # committed without results of one machine
    capsys.readouterr()
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    printed = capsys.readouterr().out
    assert "3 of 3 folds are finished" in printed
    assert printed.count("spotting F1") == 3
    assert names["figure"].axes[0].lines
