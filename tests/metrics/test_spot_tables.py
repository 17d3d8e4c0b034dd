"""A table of `memodule spot`, written by its own code, scored by `memodule evaluate`."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from memodule.cli import main
from memodule.emotions import FRAME_CLASSES
from memodule.spotting.result import Section, SpottedExpression, spotted_csv

TRUTH = """\
subject,video,onset,offset,emotion
006,a,100,119,negative
006,a,300,319,positive
007,b,50,69,surprise
"""
VIDEOS = (
    "subject,video,path,fps,frames\n006,a,clips/a.mp4,30,1000\n007,b,clips/b.mp4,30,1000\n008,c,clips/c.mp4,30,900\n"
)


def spotted(path, expressions, sections):
    """What `memodule.spotting.result.spotted_csv` reads of a `SpottedVideo`."""
    found = [
        SpottedExpression(
            on, on + 4, off, on / 30, (on + 4) / 30, off / 30, emotion, dict.fromkeys(FRAME_CLASSES, 0.2), c
        )
        for on, off, emotion, c in expressions
    ]
    unseen = [Section(first, last, first / 30, last / 30, "no face") for first, last in sections]
    return SimpleNamespace(path=Path(path), expressions=found, not_analysed=unseen, uncalibrated=None)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("truth.csv").write_text(TRUTH)
    (tmp_path / "data").mkdir()
    Path("data/videos.csv").write_text(VIDEOS)
    videos = [
        spotted("data/clips/a.mp4", [(102, 121, "negative", 0.9), (500, 519, "others", 0.2)], [(250, 349)]),
        spotted(tmp_path / "data" / "clips" / "b.mp4", [(51, 69, "surprise", 0.8)], []),
        spotted("data/clips/../clips/c.mp4", [(10, 29, "negative", 0.3)], [(0, 4), (800, 899)]),
    ]
    Path("spot.csv").write_text(spotted_csv(videos))
    return tmp_path


def evaluated(capsys, *words):
    assert main(["evaluate", "spot.csv", "truth.csv", *words, "--json"]) == 0
    streams = capsys.readouterr()
    return json.loads(streams.out), " ".join(streams.err.split())


def test_files_are_found_among_the_videos_and_parts_without_analysis_are_no_predictions(files, capsys):
    result, said = evaluated(capsys, "--videos", "data/videos.csv", "--per-subject", "--details")
    counts = {name: (row["tp"], row["fp"], row["fn"]) for name, row in result["subjects"].items()}
    assert counts == {"006": (1, 1, 1), "007": (1, 0, 0), "008": (0, 1, 0)}
    assert "spot.csv: 205 frames of 2 videos were not analysed; expressions there count as missed" in said
    assert result["timing"]["onset"] == {"pairs": 2, "bias": pytest.approx(50), "mae": pytest.approx(50)}
    assert result["ranking"]["average_precision"] == pytest.approx(2 / 3)
    assert result["recognition"]["confusion"][2][2] == 1


def test_a_table_with_a_column_subject_may_keep_such_rows(files, capsys):
    Path("spot.csv").write_text(
        "subject,video,kind,onset,offset,emotion,confidence\n"
        "006,a,micro,102,121,negative,0.9\n006,a,not_analysed,250,349,,\n"
    )
    result, said = evaluated(capsys)
    assert (result["spotting"]["tp"], result["spotting"]["fp"], result["spotting"]["fn"]) == (1, 0, 2)
    assert "100 frames of 1 video were not analysed" in said


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (
            None,
            [],
            "pass --videos with the columns subject",
        ),
        (
            ("clips/a.mp4", "clips/x.mp4"),
            ["--videos", "data/videos.csv"],
            "spot.csv, row 2: --videos has no path data/",
        ),
        (("path", "file"), ["--videos", "data/videos.csv"], "videos.csv, row 1: no column path"),
    ],
)
def test_what_cannot_be_found_is_one_line(files, capsys, change, words, message):
    if change:
        Path("data/videos.csv").write_text(VIDEOS.replace(*change))
    assert main(["evaluate", "spot.csv", "truth.csv", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_in_a_truth_file_such_rows_are_refused(files, capsys):
    Path("truth.csv").write_text("subject,video,kind,onset,offset,emotion\n006,a,not_analysed,1,9,\n")
    assert main(["evaluate", "spot.csv", "truth.csv", "--videos", "data/videos.csv"]) == 2
    assert "truth.csv, row 2: kind 'not_analysed' is neither 'micro' nor 'macro'" in capsys.readouterr().err
