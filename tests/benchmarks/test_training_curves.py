"""The picture of training curves is a picture, with every panel that the report has."""

import json
import re
import runpy
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from made_studies import make_study, small_catalog

PROGRAM = Path(__file__).parents[2] / "experiments" / "benchmarks" / "training_curves.py"


def test_a_study_becomes_one_picture(tmp_path, monkeypatch):
    study, out = make_study(tmp_path / "runs", small_catalog()), tmp_path / "curves.svg"
    monkeypatch.setattr(sys, "argv", ["training_curves.py", str(study), str(out)])
    runpy.run_path(str(PROGRAM), run_name="__main__")
    root = ElementTree.parse(out).getroot()
    told = [plot.get("aria-label") for plot in root.iter("{http://www.w3.org/2000/svg}svg") if plot is not root]
    assert len(told) == 6
    folds = [json.loads(path.read_text())["history"] for path in study.rglob("result.json")]
    first, last = (sum(fold[epoch]["train/loss"] for fold in folds) / 3 for epoch in (0, -1))
    found = re.fullmatch(r"training loss: mean of 3 folds from (\S+) to (\S+) in 12 epochs", told[0])
    assert [float(number) for number in found.groups()] == pytest.approx([first, last], abs=6e-4)
    assert len(out.read_bytes()) < 100_000
