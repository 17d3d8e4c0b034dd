import numpy as np
import pytest

from memodule.flow.extractor import FlowExtractor
from memodule.injection.answers import add_movements, generic_answers, measured_answers, pick_stills
from memodule.injection.face_track import FaceTrack
from memodule.injection.warp import apex_strengths, warped_frames
from memodule.synthetic.action_units import HALVES
from memodule.synthetic.faces import draw_face
from memodule.synthetic.movements import Movement


def movement(units, onset, apex, offset, pixels):
    weights = tuple(float(unit in units) for unit, _ in HALVES)
    return Movement("micro", "", onset, apex, offset, 0, 1.5, pixels, weights)


@pytest.fixture(scope="module")
def face():
    return draw_face(np.random.default_rng(1))


def test_features_with_movements_added_are_those_of_warped_frames(face):
    """The same movements in both ways: in the frames, and added to the features of the frames."""
    rng = np.random.default_rng(0)
    frames = [np.clip(face.image + rng.normal(0, 1.5, face.image.shape), 0, 255).astype(np.uint8) for _ in range(40)]
    track = FaceTrack(np.array([0.0, 2.0]), np.stack([face.landmarks] * 2))
    movements = [movement(["AU1", "AU2"], 3, 7, 15, 2.0), movement(["AU12"], 22, 27, 34, 3.0)]
    extractor = FlowExtractor(20, find_face=lambda _: np.rint(face.landmarks).astype(np.int64))
    untouched = extractor.extract(frames)
    warped = extractor.extract(list(warped_frames(frames, 30, track, movements)))
    answers = measured_answers([(frames[0], face.landmarks)])
    strengths = [apex_strengths(face.landmarks, np.array(one.weights), one.pixels) for one in movements]
    pairs = list(zip(movements, strengths, strict=True))
    added = add_movements(untouched, [0, 10, 20], [0, 0, 0], pairs, answers, np.arange(40.0))
    truth, ours = (warped - untouched).ravel(), (added - untouched).ravel()
    assert np.corrcoef(truth, ours)[0, 1] > 0.95
    assert float(truth @ ours / (ours @ ours)) == pytest.approx(1, abs=0.15)
    assert abs(ours).max() > 1.5  # in pixels of the crop, which is larger than the face


def test_each_window_is_relative_to_its_reference():
    answers = np.zeros((len(HALVES), 36))
    answers[HALVES.index(("AU12", "left")), 18] = 2.0
    strengths = np.zeros(len(HALVES))
    strengths[HALVES.index(("AU12", "left"))] = 1.5
    one = Movement("micro", "", 2, 5, 9, 0, 1.0, 1.5, (0.0,) * len(HALVES))
    windows = np.zeros((3, 36, 8), np.float32)
    windows[:, 3] = 7
    changed = add_movements(windows, [0, 4, 8], [0, 2, None], [(one, strengths)], answers, np.arange(12.0))
    course = 3 * one.course(12)
    np.testing.assert_allclose(changed[0, 18], course[:8], atol=1e-6)
    np.testing.assert_allclose(changed[1, 18], [0, 0, 0, *(course[7:12] - course[6])], atol=1e-6)
    np.testing.assert_array_equal(changed[2], windows[2])
    np.testing.assert_array_equal(np.delete(changed, 18, axis=1), np.delete(windows, 18, axis=1))


def test_generic_answers_shrink_as_faces_grow():
    small, large = generic_answers(200.0), generic_answers(400.0)
    np.testing.assert_allclose(small, 2 * large)
    outer_brow_y = 2 * 3 + 1
    raised = small[HALVES.index(("AU2", "left")), outer_brow_y]
    assert -2.2 < raised < -1.0  # one pixel of the image is 1.6 of the crop; up is negative
    assert abs(small[HALVES.index(("AU2", "right")), outer_brow_y]) < 0.1


def test_stills_are_spread_over_the_recording():
    assert pick_stills(list(range(0, 100, 2)), 5) == [10, 30, 48, 68, 88]
    assert pick_stills([4], 5) == [4]
