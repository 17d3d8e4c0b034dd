"""docs/data-formats.md: its examples run as they stand, and what it says about files is so."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_releases import PIXEL, frames

from memodule.cli import main
from memodule.datasets import Expression, read_catalog
from memodule.datasets.catalog import EXPRESSION_COLUMNS, VIDEO_COLUMNS
from memodule.decoding.curves import VideoCurve, write_curves
from memodule.decoding.decode import PREDICTION_COLUMNS
from memodule.flow import FlowParameters, FlowStore
from memodule.studies.foreign.files import read_curve_files

PAGE = (Path(__file__).parents[2] / "docs" / "data-formats.md").read_text(encoding="utf-8")
OWN_DATA, STORED_FLOW, CURVES, OTHER_CURVES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def run(code: str, **names: Any) -> dict[str, Any]:
    exec(code, names)
    return names


def rows_of(title: str) -> list[str]:
    """The names in the first column of the tables below a title."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    firsts = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [name for first in firsts for name in re.findall(r"`(\w+)`", first)]


def test_a_data_set_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for video, count in {"anna_1": 60, "ben_1": 40}.items():
        folder = tmp_path / "mine" / "frames" / video
        folder.mkdir(parents=True)
        for name in frames("", count):
            (folder / name).write_bytes(PIXEL)
    labels = "person,clip,start,peak,end,feeling\nanna,1,11,16,25,joy\nben,1,5,,14,unclear\n"
    (tmp_path / "mine" / "labels.csv").write_text(labels)
    run(OWN_DATA)
    catalog = read_catalog(tmp_path / "data" / "mine")
    assert catalog.expressions == (
        Expression("anna", "1", "micro", 10, 15, 24, "positive"),
        Expression("ben", "1", "micro", 4, None, 13, "others"),
    )
    assert [(v.key, v.frames) for v in catalog.videos] == [(("anna", "1"), 60), (("ben", "1"), 40)]
    assert main(["check", "data/mine"]) == 0
    found = "subject,video,onset,offset,emotion\nanna,1,10,24,positive\n"  # a file from another program
    Path("predictions.csv").write_text(found)
    command = PAGE.rpartition("    memodule ")[2].splitlines()[0].split()
    capsys.readouterr()
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["spotting"]["tp"] == 1


def test_columns_are_those_named() -> None:
    section = rows_of("Catalog")
    assert section == [*VIDEO_COLUMNS, "subject", "video", "kind", "onset", "offset", "apex", "emotion"]
    assert set(section[len(VIDEO_COLUMNS) :]) == set(EXPRESSION_COLUMNS)
    assert f"\n    {','.join(PREDICTION_COLUMNS)}\n" in PAGE


def test_flow_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = FlowStore("data/flow", FlowParameters(window=30, frame_step=1))
    record = store.put("anna", "1", np.ones((3, 36, 30)), fps=30, frames=60, source={"kind": "made up"})
    assert run(STORED_FLOW)["record"].sha256 == record.sha256
    description = json.loads(store.description_path("anna", "1").read_text())
    assert set(rows_of("Flow store")) == set(description)


def test_curves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = np.array([True, True, True, False])
    score, logits, spread = np.full(4, 0.5, np.float32), np.zeros((4, 5), np.float32), np.full(4, 0.1, np.float32)
    curve = VideoCurve("anna", "1", score, logits, 30.0, 1, known, spread)
    write_curves(tmp_path / "test" / "curves.npz", [curve])
    run(CURVES, fold=tmp_path)
    assert capsys.readouterr().out == "anna 1 0.5 [0.2 0.2 0.2 0.2 0.2]\n"
    with np.load(tmp_path / "test" / "curves.npz") as file:
        assert set(rows_of("curves.npz")) == set(file.files)


def test_curves_of_other_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run(OTHER_CURVES)
    found = read_curve_files(Path("curves.npz"), list(names["curves"]))
    assert {own.key: own.scores.tolist() for own in found} == {k: v.tolist() for k, v in names["curves"].items()}


def test_links_lead_somewhere() -> None:
    titles = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)", PAGE, re.M)}
    links = re.findall(r"\]\(#(.*?)\)", PAGE)
    assert links
    assert set(links) <= titles
