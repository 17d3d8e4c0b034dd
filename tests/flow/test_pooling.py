import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memodule.flow.boxes import Area
from memodule.flow.engines import flow_engine
from memodule.flow.regions import Region

TIED = (7, 8, 9, 11)
"""Cases with equally fast pixels at the cut: which of them NumPy keeps depends on the processor."""


def whole(flow, share):
    return Region(0, Area(0, flow.shape[1], 0, flow.shape[2]), share)


@pytest.mark.parametrize("case", range(12))
def test_pooling_is_the_published_one(case, golden_numbers):
    numbers = golden_numbers("parts_pooling")
    flow, share = np.moveaxis(numbers[f"in{case}"], 2, 0), float(numbers[f"p{case}"])
    found = flow_engine("opencv").pool(flow, whole(flow, share))
    least, most = pools(flow, share)
    assert case in TIED or np.allclose(least, most, atol=1e-6)
    for pooled in (found, numbers[f"out{case}"]):
        assert (least - 1e-6 <= pooled).all()
        assert (pooled <= most + 1e-6).all()


def pools(flow, share):
    """Least and largest mean, per component, over every choice among equally fast pixels at the cut."""
    pixels = flow.reshape(2, -1).astype(np.float64)
    if not pixels.size:
        return np.zeros((2, 2))
    speed = np.hypot(*flow.reshape(2, -1).astype(np.float32))
    kept = speed.size - int(speed.size * (1 - share))
    cut = np.sort(speed)[-kept]
    surely, tied = pixels[:, speed > cut + 1e-6], np.sort(pixels[:, np.abs(speed - cut) <= 1e-6])
    chosen = kept - surely.shape[1]
    return [(surely.sum(1) + part.sum(1)) / kept for part in (tied[:, :chosen], tied[:, tied.shape[1] - chosen :])]


@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    share=st.sampled_from([0.2, 0.3, 0.7]),
)
@settings(max_examples=100)
def test_engines_pool_alike(seed, height, width, share):
    pytest.importorskip("numba")
    flow = np.random.default_rng(seed).normal(size=(2, height + 4, width + 6)).astype(np.float32)
    region = Region(0, Area(1, 1 + height, 2, 2 + width), share)
    results = [flow_engine(name).pool(flow, region) for name in ("opencv", "numba")]
    np.testing.assert_allclose(results[0], results[1], atol=1e-6)
    least, most = pools(flow[:, 1 : 1 + height, 2 : 2 + width], share)
    assert ((least - 1e-6 <= results[0]) & (results[0] <= most + 1e-6)).all()


def test_number_left_out_is_rounded_in_double_precision(engine):
    """1 - .7 is .30000000000000004 and 90 * .7 is less than 63."""
    flow = np.zeros((2, 9, 10), np.float32)
    flow[0] = np.arange(1, 91).reshape(9, 10)
    x, _ = flow_engine(engine).pool(flow, whole(flow, 0.3))
    assert x == pytest.approx(np.arange(63, 91).mean())


def test_equally_fast_pixels_count_once_each(engine):
    flow = np.ones((2, 10, 10), np.float32)
    assert flow_engine(engine).pool(flow, whole(flow, 0.3)) == (1, 1)


def test_empty_region_is_zero(engine):
    assert flow_engine(engine).pool(np.ones((2, 5, 5), np.float32), Region(0, Area(2, 2, 0, 5), 0.3)) == (0, 0)
