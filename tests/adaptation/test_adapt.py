"""`memodule adapt` and `memodule spot --adapt` on a short recording of a generated face."""

import json
import shutil

import numpy as np
import pytest
import torch

from memodule.adaptation import cross_fitting
from memodule.adaptation.training import Adapted, Schedule
from memodule.cli import main
from memodule.data.exposure import exposures
from memodule.datasets import Catalog, Video
from memodule.datasets.frames import to_gray
from memodule.spotting import Spotter
from memodule.synthetic.frame_files import write_video
from memodule.training.checkpoints import load_fold_model

from ..spotting.conftest import write_checkpoint


@pytest.fixture(scope="module")
def recording(face_frames, tmp_path_factory):
    """Eighteen seconds: the face of three seconds, forwards and backwards."""
    path = tmp_path_factory.mktemp("recording") / "own.avi"
    write_video(path, [*face_frames, *face_frames[::-1]] * 3, 30)
    return path


@pytest.fixture(scope="module")
def adapted(recording, checkpoint, tmp_path_factory):
    """The checkpoint adapted in a few steps that are large enough to gain something."""
    out = tmp_path_factory.mktemp("adapted") / "adapted.ckpt"
    words = ["adapt", str(checkpoint), str(recording), "--out", str(out)]
    assert main([*words, "--steps", "100", "--learning-rate", "0.01", "--phases", "1", "--quiet"]) == 0
    return out


def test_the_new_weights_recognise_what_was_held_back_better(adapted, checkpoint):
    old, new = (torch.load(path, weights_only=True) for path in (checkpoint, adapted))
    assert any(not torch.equal(old["state_dict"][name], new["state_dict"][name]) for name in old["state_dict"])
    assert new["memodule"] == old["memodule"]  # the rule, too
    assert load_fold_model(adapted).network


def test_the_checkpoint_knows_the_recording(adapted, recording, tmp_path, capsys):
    model = load_fold_model(adapted)
    (seen,) = model.seen
    assert [one["frames"] for one in seen["adapted_on"]] == [540]
    renamed = shutil.copy(recording, tmp_path / "other.avi")
    catalog = Catalog(
        (Video("anna", "1", renamed, 30.0, 540), Video("bert", "1", tmp_path / "b.avi", 30.0, 540)), (), "x"
    )
    assert [how for how, _ in exposures(model.seen, "anna", catalog)] == ["were adapted on a recording of"]
    assert not list(exposures(model.seen, "bert", catalog))
    result = Spotter.from_checkpoint(adapted, phases=1).spot(renamed)
    assert any("adapted on this recording" in warning and "--adapt" in warning for warning in result.warnings)


def test_spotting_adapts_to_each_recording(recording, checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("memodule.adaptation.training.Schedule", lambda: Schedule(steps=4, batch_size=8, every=2))
    words = [
        "spot",
        str(recording),
        "--checkpoint",
        str(checkpoint),
        "--phases",
        "1",
        "--out",
        str(tmp_path),
        "--quiet",
    ]
    assert main([*words, "--adapt"]) == 0
    result = json.loads((tmp_path / "own.json").read_text())
    assert len(result["adapted"]) == 2
    assert result["adapted"][0]["first_s"] == 0
    assert result["adapted"][1]["last_s"] == pytest.approx(18, abs=0.6)
    assert "weights that never saw it" in (tmp_path / "own.html").read_text()
    assert main(words) == 0
    assert json.loads((tmp_path / "own.json").read_text())["adapted"] == []


class Recorder(torch.nn.Module):
    """Stands for adapted weights: scores every window with the number of its block, and notes which ones it saw."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, flow):
        return torch.full((len(flow), flow.shape[2]), self.number / 10), torch.zeros(len(flow), flow.shape[2], 5)


@pytest.mark.parametrize("phases", [1, 2])
def test_no_block_is_scored_by_weights_that_saw_a_frame_of_it(recording, checkpoint, phases, monkeypatch):
    spotter = Spotter.from_checkpoint(checkpoint, phases=phases)
    measured = spotter.measure(recording, keep_flow=True)
    learned = []

    def note(self, network, loss, schedule, usable, progress):
        learned.append(usable)
        return Adapted(Recorder(len(learned)), {0: 0.5}, 0)

    monkeypatch.setattr(cross_fitting.Material, "adapt", note)
    again = cross_fitting.cross_fitted(spotter, measured, Schedule())
    block = np.rint(10 * np.concatenate(again.reading.spot)[:, 0]).astype(int)
    starts = measured.reading.parameters.starts(len(block))
    assert set(block) == {1, 2}
    for number, usable in enumerate(learned, 1):
        scored = {frame for start in starts[block == number] for frame in range(start, start + 10)}
        seen = {frame for start in starts[usable] for frame in range(start, start + 10)}
        assert scored
        assert seen
        assert not scored & seen


def test_weights_that_saw_the_recording_are_not_adapted_to_it_again(adapted, recording, tmp_path, capsys):
    words = ["spot", str(recording), "--checkpoint", str(adapted), "--phases", "1", "--out", str(tmp_path), "--quiet"]
    assert main([*words, "--adapt"]) == 1
    assert "own.avi: the checkpoint was adapted on this recording" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("checkpoint_name", "video", "out", "parts"),
    [
        ("missing.ckpt", "own.avi", "new.ckpt", ["missing.ckpt"]),
        ("model.ckpt", "missing.avi", "new.ckpt", ["missing.avi"]),
        ("model.ckpt", "own.avi", "model.ckpt", ["--out model.ckpt", "checkpoint itself"]),
        ("model.ckpt", "own.avi", ".", ["--out .", "folder"]),
        ("model.ckpt", "short.avi", "new.ckpt", ["s show a face", "at least 8 s"]),
        ("model.ckpt", "nobody.avi", "new.ckpt", ["0.0 s show a face"]),
        ("foreign.ckpt", "own.avi", "new.ckpt", ["foreign.ckpt"]),
        ("bare.ckpt", "own.avi", "new.ckpt", ["bare.ckpt: does not say how it was trained"]),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(
    checkpoint_name,
    video,
    out,
    parts,
    recording,
    face_frames,
    tmp_path,
    monkeypatch,
    capsys,
):
    monkeypatch.chdir(tmp_path)
    saved = torch.load(write_checkpoint(tmp_path / "model.ckpt"), weights_only=True)
    torch.save({"weights": 1}, tmp_path / "foreign.ckpt")
    del saved["state_dict"]["loss.class_weights"]
    torch.save(saved, tmp_path / "bare.ckpt")
    shutil.copy(recording, "own.avi")
    write_video(tmp_path / "short.avi", face_frames[:60], 30)
    write_video(tmp_path / "nobody.avi", [np.full_like(to_gray(face_frames[0]), 90)] * 60, 30)
    before = (tmp_path / "model.ckpt").read_bytes()
    assert main(["adapt", checkpoint_name, video, "--out", out, "--phases", "1", "--quiet"]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning")]
    assert len(error) == 1
    assert all(part in error[0] for part in parts)
    assert not (tmp_path / "new.ckpt").exists()
    assert (tmp_path / "model.ckpt").read_bytes() == before
