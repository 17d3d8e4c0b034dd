"""The Python of docs/own-video.md runs unchanged, with the checkpoint that it names and with the default one."""

import re
import shutil
from pathlib import Path

import cv2
import pytest

from memodule.spotting.default import CAUTION

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("checkpoint_given", [True, False])
def test_the_three_lines(checkpoint_given, checkpoint, face_frames, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(checkpoint, tmp_path / "model.ckpt")
    writer = cv2.VideoWriter("interview.mp4", cv2.VideoWriter.fourcc(*"mp4v"), 30, face_frames[0].shape[::-1])
    for frame in face_frames[:40]:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "own-video.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert len([line for line in code.splitlines() if line]) == 3
    names = {}
    exec(code if checkpoint_given else code.replace('"model.ckpt"', ""), names)
    result = names["result"]
    assert result.frames == 40
    assert result.is_analysed
    assert result.as_dict()["expressions"] == [] or result.expressions[0].emotion
    assert (CAUTION in result.warnings) == (not checkpoint_given)
