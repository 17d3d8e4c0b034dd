"""What is rendered: real faces for dlib, different people, and movements as large and as timely as their labels say."""

import dataclasses

import cv2
import numpy as np
import pytest

from memodule.synthetic.action_units import HALVES, UNITS, mirror_order
from memodule.synthetic.camera import Camera, draw_camera
from memodule.synthetic.difficulty import DIFFICULTIES
from memodule.synthetic.face_rig import build_rig, combine
from memodule.synthetic.faces import BOX, Face, draw_face
from memodule.synthetic.movements import Movement
from memodule.synthetic.performance import Performance
from memodule.synthetic.photographs import PHOTOGRAPHS
from memodule.synthetic.rendering import render

STILL = dataclasses.replace(DIFFICULTIES["realistic"], noise=(0.0, 0.0), shading=0.0, flicker=0, box_px=(BOX, BOX))


@pytest.fixture(scope="module")
def faces() -> list[Face]:
    return [draw_face(np.random.default_rng([0, n, 0]), PHOTOGRAPHS[n % len(PHOTOGRAPHS)]) for n in range(8)]


@pytest.fixture(scope="module")
def rig(faces):
    return build_rig(faces[0])


def stage(frames: int, *movements: Movement, lids=None, gaze=None, pose=None, turn=None) -> Performance:
    """A performance of nothing but what is given."""
    return Performance(
        movements,
        np.zeros(frames) if lids is None else lids,
        np.zeros((frames, 2)) if gaze is None else gaze,
        np.zeros((frames, 4)) if pose is None else pose,
        np.zeros((frames, 2)) if turn is None else turn,
        np.zeros((frames, 2)),
    )


def weights(**strengths: float) -> tuple[float, ...]:
    return tuple(strengths.get(f"{unit}_{side}", strengths.get(unit, 0.0)) for unit, side in HALVES)


def movement(pixels: float, **strengths: float) -> Movement:
    return Movement("micro", "negative", 3, 8, 20, 0, 1.5, pixels, weights(**strengths))


def frames_of(rig, performance, difficulty=STILL, camera=None) -> list[np.ndarray]:
    camera = camera or draw_camera(np.random.default_rng(1), difficulty)
    return list(render(rig, performance, difficulty, camera, 30, np.random.default_rng(0)))


def flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(H, W, 2) displacement from the first image to the second."""
    return cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 15, 5, 7, 1.5, 0)


def test_dlib_finds_every_subject_where_the_landmarks_say(faces):
    import importlib.util
    from pathlib import Path

    import dlib

    models = Path(importlib.util.find_spec("face_recognition_models").origin).parent / "models"
    detect = dlib.get_frontal_face_detector()
    predict = dlib.shape_predictor(str(models / "shape_predictor_68_face_landmarks.dat"))
    boxes, errors = [], []
    for face in faces:
        first = frames_of(build_rig(face), stage(1), dataclasses.replace(DIFFICULTIES["hard"], box_px=(BOX, BOX)))[0]
        found = detect(first, 0)
        assert len(found) == 1
        landmarks = np.array([(point.x, point.y) for point in predict(first, found[0]).parts()])
        errors.append(np.linalg.norm(landmarks - face.landmarks, axis=1).mean())
        boxes.append(9 * int((landmarks[42, 0] - landmarks[39, 0]) / 2))
    assert max(errors[0::2]) < 4
    assert max(errors[1::2]) < 15  # takes the collar of the second photograph for the jaw, now and then
    assert np.median(errors[1::2]) < 6
    assert np.median(boxes) > 215
    assert min(boxes) >= 207


def test_subjects_differ_in_geometry_and_tone(faces):
    shapes = np.array([face.landmarks - face.landmarks.mean(axis=0) for face in faces])
    apart = np.array([np.abs(a - b).mean() for i, a in enumerate(shapes) for b in shapes[:i]])
    assert apart.min() > 1.0
    tones = np.array([face.image[120:220, 100:200].mean() for face in faces])
    assert tones.std() > 8


def test_mirror_order_pairs_left_with_right(faces):
    order = mirror_order()
    np.testing.assert_array_equal(order[order], np.arange(68))
    landmarks = faces[0].landmarks
    middle = landmarks[27, 0]
    mirrored = landmarks[order] * [-1, 1] + [2 * middle, 0]
    assert np.abs(mirrored - landmarks).mean() < 8
    assert np.abs(landmarks[::-1] * [-1, 1] + [2 * middle, 0] - landmarks).mean() > 20


@pytest.mark.parametrize("pixels", [0.5, 1.5])
@pytest.mark.parametrize("units", [{"AU4": 1.0}, {"AU12": 1.0}, {"AU1": 1.0, "AU2": 1.0}, {"AU15_left": 1.0}])
def test_the_face_moves_as_much_as_stated(rig, pixels, units):
    acted = movement(pixels, **units)
    truth = combine(rig.fields, np.pad(rig.apex_strengths(acted), (0, 2)))
    size = np.hypot(*truth)
    assert size.max() == pytest.approx(pixels, rel=1e-5)
    frames = frames_of(rig, stage(24, acted))
    seen = cv2.resize(flow(frames[0], frames[8]), (152, 152), interpolation=cv2.INTER_AREA)
    strongest = size > 0.6 * pixels
    along = (seen[strongest] * truth[:, strongest].T).sum() / (truth[:, strongest] ** 2).sum()
    assert along == pytest.approx(1, abs=0.2)
    elsewhere = size < 0.01 * pixels
    assert np.hypot(*seen[elsewhere].T).mean() < 0.03


def test_movement_begins_at_onset_peaks_at_apex_and_ends_after_offset(rig):
    frames = np.array(frames_of(rig, stage(24, movement(2.0, AU4=1.0))), np.int16)
    change = np.abs(frames - frames[0]).mean(axis=(1, 2))
    assert not change[:3].any()
    assert change[3:21].all()
    assert not change[21:].any()
    assert change.argmax() == 8
    assert (np.diff(change[2:9]) > 0).all()
    assert (np.diff(change[8:22]) < 0).all()


def test_sides_can_move_apart_and_an_unequal_movement_is_unequal(rig):
    left = frames_of(rig, stage(9, movement(1.5, AU2_left=1.0)))
    seen = np.hypot(*np.moveaxis(flow(left[0], left[8]), 2, 0))
    middle = round(rig.face.landmarks[27, 0])
    brows = slice(70, 120)
    assert seen[brows, :middle].max() > 1.0
    assert seen[brows, middle + 20 :].max() < 0.2


def test_eyes_close_and_open(rig):
    lids = np.array([0, 0.5, 1.0, 0.5, 0])
    frames = frames_of(rig, stage(5, lids=lids))
    eye = rig.face.landmarks[36:42]
    (x0, y0), (x1, y1) = eye.min(axis=0).astype(int), eye.max(axis=0).astype(int)
    contrast = [frame[y0:y1, x0:x1].astype(float).std() for frame in frames]
    assert contrast[2] < contrast[1] < contrast[0]
    np.testing.assert_array_equal(frames[0], frames[4])
    np.testing.assert_array_equal(frames[1], frames[3])
    changed = np.abs(frames[2].astype(int) - frames[0]) > 0
    assert not changed[int(eye[:, 1].max()) + 20 :].any()


def test_eyes_shift_their_gaze_and_nothing_else_does(rig):
    rest, away = frames_of(rig, stage(2, gaze=np.array([[0, 0], [3.0, 0]])))
    changed = np.abs(away.astype(int) - rest) > 8
    eyes = np.zeros_like(changed)
    for first in (36, 42):
        eye = rig.face.landmarks[first : first + 6]
        (x0, y0), (x1, y1) = eye.min(axis=0), eye.max(axis=0)
        eyes[int(y0) - 12 : int(y1) + 12, int(x0) - 8 : int(x1) + 8] = True
        pupil = flow(rest, away)[int(y0) : int(y1) + 1, int(x0) + 8 : int(x1) - 8, 0]
        assert 1.0 < np.median(pupil) < 3.5
    assert changed[eyes].sum() > 50
    assert not changed[~eyes].any()


@pytest.mark.parametrize("side", [200, 304, 380])
def test_a_camera_decides_the_size_of_the_frames(rig, side):
    plain = dataclasses.replace(draw_camera(np.random.default_rng(1), STILL), side=304)
    (whole,) = frames_of(rig, stage(1), camera=plain)
    (frame,) = frames_of(rig, stage(1), camera=dataclasses.replace(plain, side=side))
    assert frame.shape == (side, side)
    assert np.abs(cv2.resize(frame, (304, 304)).astype(float) - whole).mean() < 4


def test_lamps_beat_with_the_frame_rate(rig):
    """100 Hz at 30 frames a second are seen as 10 Hz; with a rolling shutter, as bands that run."""
    camera = Camera(304, 0.0, 0.02, 100.0, 0.0, 0.0, 20)
    frames = np.array(frames_of(rig, stage(30), camera=camera), np.float32)
    course = frames[:, 100:200, 100:200].mean(axis=(1, 2))
    spectrum = np.abs(np.fft.rfft(course - course.mean()))
    assert spectrum.argmax() == 10
    assert np.abs(course / course.mean() - 1).max() == pytest.approx(0.02 * np.sin(2 * np.pi / 3), rel=0.1)
    rolling = dataclasses.replace(camera, readout=0.02)
    rows = (np.array(frames_of(rig, stage(2), camera=rolling), np.float32)).mean(axis=2)
    difference = rows[1] / rows[0] - 1
    assert difference.max() > 0.02
    assert difference.min() < -0.02


def test_cameras_keep_to_the_difficulty():
    difficulty = DIFFICULTIES["realistic"]
    cameras = [draw_camera(np.random.default_rng(seed), difficulty) for seed in range(200)]
    for values, (least, most) in (
        ([camera.side * BOX / 304 for camera in cameras], difficulty.box_px),
        ([camera.noise for camera in cameras], difficulty.noise),
        ([camera.flicker for camera in cameras], (0, difficulty.flicker)),
        ([camera.crf for camera in cameras], difficulty.crf),
    ):
        assert least - 1 < min(values) < least + 0.1 * (most - least) + 1
        assert most + 1 > max(values) > most - 0.1 * (most - least) - 1
    assert not any(camera.side % 2 for camera in cameras)
    assert draw_camera(np.random.default_rng(0), DIFFICULTIES["easy"]).side == 304


def test_head_moves_by_its_pose_and_the_background_keeps_still(rig):
    pose = np.array([[0, 0, 0, 0], [2.0, -1.0, 0, 0]])
    rest, moved = frames_of(rig, stage(2, pose=pose))
    x, y = rig.face.landmarks[30].astype(int)
    seen = flow(rest, moved)[y - 40 : y + 40, x - 40 : x + 40]
    assert np.median(seen, axis=(0, 1)) == pytest.approx([2, -1], abs=0.15)
    for border in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        np.testing.assert_array_equal(rest[border], moved[border])


def test_expressions_move_along_with_the_head(rig):
    pose = np.tile([8.0, 5.0, 0, 0], (2, 1))
    acted = Movement("micro", "negative", 1, 1, 2, 0, 1.0, 1.5, weights(AU4=1.0))
    here = frames_of(rig, stage(2, acted))
    there = frames_of(rig, stage(2, acted, pose=pose))
    seen_here, seen_there = flow(*here)[60:220, 60:220], flow(*there)[65:225, 68:228]
    assert np.abs(seen_here - seen_there).max() < 0.15


def test_expressions_follow_a_rolling_head(rig):
    roll = 0.15
    acted = Movement("micro", "negative", 1, 1, 2, 0, 1.0, 2.0, weights(AU2_left=1.0))
    spots = []
    for angle in (0.0, roll):
        frames = frames_of(rig, stage(2, acted, pose=np.tile([0, 0, angle, 0], (2, 1))))
        size = cv2.GaussianBlur(np.hypot(*np.moveaxis(flow(*frames), 2, 0)), (0, 0), 3)
        spots.append(np.unravel_index(size.argmax(), size.shape)[::-1] - rig.face.landmarks[30])
    turned = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]) @ spots[0]
    assert np.linalg.norm(spots[1] - spots[0]) > 7
    assert np.linalg.norm(spots[1] - turned) < 4


def test_a_turn_moves_the_nose_more_than_the_brows(rig):
    rest, turned = frames_of(rig, stage(2, turn=np.array([[0, 0], [1.0, 0]])))
    seen = flow(rest, turned)[..., 0]
    at = {name: tuple(rig.face.landmarks[i].astype(int)[::-1]) for name, i in (("nose", 30), ("brow", 18))}
    assert seen[at["nose"]] > 0.7
    assert 0.1 < seen[at["brow"]] < 0.75 * seen[at["nose"]]


def test_compressed_skin_darkens_by_its_compression(rig):
    acted = movement(3.0, AU4=1.0)
    plain = np.float32(frames_of(rig, stage(9, acted))[8])
    shaded = np.float32(frames_of(rig, stage(9, acted), dataclasses.replace(STILL, shading=1.0))[8])
    seen = (shaded - plain) / plain
    dx, dy = (cv2.resize(axis, (304, 304)) for axis in combine(rig.fields, np.pad(rig.apex_strengths(acted), (0, 2))))
    divergence = np.gradient(dx, axis=1) + np.gradient(dy, axis=0)
    strong = np.abs(divergence) > 0.05
    assert strong.sum() > 500
    assert (seen * divergence)[strong].sum() / (divergence**2)[strong].sum() == pytest.approx(1, abs=0.15)


def test_noise_has_the_stated_strength_and_never_repeats(rig):
    frames = np.array(frames_of(rig, stage(12), dataclasses.replace(STILL, noise=(1.5, 1.5))), np.float32)
    differences = np.diff(frames, axis=0)[:, 100:200, 100:200]
    assert differences.std() == pytest.approx(1.5 * np.sqrt(2), rel=0.05)
    assert len({frame.tobytes() for frame in frames}) == 12


def test_every_action_unit_moves_its_own_region(rig):
    for name in UNITS:
        field = combine(rig.fields, np.pad(rig.apex_strengths(movement(1.0, **{name: 1.0})), (0, 2)))
        row, column = np.unravel_index(np.hypot(*field).argmax(), field.shape[1:])
        mirror = mirror_order()
        touched = {i for point in UNITS[name].points for i in (point, int(mirror[point]))}
        nearest = np.linalg.norm(rig.face.landmarks - [2 * column, 2 * row], axis=1)
        assert nearest[list(touched)].min() < 0.2 * rig.face.scale, name


def test_difficulties_are_ordered_by_signal_to_noise(rig):
    """The faintest and the middle movement against the flow that noise alone seems to show."""
    ratios = []
    for level in ("easy", "moderate", "realistic", "hard"):
        difficulty = DIFFICULTIES[level]
        still = frames_of(rig, stage(4), difficulty)
        brow = tuple(rig.face.landmarks[19].astype(int)[::-1])
        around = np.s_[brow[0] - 15 : brow[0] + 15, brow[1] - 15 : brow[1] + 15]
        noise = np.sqrt(np.mean([flow(still[0], frame)[around] ** 2 for frame in still[1:]]))
        ratios.append(np.mean(difficulty.micro_px) / noise)
    easy, moderate, realistic, hard = ratios
    assert easy > 1.5 * realistic > 1.5**2 * hard
    assert easy > moderate > realistic
