import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from made_studies import make_study

from memodule.cli import main
from memodule.datasets import read_catalog
from memodule.flow import FlowParameters, FlowStore
from memodule.report import ReportedStudy
from memodule.report.page import report_page
from memodule.sensitivity.files import read_study_sensitivity
from memodule.studies.study import Study
from memodule.synthetic.frame_files import write_video

from ..spotting.conftest import write_checkpoint

FEW = ["--movements", "20", "--seconds", "0.2", "0.4", "--quiet"]


@pytest.fixture(scope="module")
def tested(planted, checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    arguments = ["--flow", str(planted.flow), "--checkpoint", str(checkpoint), "--out", str(out)]
    assert main(["sensitivity", *arguments, *FEW]) == 0
    return out


def test_a_flow_store_gets_page_rows_and_json(tested, planted):
    summary = json.loads((tested / "sensitivity.json").read_text())
    videos = 2 * len(planted.subjects)
    assert len(summary["recordings"]) == videos
    assert summary["movements"] == 20 * videos  # the least for each
    assert sum(row["movements"] for row in summary["by_group"]) == summary["movements"]
    assert all("234" in one["warnings"][0] for one in summary["recordings"])
    assert len((tested / "sensitivity.csv").read_text().splitlines()) == summary["movements"] + 1
    page = (tested / "sensitivity.html").read_text()
    assert summary["sentence"] in page
    assert page.count('<svg class="plot"') == 4
    for row in summary["by_group"]:
        assert f"{row['name']}: {row['matched']['found']} of {row['movements']} matched" in page


def test_the_document_names_all_that_the_files_hold(tested):
    text = (Path(__file__).parents[2] / "docs" / "sensitivity.md").read_text(encoding="utf-8")
    rows, keys = re.findall(r"(?:^\|.*\n)+", text.partition("## The files")[2], re.MULTILINE)
    named = [
        {name for cell in re.findall(r"^\| (`.*?) \|", part, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}
        for part in (rows, keys)
    ]
    with (tested / "sensitivity.csv").open(encoding="utf-8") as file:
        assert named[0] == set(csv.DictReader(file).fieldnames)
    summary = json.loads((tested / "sensitivity.json").read_text())
    assert named[1] == set(summary)
    for key in summary["recordings"][0]:
        assert f"`{key}`" in keys


def test_the_same_seed_gives_the_same_json(tested, planted, checkpoint, capsys):
    arguments = ["--flow", str(planted.flow), "--checkpoint", str(checkpoint), "--json", *FEW]
    assert main(["sensitivity", *arguments]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tested / "sensitivity.json").read_text())


def test_a_study_keeps_its_sensitivity_and_its_report_shows_it(planted, tmp_path, monkeypatch):
    """Folds with networks, made by hand; the held-out subjects' videos are those of the flow store."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "flow").symlink_to(planted.flow)
    folder = make_study(tmp_path / "runs", read_catalog(planted.catalog))
    study = Study.open(folder)
    assert read_study_sensitivity(folder) is None
    for subject in study.subjects:
        write_checkpoint(study.fold(subject, 0).folder / "model.ckpt")
    assert main(["sensitivity", "--study", str(folder), *FEW]) == 0
    summary = read_study_sensitivity(folder)
    assert {one["name"] for one in summary["recordings"]} <= {f"{s}/{v}" for s in planted.subjects for v in "ab"}
    page = report_page([ReportedStudy.of_study(Study.open(folder))])
    assert summary["sentence"] in page
    labels = {key: study.catalog.expressions_of(key) for key in [video.key for video in study.catalog.videos]}
    for row in (folder / "sensitivity.csv").read_text().splitlines()[1:]:
        name, _, onset, _, offset, *_ = row.split(",")
        for label in labels[tuple(name.split("/"))]:
            assert int(offset) < label.onset or int(onset) > label.offset


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["--flow", "--study"]),
        (["a.mp4", "--flow", "store"], ["one of them"]),
        (["a.mp4", "--pixels", "4", "1"], ["--pixels 4 1"]),
        (["a.mp4", "--seconds", "0", "1"], ["--seconds", "above 0"]),
        (["missing.mp4"], ["missing.mp4"]),
        (["--flow", "nowhere"], ["nowhere", "memodule extract"]),
        (["--study", "nowhere"], ["nowhere", "study.json"]),
        (["--study", "nowhere", "--rule", "rise_fall"], ["--rule", "--study"]),
    ],
)
def test_mistakes_are_one_line(arguments, parts, checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own = [] if "--study" in arguments else ["--checkpoint", str(checkpoint)]
    assert main(["sensitivity", *arguments, *own]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert all(part in error for part in parts)


def test_videos_without_a_face_or_room_are_named(checkpoint, face_frames, tmp_path, capsys):
    write_video(tmp_path / "nobody.avi", [np.full_like(face_frames[0], 90)] * 30, 30)
    options = ["--checkpoint", str(checkpoint), "--out", str(tmp_path / "out"), "--method", "features", "--quiet"]
    assert main(["sensitivity", str(tmp_path / "nobody.avi"), *options]) == 1
    assert "nobody.avi" in capsys.readouterr().err
    assert not (tmp_path / "out" / "sensitivity.json").exists()
    write_video(tmp_path / "short.avi", face_frames[:24], 30)
    assert main(["sensitivity", str(tmp_path / "short.avi"), *options, "--seconds", "0.9", "1.2"]) == 2
    error = capsys.readouterr().err
    assert "short.avi" in error
    assert "--seconds" in error


def test_a_store_without_the_checkpoint_s_features_says_what_it_has(checkpoint, tmp_path, capsys):
    store = FlowStore(tmp_path / "flow", FlowParameters(window=30))
    store.put("1", "a", np.zeros((3, 36, 30)), fps=30.0, frames=60, source={"kind": "test"})
    assert main(["sensitivity", "--flow", str(tmp_path / "flow"), "--checkpoint", str(checkpoint)]) == 2
    error = capsys.readouterr().err
    assert "window30" in error
    assert "--window 10" in error
