"""Whose face is spotted, in pictures with two rendered faces of different size."""

import cv2
import numpy as np
import pytest

from memodule.cli import main
from memodule.spotting import FaceChoice, Spotter
from memodule.synthetic.frame_files import write_video

SMALL = 190
"""Side of the smaller picture, left of the other one."""


@pytest.fixture(scope="module")
def two(face_frames, tmp_path_factory):
    path = tmp_path_factory.mktemp("two") / "two.avi"
    frames = []
    for large, other in zip(face_frames[:30], face_frames[30:60], strict=True):
        side = len(large)
        canvas = np.full((side, SMALL + side), 90, np.uint8)
        canvas[side - SMALL :, :SMALL] = cv2.resize(other, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
        canvas[:, SMALL:] = large
        frames.append(canvas)
    write_video(path, frames, 30)
    return path


def middles(result) -> list[float]:
    """Where the followed face is, from look to look."""
    assert result.places
    assert result.is_analysed
    return [left + width / 2 for left, _, width, _ in (place.box for place in result.places)]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("largest", "right"), ("1", "left"), ("2", "right"), ("60,250", "left"), ("400,150", "right")],
)
def test_the_largest_face_is_taken_unless_another_one_is_chosen(two, checkpoint, choice, expected):
    result = Spotter.from_checkpoint(checkpoint).spot(two, face=FaceChoice.parse(choice))
    assert all((middle < SMALL) == (expected == "left") for middle in middles(result))
    assert result.faces == 2
    assert any("2 faces at once" in warning and str(FaceChoice.parse(choice)) in warning for warning in result.warnings)


def test_each_face_has_a_curve_of_its_own(two, checkpoint, face_frames, tmp_path):
    spotter = Spotter.from_checkpoint(checkpoint)
    alone = tmp_path / "alone.avi"
    write_video(alone, face_frames[:30], 30)
    largest, smaller = (spotter.spot(two, face=face).score for face in (FaceChoice(), FaceChoice(1)))
    same = np.abs(largest - spotter.spot(alone).score).mean()
    assert same < np.abs(largest - smaller).mean() / 5


def test_a_face_that_is_not_there_leaves_the_video_not_analysed(two, checkpoint, capsys):
    assert main(["spot", str(two), "--checkpoint", str(checkpoint), "--face", "3", "--json", "-q"]) == 1
    assert '"analysed": false' in capsys.readouterr().out
