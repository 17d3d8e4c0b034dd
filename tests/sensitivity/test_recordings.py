"""Whole tests of a recording, with a network that knows one thing: how far the left outer brow is from where it was."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from memodule.datasets import Catalog, Expression, Video
from memodule.decoding.protocol import Protocol
from memodule.flow import FlowParameters, FlowStore
from memodule.intervals import RelativeHeight
from memodule.sensitivity.movements import Trial
from memodule.sensitivity.recordings import MeasuredVideo, stored_recordings
from memodule.sensitivity.study import unlabelled
from memodule.sensitivity.summary import COLUMNS, sensitivity_csv, summarize
from memodule.sensitivity.trials import plan, run
from memodule.spotting.faces import FaceChoice
from memodule.spotting.spotter import Spotter
from memodule.synthetic.frame_files import write_video
from memodule.training.checkpoints import FoldModel

BROWS = slice(0, 16)
PROTOCOL = Protocol(filter_neutral=False, iou=0.3)


class BrowWatcher(torch.nn.Module):
    """Scores the largest motion of the brows: half at 2 px of the crop."""

    def forward(self, flow):
        speed = flow[:, BROWS].abs().amax(dim=1)
        return torch.sigmoid(6 * (speed - 2)), torch.zeros(*speed.shape, 5)


@pytest.fixture(scope="module")
def model():
    labels = [Expression("1", "a", "micro", 10, 16, 22, "negative")]
    rule = RelativeHeight(least=0.3).fit(labels, fps=30)
    network = BrowWatcher().eval()
    parameters = FlowParameters(window=30)
    classes = ("negative", "positive", "surprise", "others", "neutral")
    return FoldModel(network, 64, parameters, 30.0, classes, rule, PROTOCOL, 32, "1", "test", ())


@pytest.fixture(scope="module", params=[1, 2], ids=["one phase", "two phases"])
def stored(request, model, tmp_path_factory):
    """Two minutes of a face that moves a little, and half a minute of nobody."""
    parameters = dataclasses.replace(model.flow, phases=request.param)
    store = FlowStore(tmp_path_factory.mktemp("flow"), parameters)
    rng = np.random.default_rng(0)
    for video, frames, size in (("face", 3600, 0.1), ("nobody", 900, 0.0)):
        windows = size * rng.standard_normal((parameters.windows(frames), 36, 30))
        windows[:, :, 0] = 0
        quality = {"box_side": 320.0}
        store.put("s1", video, windows, fps=30.0, frames=frames, source={"kind": "test"}, quality=quality)
    return store


def test_the_share_found_follows_what_the_network_sees(model, stored):
    assert stored.videos() == [("s1", "face"), ("s1", "nobody")]
    recordings = stored_recordings(model, [stored.get("s1", "face")])
    assert recordings[0].minutes == pytest.approx(2, abs=0.02)
    trials = run(recordings, plan(recordings, Trial(movements=100), 0), PROTOCOL)
    assert len(trials.outcomes) == 100
    brows = [one for one in trials.outcomes if one.tried.group == "brows"]
    small = [one.counted.touched for one in brows if one.pixels < 1.2]
    large = [one.counted.touched for one in brows if one.pixels > 2.8]
    elsewhere = [one.counted.touched for one in trials.outcomes if one.tried.group in ("lip corners", "mouth and chin")]
    assert min(len(small), len(large)) >= 4
    assert not any(small)
    assert np.mean(large) >= 0.75
    assert not any(elsewhere)
    summary = summarize(trials)
    areas = {row["name"]: row["roc_area"] for row in summary["by_group"]}
    assert areas["brows"] > 0.8
    assert areas["lip corners"] == pytest.approx(0.5, abs=0.1)
    assert (summary["alarms"], summary["chance"]) == (0, 0)


def test_nothing_is_added_where_nobody_is(model, stored):
    (recording,) = stored_recordings(model, [stored.get("s1", "nobody")])
    assert not recording.free.any()
    assert not recording.untouched.analysed.any()


def test_summary_and_rows_agree(model, stored):
    recordings = stored_recordings(model, [stored.get("s1", "face")])
    trials = run(recordings, plan(recordings, Trial(movements=40, seconds=(0.4, 0.8)), 3), PROTOCOL)
    summary, rows = summarize(trials, seed=3), sensitivity_csv(trials).splitlines()
    assert rows[0] == ",".join(COLUMNS)
    cells = [dict(zip(COLUMNS, row.split(","), strict=True)) for row in rows[1:]]
    assert len(cells) == summary["movements"] == 40
    for name in ("matched", "touched"):
        assert sum(int(row[name]) for row in cells) == summary[name]["found"]
        for part in ("by_pixels", "by_share_of_face", "by_group", "by_seconds"):
            assert sum(row[name]["found"] for row in summary[part]) == summary[name]["found"]
    assert float(cells[0]["share_of_face"]) == pytest.approx(float(cells[0]["pixels"]) / 320, abs=1e-5)
    assert all(0.39 < float(row["seconds"]) < 0.81 for row in cells)
    assert summary["sentence"].endswith((".",))
    assert f"{summary['alarms_per_minute']:.1f} alarms a minute" in summary["sentence"]


def test_labelled_expressions_are_left_alone():
    expressions = (
        Expression("1", "a", "micro", 60, 66, 72, "negative"),
        Expression("1", "a", "macro", 150, None, 179, ""),
    )
    catalog = Catalog((Video("1", "a", Path("none"), 30.0, 240),), expressions)
    allowed = unlabelled(catalog, ("1", "a"), 40, 6, 2)
    assert np.flatnonzero(~allowed).tolist() == [*range(8, 15), *range(23, 32)]


def test_both_methods_agree_on_a_face(model, face_frames, tmp_path):
    """The same movements, warped into the frames and added to the features: the same are found."""
    write_video(tmp_path / "face.avi", [face_frames[0]] * 75, 30)
    video = MeasuredVideo.read(Spotter(model), tmp_path / "face.avi", None, FaceChoice(), lambda done, total: None)
    assert video.face == pytest.approx(235, abs=15)
    images, features = video.by_images(), video.by_features()
    trial = Trial(movements=2, pixels=(3.0, 4.0), seconds=(0.4, 0.6), fewest=2)
    passes = plan([images], trial, 1)
    by_images, by_features = (run([one], passes, PROTOCOL) for one in (images, features))
    assert [one.counted for one in by_images.outcomes] == [one.counted for one in by_features.outcomes]
    assert np.corrcoef(by_images.scores, by_features.scores)[0, 1] > 0.9
