import dataclasses

import numpy as np
import pytest

from memodule.decoding.curves import VideoCurve, curve_key, read_curves, write_curves
from memodule.errors import UserError


def curve(subject: str, video: str, length: int) -> VideoCurve:
    rng = np.random.default_rng(length)
    logits = rng.normal(size=(length, 5)).astype(np.float32)
    return VideoCurve(subject, video, rng.random(length, dtype=np.float32), logits, 200.0, 7)


def test_curves_come_back_as_they_were_written(tmp_path):
    written = [curve("006", "1", 45), curve("006", "kurz", 0), curve("ü/1", "b", 30)]
    write_curves(tmp_path / "curves.npz", written)
    for ours, theirs in zip(read_curves(tmp_path / "curves.npz"), written, strict=True):
        assert (ours.key, ours.fps, ours.frame_step) == (theirs.key, 200.0, 7)
        np.testing.assert_array_equal(ours.score, theirs.score)
        np.testing.assert_array_equal(ours.logits, theirs.logits)


def test_the_spread_comes_back_and_files_without_are_read(tmp_path):
    path, plain = tmp_path / "curves.npz", curve("006", "1", 45)
    spread = np.linspace(0, 1, 45, dtype=np.float32)
    spread[:5] = np.nan
    with_spread = dataclasses.replace(curve("006", "2", 45), spread=spread)
    write_curves(path, [plain, with_spread])
    read = read_curves(path)
    assert read[0].spread is None
    np.testing.assert_array_equal(read[1].spread, spread)
    assert curve_key(read[1]) != curve_key(dataclasses.replace(read[1], spread=None))
    write_curves(path, [plain])
    with np.load(path) as file:
        assert "spread" not in file.files  # as earlier versions wrote it
    assert read_curves(path)[0].spread is None


def test_no_curve_at_all_is_a_file_too(tmp_path):
    write_curves(tmp_path / "curves.npz", [])
    assert read_curves(tmp_path / "curves.npz") == []


def test_probabilities_are_the_softmax_and_never_overflow():
    logits = np.array([[0, 0, 0, 0, 0], [1000, 0, 0, 0, 0]], np.float32)
    probabilities = VideoCurve("s", "v", np.zeros(2, np.float32), logits, 30, 1).probabilities
    np.testing.assert_allclose(probabilities, [[0.2] * 5, [1, 0, 0, 0, 0]])


def test_broken_files_are_named(tmp_path):
    path = tmp_path / "curves.npz"
    with pytest.raises(UserError, match=r"curves.npz: no such file; run `memodule loso`"):
        read_curves(path)
    write_curves(path, [curve("006", "1", 45)])
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(UserError, match=r"curves.npz: .*score curves, or damaged"):
        read_curves(path)
    broken = curve("006", "1", 45)
    broken.score[7] = np.nan
    write_curves(path, [curve("006", "2", 45), broken])
    with pytest.raises(UserError, match="numbers that are not finite"):
        read_curves(path)
