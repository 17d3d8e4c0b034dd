import csv
import json

import numpy as np
import pytest

from memodule.cli import main
from memodule.datasets import Catalog, Video
from memodule.flow import FlowParameters, FlowStore
from memodule.synthetic.frame_files import write_images, write_video


@pytest.fixture(scope="module")
def catalog(tmp_path_factory, golden_frames):
    """A folder with a good video; and another with a good video, one without a face, and one that is not there."""
    folder = tmp_path_factory.mktemp("data")
    frames = golden_frames("plain_k30")[:12]
    write_video(folder / "good.avi", frames, 30)
    write_images(folder / "blank", np.zeros_like(frames))
    good = Video("s", "good", folder / "good.avi", 30, 12)
    others = Video("s", "blank", folder / "blank", 30, 12), Video("s", "gone", folder / "gone", 30, 12)
    Catalog((good,)).write(folder)
    Catalog((good, *others)).write(folder / "troubled")
    return folder


def test_extract_gives_features_quality_and_pictures(catalog, tmp_path, capsys):
    arguments = ["extract", str(catalog), "--out", str(tmp_path / "store"), "--window", "6", "--frame-step", "2"]
    assert main([*arguments, "--preview", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("1 videos extracted in ")
    assert shown.err == ""
    store = FlowStore(tmp_path / "store", FlowParameters(6, frame_step=2))
    record = store.get("s", "good")
    assert record.shape == (1, 36, 6)
    assert (store.folder / "previews" / f"{store.description_path('s', 'good').stem}.png").is_file()
    with (store.folder / "quality.csv").open() as file:
        assert [row["video"] for row in csv.DictReader(file)] == ["good"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("0 videos extracted, 1 were complete before\n")


def test_exit_status_and_summary_report_troubled_videos(catalog, tmp_path, capsys):
    arguments = ["extract", str(catalog / "troubled"), "--out", str(tmp_path / "store"), "--window", "6"]
    assert main([*arguments, "--preview", "--workers", "1"]) == 1
    shown = capsys.readouterr().out
    assert "2 videos extracted" in shown
    assert "1 failed" in shown
    assert "problem: s/blank: no face" in shown
    assert "problem: s/gone: " in shown
    store = FlowStore(tmp_path / "store", FlowParameters(6))
    assert len(list((store.folder / "previews").glob("*.png"))) == 2
    assert main([*arguments, "--json", "--workers", "1"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["features"] == str(store.folder)
    assert report["quality"] == str(store.folder / "quality.csv")
    videos = {video.pop("video"): video for video in report["videos"]}
    assert videos["good"] == {"subject": "s", "state": "complete", "problem": None, "remarks": []}
    assert videos["blank"]["problem"].startswith("no face")
    assert videos["gone"]["state"] == "failed"


def test_mistakes_are_one_line(catalog, tmp_path, capsys):
    for arguments, complaint in (
        ([str(tmp_path / "nowhere")], "nowhere/videos.csv: "),
        ([str(catalog), "--window", "7"], "window 7: "),
        ([str(catalog), "--frame-step", "0"], "frame_step 0: "),
    ):
        assert main(["extract", *arguments, "--out", str(tmp_path / "store")]) == 2
        error = capsys.readouterr().err
        assert complaint in error
        assert error.count("\n") == 1
    assert not (tmp_path / "store").exists()
