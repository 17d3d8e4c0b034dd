import numpy as np
import pytest

from memodule.injection.face_track import FaceTrack, track_face
from memodule.injection.warp import apex_strengths, warp, warped_frames
from memodule.synthetic.action_units import HALVES
from memodule.synthetic.faces import draw_face
from memodule.synthetic.movements import Movement


def weights_of(*units):
    return np.array([float(unit in units) for unit, _ in HALVES])


def movement(units, onset, apex, offset, pixels):
    return Movement("micro", "", onset, apex, offset, 0, 1.5, pixels, tuple(weights_of(*units)))


@pytest.fixture(scope="module")
def landmarks():
    return draw_face(np.random.default_rng(3)).landmarks


def ramps(height=300, width=300):
    """Images whose gray value is the position in half pixels, down and right, so that a warp can be read off them."""
    y, x = np.mgrid[:height, :width]
    return [np.clip(2 * (axis - start), 0, 255).astype(np.uint8) for axis, start in ((x, 90), (y, 90))]


@pytest.mark.parametrize(("units", "pixels"), [(["AU1", "AU2"], 2.0), (["AU12"], 4.0), (["AU4", "AU9"], 3.0)])
def test_the_most_moved_point_moves_by_the_wanted_pixels(landmarks, units, pixels):
    strengths = apex_strengths(landmarks, weights_of(*units), pixels)
    moved = [warp(ramp, landmarks, strengths).astype(float) - ramp for ramp in ramps()]
    assert np.hypot(*moved).max() / 2 == pytest.approx(pixels, abs=0.5)


def test_skin_moves_in_the_unit_s_direction_and_by_its_size(landmarks):
    right, down = ramps()
    strengths = apex_strengths(landmarks, weights_of("AU12"), 4.0)
    corner = tuple(np.rint(landmarks[48, ::-1]).astype(int))
    # content moves left and up (-.8, -.6), so that the value to the right and below comes to the corner
    assert warp(right, landmarks, strengths)[corner] - right[corner].astype(float) == pytest.approx(6.4, abs=1)
    assert warp(down, landmarks, strengths)[corner] - down[corner].astype(float) == pytest.approx(4.8, abs=1)


def test_the_field_grows_with_the_face(landmarks):
    weights = weights_of("AU2")
    small, large = (
        (warp(ramps(*size)[1], scale * landmarks, apex_strengths(scale * landmarks, weights, 4.0)), ramps(*size)[1])
        for scale, size in ((1.0, (300, 300)), (2.0, (600, 600)))
    )
    changed = [np.count_nonzero(after != before) for after, before in (small, large)]
    assert changed[1] / changed[0] == pytest.approx(4, rel=0.4)


def test_pixels_that_nothing_moves_keep_their_bits(landmarks):
    frame = np.random.default_rng(0).integers(0, 255, (300, 300), dtype=np.uint8)
    warped = warp(frame, landmarks, apex_strengths(landmarks, weights_of("AU12"), 4.0))
    brows = int(landmarks[17:27, 1].max())
    np.testing.assert_array_equal(warped[:brows], frame[:brows])
    assert (warped != frame).any()
    assert warp(frame, landmarks, np.zeros(len(HALVES))) is frame


def test_a_face_beyond_the_frame_is_warped_as_far_as_it_is_visible(landmarks):
    frame = np.random.default_rng(0).integers(0, 255, (300, 300), dtype=np.uint8)
    strengths = apex_strengths(landmarks, weights_of("AU12"), 4.0)
    half = warp(frame, landmarks - (landmarks[48, 0], 0), strengths)
    assert half.shape == frame.shape
    assert (half[:, :5] != frame[:, :5]).any()
    assert warp(frame, landmarks - (1000, 0), strengths) is frame


def test_movements_begin_and_end_with_their_labels_and_ride_on_the_head(landmarks):
    seconds = np.arange(0, 2, 0.1)
    drift = 10 * seconds[:, None, None] * np.array([1.0, 0.0])
    track = FaceTrack(seconds, landmarks + drift)
    frame = np.random.default_rng(1).integers(0, 255, (300, 340), dtype=np.uint8)
    out = list(warped_frames([frame] * 50, 30, track, [movement(["AU12"], 10, 15, 24, 3.0)]))
    changed = [i for i, image in enumerate(out) if (image != frame).any()]
    assert (changed[0], changed[-1]) == (10, 24)
    assert all(out[i] is frame for i in (*range(10), *range(25, 50)))
    columns = [np.flatnonzero((out[i] != frame).any(axis=0)).mean() for i in (14, 20)]
    assert columns[1] - columns[0] == pytest.approx(10 * 6 / 30, abs=1.5)


def test_nothing_moves_where_the_face_is_not_visible(landmarks):
    lost = np.stack([landmarks, landmarks, np.full((68, 2), np.nan)])
    track = FaceTrack(np.array([0.0, 0.1, 0.2]), lost)
    assert track.at(0.05) is not None
    assert track.at(0.1) is not None
    assert track.at(0.15) is None
    frame = np.random.default_rng(1).integers(0, 255, (300, 300), dtype=np.uint8)
    out = list(warped_frames([frame] * 7, 30, track, [movement(["AU12"], 0, 2, 6, 3.0)]))
    assert [image is frame for image in out] == [False] * 4 + [True] * 3


def test_landmarks_are_smoothed_within_runs_of_found_faces(landmarks):
    rng = np.random.default_rng(5)
    places = iter([None, *(landmarks + rng.normal(0, 2, (68, 2)) for _ in range(20)), None, landmarks])
    frames = ((i / 30, np.zeros((4, 4), np.uint8)) for i in range(67))
    track = track_face(frames, lambda frame: next(places))
    assert track.found.tolist() == [False, *[True] * 20, False, True]
    np.testing.assert_allclose(np.diff(track.seconds), 0.1, atol=1e-9)
    assert (track.landmarks[3:18] - landmarks).std() < 0.75 * 2
    np.testing.assert_allclose(track.landmarks[-1], landmarks)
    np.testing.assert_array_equal(track.nearest(0.0), track.landmarks[1])
