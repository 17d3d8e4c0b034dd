"""The commands of docs/first-study.md run one after the other, on a small data set of the same name."""

import shlex

import pytest

from memodule.cli import main

from .test_documented_commands import SHORTER
from .test_documents import ROOT, commands_of

PAGE = ROOT / "docs" / "first-study.md"


@pytest.mark.slow
def test_the_first_study_works_from_the_page_alone(planting, tmp_path, monkeypatch, capsys):
    made = planting(tmp_path, subjects=("006", "007", "009"), videos=1, frames=240, window=30, frame_step=7)
    made.catalog.rename(tmp_path / "samm-like")
    (tmp_path / "data").mkdir()
    (tmp_path / "samm-like").rename(tmp_path / "data" / "samm-like")
    made.flow.rename(tmp_path / "data" / "flow")
    for name in ("configs", "experiments"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    printed = {}
    for line in commands_of(PAGE):
        name, *words = shlex.split(line)
        if name == "synth":  # the whole stand-in; tests/synthetic/test_command.py runs it
            continue
        studies = {path.name.rpartition("-")[0]: str(path) for path in (tmp_path / "runs").glob("*")}
        words = [
            studies[word.removeprefix("runs/").rpartition("-")[0]] if word.startswith("runs/") else word
            for word in words
        ]
        capsys.readouterr()
        status = main([name, *words, *(SHORTER["loso"].split() if name == "loso" else [])])
        printed[line] = capsys.readouterr()
        assert status in ((0, 1) if name == "check" else (0,)), printed[line]
    assert len(printed) == 5
    assert (tmp_path / "comparison.html").stat().st_size > 10_000
    (table,) = (tmp_path / "runs").glob("generated-*/ablations/first_look/table.csv")
    assert "threshold chosen" in table.read_text(encoding="utf-8")
