"""`memodule synth` as a user meets it."""

import numpy as np
import pytest

from memodule import cli
from memodule.datasets.catalog import read_catalog
from memodule.flow.parameters import FlowParameters
from memodule.flow.store import FlowStore
from memodule.synthetic.timelines import simulate_timelines

WORDS = ["--subjects", "1", "--videos", "1", "--frames", "90", "--workers", "1", "--quiet"]


def test_videos_and_a_summary(tmp_path, capsys):
    assert cli.main(["synth", str(tmp_path / "out"), *WORDS, "--difficulty", "easy", "--fps", "25"]) == 0
    catalog = read_catalog(tmp_path / "out")
    micros = sum(e.kind == "micro" for e in catalog.expressions)
    printed = capsys.readouterr().out
    assert printed.startswith(f"{tmp_path / 'out'}: 1 subjects, 1 videos, {micros} micro- and ")
    assert catalog.videos[0].fps == 25
    assert catalog.videos[0].path.is_file()


def test_a_stand_in_is_a_catalog_with_a_flow_store(tmp_path, capsys):
    out, store = tmp_path / "samm like", tmp_path / "flow"
    assert cli.main(["synth", str(out), "--like", "samm_lv", "--flow", str(store), "--seed", "1"]) == 0
    shown = capsys.readouterr()
    assert "147 videos, 159 micro- and 343 macro-expressions" in shown.out
    assert "do not exist" in shown.err
    catalog = read_catalog(out)
    assert catalog.expressions == simulate_timelines("samm_lv", 1).expressions
    assert not any(video.path.exists() for video in catalog.videos)
    flow = FlowStore(store, FlowParameters(window=30, frame_step=7))
    for video in catalog.videos[::20]:
        record = flow.get(video.subject, video.video)
        assert record.source == {"kind": "simulated", "like": "samm_lv", "seed": 1, "version": 1}
        assert (record.fps, record.frames) == (video.fps, video.frames)
        assert np.abs(record.windows).max() < 30


def test_features_of_real_videos_are_not_replaced(tmp_path, capsys):
    store = FlowStore(tmp_path / "flow", FlowParameters(window=30, frame_step=7))
    video = simulate_timelines("samm_lv").videos[3]
    record = store.put(
        video.subject, video.video, np.ones((2, 36, 30)), fps=200, frames=9, source={"kind": "video", "path": "x"}
    )
    command = ["synth", str(tmp_path / "out"), "--like", "samm_lv", "--flow", str(tmp_path / "flow"), "--quiet"]
    assert cli.main(command) == 2
    assert "features of a real video would be replaced; use another --flow folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert store.get(video.subject, video.video).sha256 == record.sha256


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--like", "samm_lv", "--subjects", "3"], "--subjects cannot be combined with --like"),
        (["--like", "samm_lv", "--format", "video"], "--format cannot be combined with --like"),
        (["--flow", "x"], "--flow needs --like"),
        (["--like", "samm_lv", "--window", "30"], "add --flow"),
        (["--like", "casme3", "--seed", "-1"], "seed: -1; use 0 or more"),
        (["--like", "samm_lv", "--flow", "x", "--window", "31"], "window 31: a window has an even number"),
        (["--frames", "5"], "frames: 5 is too short"),
    ],
)
def test_mistakes_cost_one_line_and_leave_nothing(tmp_path, capsys, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["synth", "out", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
