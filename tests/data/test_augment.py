import pytest
import torch

from memodule.data.augment import MIRRORED_REGION, Augmentation, mirrored
from memodule.errors import UserError


def flow(count: int = 400) -> torch.Tensor:
    return torch.randn(count, 36, 10, generator=torch.Generator().manual_seed(0))


def test_jitter_scales_each_window_by_one_factor_within_its_range():
    torch.manual_seed(0)
    ratio = Augmentation(jitter=0.1)(flow()) / flow()
    factor = ratio[:, :1, :1]
    torch.testing.assert_close(ratio, factor.expand_as(ratio))
    assert 0.9 <= factor.min() < 0.92
    assert 1.08 < factor.max() <= 1.1
    assert factor.mean() == pytest.approx(1, abs=0.01)


def test_mirroring_twice_is_nothing_and_once_swaps_the_sides():
    windows = flow(3)
    torch.testing.assert_close(mirrored(mirrored(windows)), windows)
    left_corner, right_corner, nose_to_mouth = 9, 10, 8
    torch.testing.assert_close(mirrored(windows)[:, 2 * left_corner], -windows[:, 2 * right_corner])
    torch.testing.assert_close(mirrored(windows)[:, 2 * left_corner + 1], windows[:, 2 * right_corner + 1])
    torch.testing.assert_close(mirrored(windows)[:, 2 * nose_to_mouth], -windows[:, 2 * nose_to_mouth])
    assert sorted(MIRRORED_REGION) == list(range(18))


def test_mirroring_happens_as_often_as_asked():
    torch.manual_seed(0)
    windows = flow()
    changed = (Augmentation(jitter=0, mirror=0.3)(windows) != windows).flatten(1).any(1)
    assert changed.float().mean() == pytest.approx(0.3, abs=0.06)


def test_region_dropout_silences_both_directions_for_the_whole_window():
    torch.manual_seed(0)
    windows = flow()
    dropped = (Augmentation(jitter=0, region_dropout=0.25)(windows) == 0).unflatten(1, (18, 2))
    whole = dropped.flatten(2).all(2)
    assert (dropped.flatten(2).any(2) == whole).all()
    assert whole.float().mean() == pytest.approx(0.25, abs=0.02)


def test_nothing_asked_nothing_changed():
    windows = flow()
    assert Augmentation(jitter=0)(windows) is windows


def test_probabilities_outside_0_and_1_are_refused():
    with pytest.raises(UserError, match=r"data.mirror: 1.5 is outside 0 .. 1"):
        Augmentation(mirror=1.5)
