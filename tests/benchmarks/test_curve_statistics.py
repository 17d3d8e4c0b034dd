"""The program that fits the simulator to a study prints a model that can be pasted, and a table of agreement."""

import dataclasses
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_studies import SCORES, make_study, small_catalog

from memodule.decoding.curves import VideoCurve
from memodule.synthetic.score_curves import ScoreModel

PROGRAM = Path(__file__).parents[2] / "experiments" / "benchmarks" / "curve_statistics.py"


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", [PROGRAM.name, *map(str, arguments)])
    runpy.run_path(str(PROGRAM), run_name="__main__")
    return capsys.readouterr().out


def test_a_study_gives_a_model_and_how_far_it_agrees(tmp_path, monkeypatch, capsys):
    scores = dataclasses.replace(SCORES, noise=0.05)
    study = make_study(tmp_path, small_catalog(("a", "b", "c", "d"), 3), scores=scores)
    code, _, table = run(monkeypatch, capsys, study, "--output", "linear", "--seeds", "2").partition("\n\n")
    model = eval(code, {"ScoreModel": ScoreModel})
    assert model.output == "linear"
    assert model.noise == pytest.approx(0.05, rel=0.5)
    assert model.amplitude == pytest.approx(0.6, rel=0.4)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert rows[0][0].startswith("12 curves, 30 samples")
    (medians,) = [row[1:] for row in rows if row[0] == "50 % quantile"]
    assert float(medians[0]) == pytest.approx(float(medians[1].split()[0]), abs=0.05)
    given = run(monkeypatch, capsys, study, "--level", "published_network", "--seeds", "1")
    assert "ScoreModel(" not in given
    assert given.count("\n| ") == len(rows) - 1


def test_unknown_samples_are_bridged(monkeypatch):
    monkeypatch.syspath_prepend(str(PROGRAM.parent))
    import curve_statistics

    score = np.array([0.2, 9, 9, 0.8], np.float32)
    curve = VideoCurve("s", "v", score, None, 30.0, 1, known=np.array([True, False, False, True]))
    np.testing.assert_allclose(curve_statistics.filled(curve).score, [0.2, 0.4, 0.6, 0.8], rtol=1e-6)


def test_what_is_not_a_study_is_one_line(tmp_path):
    done = subprocess.run([sys.executable, str(PROGRAM), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "study.json" in done.stderr
    assert len(done.stderr.splitlines()) == 1
