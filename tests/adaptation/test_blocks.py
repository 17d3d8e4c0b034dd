"""What is learned from shares no frame with what is scored."""

import numpy as np
import pytest

from memodule.adaptation.blocks import Starts, apart, cut, hold_back

LENGTH = 10


def window_starts(count: int, stride: int) -> Starts:
    return np.arange(count, dtype=np.int64) * stride


def frames_of(starts: np.ndarray, chosen: np.ndarray) -> set[int]:
    """Every sampled frame of the chosen windows."""
    return {frame for start in starts[chosen].tolist() for frame in range(start, start + LENGTH)}


@pytest.mark.parametrize("stride", [5, 2])
@pytest.mark.parametrize("blocks", [2, 3, 4])
def test_no_frame_of_a_block_is_learned_from(stride: int, blocks: int) -> None:
    starts = window_starts(60, stride)
    parts = cut(starts, blocks)
    assert (np.sum(parts, axis=0) == 1).all()
    assert np.ptp([part.sum() for part in parts]) <= 2
    for part in parts:
        others = apart(starts, LENGTH, part)
        assert others.sum() > 60 / blocks / 2
        assert not frames_of(starts, part) & frames_of(starts, others)


def test_windows_that_touch_are_apart() -> None:
    starts = window_starts(5, 5)
    chosen = np.array([False, False, True, False, False])
    assert apart(starts, LENGTH, chosen).tolist() == [True, False, False, False, True]
    assert apart(starts, LENGTH, np.zeros(5, bool)).all()


@pytest.mark.parametrize("stride", [5, 2])
def test_a_quarter_is_held_back_in_whole_pieces(stride: int) -> None:
    starts = window_starts(200, stride)
    usable = np.ones(200, dtype=bool)
    usable[80:90] = False
    held = hold_back(starts, LENGTH, usable)
    left = usable & apart(starts, LENGTH, held)
    assert not (held & ~usable).any()
    assert 0.15 < len(frames_of(starts, held)) / len(frames_of(starts, usable)) < 0.35
    assert left.sum() > 0.4 * usable.sum()
    assert not frames_of(starts, held) & frames_of(starts, left)


def test_nothing_is_held_back_where_nothing_is_usable() -> None:
    assert not hold_back(window_starts(20, 5), LENGTH, np.zeros(20, bool)).any()
