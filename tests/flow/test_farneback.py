import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memodule.errors import UserError
from memodule.flow.engines import flow_engine
from memodule.flow.farneback import OpenCvEngine
from memodule.flow.regions import face_layout


def texture(shape, seed, blur, contrast):
    noise = np.random.default_rng(seed).integers(0, 255, shape).astype(np.float32)
    return np.clip((cv2.GaussianBlur(noise, (0, 0), blur) - 127) * contrast + 127, 0, 255).astype(np.uint8)


def flow_of(name, reference, patch):
    engine = flow_engine(name)
    return engine.flow(engine.reference(reference), patch)


@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 150),
    width=st.integers(1, 180),
    blur=st.floats(0.5, 3),
    contrast=st.floats(0.1, 4),
    shift=st.tuples(st.integers(-6, 6), st.integers(-6, 6)),
)
@settings(max_examples=120)
def test_compiled_flow_is_that_of_opencv(seed, height, width, blur, contrast, shift):
    """Small and large patches of one to three pyramid levels; smooth, noisy and almost flat; motion beyond reach."""
    pytest.importorskip("numba")
    image = texture((height + 12, width + 12), seed, blur, contrast)
    reference, patch = image[6:-6, 6:-6], image[6 + shift[1] :, 6 + shift[0] :][:height, :width]
    np.testing.assert_allclose(flow_of("numba", reference, patch), flow_of("opencv", reference, patch), atol=1e-4)


@given(seed=st.integers(0, 10_000), height=st.integers(1, 140), width=st.integers(1, 140))
@settings(max_examples=60)
def test_compiled_flow_is_that_of_opencv_between_unlike_patches(seed, height, width):
    pytest.importorskip("numba")
    reference, patch = np.random.default_rng(seed).integers(0, 256, (2, height, width), np.uint8)
    np.testing.assert_allclose(flow_of("numba", reference, patch), flow_of("opencv", reference, patch), atol=1e-4)


def test_compiled_flow_is_that_of_opencv_on_faces(golden_numbers):
    pytest.importorskip("numba")
    geometry = golden_numbers("parts_geometry")
    reference, crop = geometry["plain_k30/0/crop"], geometry["plain_k30/30/crop"]
    for area in face_layout(geometry["plain_k30/0/lm320"]).patches:
        patches = [area.of(image) for image in (reference, crop)]
        np.testing.assert_allclose(flow_of("numba", *patches), flow_of("opencv", *patches), atol=1e-4)


def test_flow_points_from_reference_to_patch(engine):
    image = texture((90, 120), 1, 2, 4)
    flow = flow_of(engine, image[10:-10, 10:-10], image[12:-8, 11:-9])  # the content moves by (-1, -2)
    np.testing.assert_allclose(flow[:, 20:-20, 20:-20].mean((1, 2)), (-1, -2), atol=0.05)


def test_fastest_installed_engine_is_chosen():
    pytest.importorskip("numba")
    assert flow_engine().name == "numba"
    assert flow_engine("opencv").name == "opencv"


def test_without_numba_opencv_does_the_work(monkeypatch):
    for module in [name for name in sys.modules if name.startswith("memodule.flow.compiled")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "numba", None)
    assert isinstance(flow_engine("auto"), OpenCvEngine)
    with pytest.raises(UserError, match=r"numba .* pip install 'memodule\[fast\]'"):
        flow_engine("numba")
