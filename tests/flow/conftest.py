import importlib.util
import json
import lzma
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

GOLDEN = Path(__file__).parents[1] / "golden" / "flow"
ENGINES = ["opencv", *(["numba"] if importlib.util.find_spec("numba") else [])]


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(scope="session")
def golden_frames():
    """Frames of a golden video, (N, H, W) uint8."""

    def read(name):
        header, body = lzma.decompress((GOLDEN / f"{name}.frames.xz").read_bytes()).split(b"\n", 1)
        steps = np.frombuffer(body, np.uint8).reshape(json.loads(header)["shape"])
        return np.cumsum(steps, axis=0, dtype=np.uint8)

    return read


@pytest.fixture(scope="session")
def golden_numbers():
    return lambda name: np.load(GOLDEN / f"{name}.npz", allow_pickle=False)


PHOTOGRAPH = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)
BOX_SIDE, BOX_CENTRE, MOUTH_CORNER = 116, np.array([225.0, 117.0]), np.array([203.0, 136.0])
"""Of the photograph: side and centre of the published face box, and the mouth corner on the left of the image."""


def draw_face(size, side, centre, smile=0.0):
    """A photograph of a face whose box has the given side and centre, in a frame of size (width, height).

    `smile` moves the left mouth corner up and outwards by so many pixels of the frame.
    """
    width, height = size
    scale = side / BOX_SIDE
    y, x = np.mgrid[:height, :width].astype(np.float32)
    moved_x, moved_y = smile_field(x, y, side, centre, smile)
    from_x = (x - moved_x - np.float32(centre[0])) / scale + BOX_CENTRE[0]
    from_y = (y - moved_y - np.float32(centre[1])) / scale + BOX_CENTRE[1]
    photograph = cv2.GaussianBlur(PHOTOGRAPH, (0, 0), 0.4 / scale) if scale < 1 else PHOTOGRAPH
    maps = from_x.astype(np.float32), from_y.astype(np.float32)
    return cv2.remap(photograph, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


def smile_field(x, y, side, centre, smile):
    """How far a smile moves the point (x, y) of the frame."""
    scale = side / BOX_SIDE
    corner = (MOUTH_CORNER - BOX_CENTRE) * scale + centre
    weight = smile * np.exp(-((x - corner[0]) ** 2 + (y - corner[1]) ** 2) / (2 * (0.06 * side) ** 2))
    return -0.8 * weight, -0.6 * weight


@pytest.fixture(scope="session")
def face_video():
    """Frames (N, H, W) uint8 of a face that moves by known amounts."""

    def draw(count=30, size=(320, 240), side=150, centre=None, motion=None, smile=None, noise=1.0, seed=0):
        random = np.random.default_rng(seed)
        centre = np.array(centre if centre is not None else (size[0] / 2, size[1] / 2), float)
        motion = np.zeros((count, 2)) if motion is None else motion
        smile = np.zeros(count) if smile is None else smile
        frames = np.empty((count, size[1], size[0]), np.uint8)
        for i in range(count):
            frame = draw_face(size, side, centre + motion[i], smile[i]) + random.normal(0, noise, size[::-1])
            frames[i] = np.clip(frame + 0.5, 0, 255)
        return frames

    return draw


@pytest.fixture(scope="session")
def smile_truth():
    return smile_field
