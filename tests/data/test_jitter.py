import pytest
import torch

from memodule.data.jitter import jittered


def flow() -> torch.Tensor:
    return torch.randn(400, 36, 10, generator=torch.Generator().manual_seed(0))


def test_each_window_is_scaled_by_one_factor_within_the_range():
    torch.manual_seed(0)
    ratio = jittered(flow(), 0.1) / flow()
    factor = ratio[:, :1, :1]
    torch.testing.assert_close(ratio, factor.expand_as(ratio))
    assert 0.9 <= factor.min() < 0.92
    assert 1.08 < factor.max() <= 1.1
    assert factor.mean() == pytest.approx(1, abs=0.01)


def test_no_jitter_changes_nothing():
    windows = flow()
    assert jittered(windows, 0.0) is windows
