"""Identities: a photograph, warped and toned into different people.

Limits: all people share two photographs (see `memodule.synthetic.photographs`), hence two expressions at rest (a smile,
more or less straightened, and a sober face behind glasses), two hairstyles and two lights; there is no depth, and the
texture of the skin is noise.
"""

import dataclasses
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from memodule.synthetic.action_units import Array, displacement, mirror_order
from memodule.synthetic.photographs import PHOTOGRAPHS, Landmarks, Photograph

FRAME: Final = 304
"""Width and height in pixels of the image that is warped; cameras scale it."""

BOX: Final = 234
"""Usual width of the face box in it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Face:
    """A person at rest.

    Attributes:
        image: (FRAME, FRAME) float32 grey levels 0..255.
        landmarks: (68, 2) positions in the image.
    """

    image: Array
    landmarks: Landmarks

    @property
    def scale(self) -> float:
        """Distance between the outer eye corners in pixels, the face's unit of length."""
        return float(np.linalg.norm(self.landmarks[45] - self.landmarks[36]))


def draw_face(rng: np.random.Generator, photograph: Photograph = PHOTOGRAPHS[0]) -> Face:
    """Draw a person from a photograph: proportions, tone, skin, and whether the face is mirrored.

    The inner eye corners are 50.5 to 54.5 pixels apart, so that the face box of the flow features (nine times half of
    that) is 225 to 243 pixels wide; below 215, head motion compensation as published becomes unstable.
    """
    image, landmarks = _bent_photograph(rng, photograph)
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
        landmarks = landmarks[mirror_order()]
        landmarks[:, 0] = FRAME - 1 - landmarks[:, 0]
    image = _toned(rng, image)
    image += 3.0 * _skin(rng)
    image -= _freckles(rng, landmarks)
    return Face(np.clip(image, 4, 251), landmarks)


def _bent_photograph(rng: np.random.Generator, photograph: Photograph) -> tuple[Array, Landmarks]:
    """The photograph enlarged into the frame, with the proportions of a new person."""
    wide = rng.uniform(0.95, 1.06)
    eyes_apart = photograph.pliant * rng.uniform(-0.03, 0.035)
    zoom = rng.uniform(50.5, 54.5) / (wide * (photograph.inner_eyes + 2 * eyes_apart * photograph.outer_eyes))
    stretch = np.array([zoom * wide, zoom])
    between_eyes = photograph.landmarks[[39, 42]].mean(axis=0)
    origin = np.array([FRAME / 2, FRAME / 2 - 26]) - stretch * between_eyes  # the face box is centred below the eyes
    landmarks = photograph.landmarks * stretch + origin
    scale = float(np.linalg.norm(landmarks[45] - landmarks[36]))
    bends = [(points, scale * np.array(vector)) for points, vector in _proportions(rng, eyes_apart, photograph.pliant)]
    y, x = np.mgrid[:FRAME, :FRAME].astype(np.float32)
    bend = _bend(landmarks, bends, scale, (x, y))
    source = [((axis - bend[i] - origin[i]) / stretch[i]).astype(np.float32) for i, axis in enumerate((x, y))]
    image = cv2.remap(photograph.load(), source[0], source[1], cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101)
    moved = landmarks.copy()
    for _ in range(8):  # the field is given at the destination, so iterate to the fixed point
        at = (moved[:, 0].astype(np.float32), moved[:, 1].astype(np.float32))
        moved = landmarks + _bend(landmarks, bends, scale, at).T
    return np.asarray(image, np.float32), moved


def _proportions(
    rng: np.random.Generator, eyes_apart: float, pliant: float
) -> list[tuple[tuple[int, ...], tuple[float, float]]]:
    """Landmarks that move together, and by how much, in units of the face's scale."""
    eyes_down, nose_down, mouth_down = pliant * rng.uniform([-0.04, -0.05, -0.02], [0.04, 0.06, 0.05])
    mouth_in, corners_down = pliant * rng.uniform([-0.03, 0.0], [0.1, 0.05])  # mostly straightens a smile
    jaw_in, chin_down, brows_up = pliant * rng.uniform([-0.1, -0.08, -0.03], [0.1, 0.1, 0.03])
    return [
        ((*range(36, 42), *range(17, 22)), (-eyes_apart, eyes_down)),
        ((*range(42, 48), *range(22, 27)), (eyes_apart, eyes_down)),
        (tuple(range(17, 27)), (0.0, -brows_up)),
        (tuple(range(30, 36)), (0.0, nose_down)),
        ((48, 60), (mouth_in, mouth_down + corners_down)),
        ((54, 64), (-mouth_in, mouth_down + corners_down)),
        ((51, 57, 62, 66), (0.0, mouth_down)),
        (tuple(range(2, 7)), (jaw_in, 0.0)),
        (tuple(range(10, 15)), (-jaw_in, 0.0)),
        ((7, 8, 9), (0.0, chin_down)),
    ]


def _bend(
    landmarks: Landmarks,
    bends: list[tuple[tuple[int, ...], npt.NDArray[np.float64]]],
    scale: float,
    at: tuple[Array, Array],
) -> Array:
    total = np.zeros((2, *at[0].shape), np.float32)
    for points, (dx, dy) in bends:
        total += displacement(landmarks, dict.fromkeys(points, (float(dx), float(dy))), 0.16 * scale, at)
    return total


def _toned(rng: np.random.Generator, image: Array) -> Array:
    """Another skin tone and camera: gamma, contrast and brightness."""
    gamma, contrast, brightness = rng.uniform([0.75, 0.75, -0.06], [1.35, 1.1, 0.06])
    tone = np.clip(image / 255, 0, 1) ** np.float32(gamma)
    return np.asarray(255 * ((tone - 0.5) * np.float32(contrast) + np.float32(0.5 + brightness)), np.float32)


def _skin(rng: np.random.Generator) -> Array:
    """Pores and coarser grain, which the enlarged photograph lacks, as a texture of unit variance."""
    fine, coarse = (rng.standard_normal((FRAME, FRAME), np.float32) for _ in range(2))
    grain = cv2.GaussianBlur(fine, (0, 0), 1.0) / 0.28 + cv2.GaussianBlur(coarse, (0, 0), 2.2) / 0.13
    return np.asarray(grain / grain.std(), np.float32)


def _freckles(rng: np.random.Generator, landmarks: Landmarks) -> Array:
    """Dark spots on cheeks, nose and forehead, in grey levels."""
    spots = np.zeros((FRAME, FRAME), np.float32)
    middle, scale = landmarks[29], np.linalg.norm(landmarks[45] - landmarks[36])
    places = rng.normal(middle, scale * np.array([0.35, 0.3]), (rng.integers(15, 70), 2)).clip(0, FRAME - 1)
    for (x, y), depth in zip(places.astype(int), rng.uniform(30, 130, len(places)), strict=True):
        spots[y, x] += depth
    return np.asarray(cv2.GaussianBlur(spots, (0, 0), float(rng.uniform(1.0, 1.6))), np.float32)
