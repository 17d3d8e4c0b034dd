import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memodule.errors import UserError
from memodule.flow import FlowExtractor
from memodule.flow.engines import flow_engine
from memodule.flow.face import FaceFinder, face_finder
from memodule.flow.pooling import pool
from memodule.flow.regions import REGIONS, face_layout
from memodule.flow.window import SharedFrame, Window, _Reference
from memodule.networks.metst import METST_CHANNELS

GOLDEN = ["plain_k30", "late_face_k30", "side_border_k30"]


@pytest.mark.parametrize("video", GOLDEN)
def test_published_features_are_the_published_ones(video, engine, golden_frames, golden_numbers):
    golden = golden_numbers(video)
    features = FlowExtractor(30, "published", engine).extract(golden_frames(video))
    assert features.shape == golden["flow"].shape
    assert features.dtype == np.float32
    ties = np.repeat(golden["ties"], 2, axis=1)
    difference = np.abs(features - golden["flow"])
    assert difference[~ties].max() < 1e-4
    assert difference[ties].max(initial=0) < 1e-2


@pytest.mark.parametrize("video", GOLDEN)
def test_older_features_are_a_selection(video, golden_numbers):
    """Where the first frame shows a face; else the older extractor takes its reference from another window."""
    golden = golden_numbers(video)
    selection = golden["flow"][:, METST_CHANNELS]
    face_at_once = np.abs(selection[:, :, 1]).sum(1) > 0
    assert face_at_once.sum() >= 2
    np.testing.assert_allclose(selection[face_at_once], golden["flow_10"][face_at_once], atol=1e-4)


def test_windows_start_half_a_window_apart_and_are_independent(golden_frames):
    frames = golden_frames("side_border_k30")
    extractor = FlowExtractor(20)
    features = extractor.extract(frames[:47])
    assert features.shape == (3, 36, 20)  # the last 7 frames are in no window
    for i, window in enumerate(features):
        np.testing.assert_array_equal(extractor.extract(frames[10 * i : 10 * i + 20])[0], window)


def test_windows_of_two_phases_are_those_of_the_video_and_of_the_video_cut_by_half_as_much(golden_frames):
    frames = golden_frames("side_border_k30")[:46]
    both = FlowExtractor(20, phases=2).extract(frames)
    assert len(both) == 6
    np.testing.assert_array_equal(both[::2], FlowExtractor(20).extract(frames))
    np.testing.assert_array_equal(both[1::2], FlowExtractor(20).extract(frames[5:]))


def test_windows_that_find_the_face_in_the_same_frame_share_its_flow(golden_frames, monkeypatch):
    frames = golden_frames("late_face_k30")[26:49]  # the face appears at 40
    motion, measured = _Reference.motion, []
    monkeypatch.setattr(_Reference, "motion", lambda self, frame: measured.append(self) or motion(self, frame))
    together = list(FlowExtractor(20, phases=5).stream(frames))
    assert [window.reference for window in together] == [14, 12]
    assert measured.count(measured[0]) == 8  # each frame after the common reference once
    measured.clear()
    alone = [next(FlowExtractor(20).stream(frames[start:])) for start in (0, 2)]
    assert len(measured) == 12
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.flow, other.flow)
        assert (one.shifts, one.saturated) == (other.shifts, other.saturated)


@pytest.mark.parametrize("count", [0, 1, 29])
def test_short_videos_have_no_window(count, golden_frames):
    assert FlowExtractor(30).extract(golden_frames("side_border_k30")[:count]).shape == (0, 36, 30)


def test_odd_windows_are_refused():
    with pytest.raises(UserError, match=r"window 31: .* even"):
        FlowExtractor(31)


def test_reference_column_is_zero_and_later_ones_are_not(golden_frames):
    features = FlowExtractor(20).extract(golden_frames("plain_k30")[:30])
    assert not features[:, :, 0].any()
    assert (np.abs(features[:, :, 1:]).sum(1) > 0).all()


def test_late_face_gives_zeros_until_it_comes(golden_frames):
    windows = list(FlowExtractor(30).stream(golden_frames("late_face_k30")))
    assert [window.reference for window in windows] == [None, 25, 10, 0, 0]
    for window in windows[1:]:
        assert not window.flow[:, : window.reference + 1].any()
        assert window.flow[:, window.reference + 1 :].any(0).all()


@pytest.mark.parametrize("shade", [0, 255])
def test_without_a_face_all_is_zero(shade):
    window = next(FlowExtractor(10).stream(np.full((10, 120, 160), shade, np.uint8)))
    assert window.reference is None
    assert not window.flow.any()


@pytest.mark.parametrize("compensation", ["corrected", "published"])
def test_lost_face_gives_finite_values(compensation, face_video):
    frames = face_video(20)
    frames[8:] = np.random.default_rng(0).integers(0, 255, frames[8:].shape)
    features = FlowExtractor(10, compensation).extract(frames)
    assert np.isfinite(features).all()
    assert np.abs(features[0, :, 2:8]).max() < 1
    assert np.abs(features[0, :, 8:]).max() > 2
    assert not features[2].any()  # this window sees no face at all


def test_of_two_faces_the_best_scored_one_is_followed(face_video):
    left, right = face_video(10, size=(200, 240), side=150), face_video(10, size=(200, 240), side=170, seed=1)
    frames = np.concatenate([left, right], axis=2)
    landmarks = face_finder().find(frames[0])
    window = next(FlowExtractor(10).stream(frames))
    assert window.box.left <= landmarks[30, 0] <= window.box.left + window.box.width
    sides = [next(FlowExtractor(10).stream(part)).box.width for part in (left, right)]
    assert window.box.width in sides  # not a box around both


def test_searches_are_shared_between_windows(golden_frames, monkeypatch):
    searched = []
    find = FaceFinder.find
    monkeypatch.setattr(FaceFinder, "find", lambda self, image: searched.append(image.shape) or find(self, image))
    frames = np.zeros((30, 90, 120), np.uint8)
    list(FlowExtractor(10).stream(frames))
    assert searched.count((90, 120)) == 30


def test_streaming_reads_no_frame_too_many(golden_frames):
    frames = iter(golden_frames("side_border_k30"))
    windows = list(FlowExtractor(20).stream(frames, windows=2))
    assert len(windows) == 2
    assert len(list(frames)) == 30


@given(height=st.integers(1, 200), width=st.integers(1, 200), seed=st.integers(0, 1000), face=st.booleans())
@settings(max_examples=25)
def test_frames_of_any_size_give_defined_features(height, width, seed, face, golden_frames):
    random = np.random.default_rng(seed)
    if face:
        frames = golden_frames("late_face_k30")[40:46]
        top, left = (
            random.integers(0, max(1, size - part + 1))
            for size, part in zip(frames.shape[1:], (height, width), strict=True)
        )
        frames = frames[:, top : top + height, left : left + width]
    else:
        frames = random.integers(0, 255, (6, height, width), np.uint8)
    for compensation in ("corrected", "published"):
        features = FlowExtractor(4, compensation).extract(frames)
        assert features.shape == (2, 36, 4)
        assert np.isfinite(features).all()


class MockedFace(FaceFinder):
    """Gives the same landmarks for every crop."""

    def __init__(self, landmarks):
        self.landmarks = landmarks

    def find(self, image):
        return self.landmarks


@pytest.mark.parametrize(
    ("points", "by", "patch"),
    [
        (slice(22, 27), (-220, 0), "right brow"),
        (slice(48, 67), (0, 140), "mouth"),
        (slice(30, 36), (0, -175), "nostrils"),
        (slice(29, 31), (0, -170), "nose"),
        (slice(29, 31), (-155, 0), "nose"),
        (slice(42, 48), (140, 0), "right lid"),
    ],
)
@pytest.mark.parametrize("compensation", ["corrected", "published"])
def test_what_crashed_the_published_code_gives_defined_values(
    points, by, patch, compensation, engine, golden_frames, golden_numbers
):
    landmarks = golden_numbers("parts_geometry")["plain_k30/0/lm320"].copy()
    landmarks[points] += by
    frames = golden_frames("plain_k30")
    face = face_finder().find(frames[0])
    window = Window(4, compensation, flow_engine(engine), MockedFace(landmarks))
    result = [window.add(SharedFrame(frame, lambda _: face)) for frame in frames[:4]][-1]
    assert patch in result.undefined
    assert np.isfinite(result.flow).all()
    layout = face_layout(landmarks)
    for i, region in enumerate(layout.regions):
        if layout.patches[region.patch].is_empty:
            assert not result.flow[2 * i : 2 * i + 2].any(), REGIONS[i]
    assert result.flow[:, 1:].any(0).all()


def test_undefined_patches_are_logged(golden_frames, golden_numbers, monkeypatch, caplog):
    landmarks = golden_numbers("parts_geometry")["plain_k30/0/lm320"].copy()
    landmarks[48:67] += (0, 160)
    find = FaceFinder.find
    monkeypatch.setattr(
        FaceFinder, "find", lambda self, image: landmarks if image.shape == (320, 320) else find(self, image)
    )
    with caplog.at_level(logging.WARNING):
        FlowExtractor(4).extract(golden_frames("plain_k30")[:6])
    assert [record.message for record in caplog.records] == [f"window {i}: no defined flow in mouth" for i in range(2)]


def channels_of_smile(window, smile, side, centre, smile_truth):
    """The channels (36, k) that the drawn smile should give, in the crop of a window."""
    layout = face_layout(window.landmarks)
    scale = 320 / window.box.width, 320 / window.box.height
    x, y = np.meshgrid(np.arange(320), np.arange(320))
    in_frame = (x + 0.5) / scale[0] + window.box.left - 0.5, (y + 0.5) / scale[1] + window.box.top - 0.5
    truth = np.zeros((18, 2, len(smile)))
    for column, amount in enumerate(smile):
        field = smile_truth(*in_frame, side, centre, amount)
        flow = np.stack([part * by for part, by in zip(field, scale, strict=True)]).astype(np.float32)
        vectors = [pool(layout.patches[region.patch].of(flow), region) for region in (layout.head, *layout.regions)]
        truth[:, :, column] = np.array(vectors[1:]) - vectors[0]
    return truth.reshape(36, -1)


def head_motion(count, amplitude):
    """A smooth path (count, 2) of the head, in pixels of the frame, at 30 frames per second."""
    t = 2 * np.pi * np.arange(count) / 30
    path = np.stack([2 * amplitude * np.sin(0.5 * t), amplitude * np.sin(0.35 * t + 1)], 1)
    return path - path[0]


@pytest.mark.parametrize(
    ("side", "amplitude"), [(130, 2), (130, 8), (150, 8), (180, 2), (215, 8), (250, 2), (290, 8), (330, 2), (330, 8)]
)
def test_corrected_motion_compensation_comes_closer_to_the_truth(side, amplitude, face_video, smile_truth):
    """Head sway of some pixels of the crop, a smile of 2 px that comes and goes; root mean square over channels."""
    count, size, centre = 30, (int(side * 1.5), int(side * 1.4)), (side * 0.75, side * 0.7)
    motion = head_motion(count, amplitude * side / 320)
    smile = (1 - np.cos(2 * np.pi * np.arange(count) / count)) * side / 320
    frames = face_video(count, size, side, centre, motion, smile)
    corrected, published = (next(FlowExtractor(count, c).stream(frames)) for c in ("corrected", "published"))
    truth = channels_of_smile(corrected, smile, side, centre, smile_truth)
    error, published_error = (np.sqrt(np.mean((window.flow - truth) ** 2)) for window in (corrected, published))
    assert np.abs(truth).max() > 1.2
    assert error < 0.9 * published_error
    assert error < 0.25


def test_corrected_motion_compensation_keeps_its_scale_at_the_edge_of_the_frame(face_video):
    """The box touches the left edge, and the head goes on to the left."""
    motion = np.stack([-np.minimum(np.arange(24), 16) * 0.8, np.zeros(24)], 1)
    frames = face_video(24, (240, 240), 190, (98, 120), motion)
    errors = {c: np.abs(FlowExtractor(24, c).extract(frames)).mean() for c in ("published", "corrected")}
    assert errors["corrected"] < 0.6 * errors["published"]
