"""Identities: one public-domain photograph, warped and toned into different people.

The photograph is NASA's portrait of the astronaut Eileen Collins from scikit-image (`skimage.data.astronaut`);
nothing is downloaded. Its landmarks are stored here (found once with dlib's 68-point model on a fourfold enlargement),
so that rendering needs neither dlib nor its model and gives the same bytes with any version of them.

Limits: all people share one photograph, hence one expression at rest (a smile, more or less straightened), one
hairstyle and one light; there is no depth, and the texture of the skin is noise.
"""

import dataclasses
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from memodule.synthetic.action_units import Array, displacement, mirror_order

FRAME: Final = 304
"""Width and height of a video in pixels."""

Landmarks = npt.NDArray[np.float64]
"""(68, 2) positions (x, y) in pixels."""

# fmt: off
_LANDMARKS: Final = np.array([
    179.4, 104.4, 179.6, 115.9, 180.9, 127.4, 181.9, 138.9, 185.1, 150.4, 191.1, 160.4, 199.9, 168.6, 208.9, 175.6,
    219.6, 178.1, 231.4, 176.9, 242.6, 171.4, 252.9, 163.9, 260.1, 154.4, 264.9, 143.4, 267.6, 131.9, 270.1, 120.4,
    271.6, 108.1, 186.1, 94.1, 192.1, 88.4, 200.6, 87.1, 209.1, 88.9, 216.9, 92.6, 235.4, 93.9, 243.4, 90.9,
    251.9, 90.6, 260.1, 92.4, 265.4, 98.9, 225.6, 102.1, 225.4, 110.4, 225.1, 118.6, 224.9, 127.1, 214.1, 131.1,
    219.1, 132.6, 224.1, 134.4, 229.4, 133.1, 234.4, 131.6, 194.9, 101.1, 200.4, 97.9, 206.9, 98.6, 212.4, 103.9,
    206.1, 104.1, 199.6, 103.6, 237.6, 105.1, 243.6, 100.4, 249.9, 100.4, 255.4, 104.4, 249.9, 106.4, 243.6, 105.9,
    200.4, 139.1, 208.9, 139.1, 217.4, 139.4, 223.1, 140.9, 229.1, 139.6, 237.1, 140.1, 245.6, 140.6, 237.4, 150.9,
    228.9, 154.9, 222.1, 155.6, 215.9, 154.6, 207.4, 149.6, 203.1, 140.4, 216.9, 142.9, 222.9, 143.9, 228.9, 143.4,
    242.4, 141.9, 228.9, 149.6, 222.6, 150.4, 216.4, 149.4,
]).reshape(68, 2)
# fmt: on

_INNER_EYES: Final = 25.2
_OUTER_EYES: Final = 60.5


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


def draw_face(rng: np.random.Generator) -> Face:
    """Draw a person: proportions, tone, skin, and whether the face is mirrored.

    The inner eye corners are 50.5 to 54.5 pixels apart, so that the face box of the flow features (nine times half of
    that) is 225 to 243 pixels wide; below 215, head motion compensation as published becomes unstable.
    """
    image, landmarks = _bent_photograph(rng)
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
        landmarks = landmarks[mirror_order()]
        landmarks[:, 0] = FRAME - 1 - landmarks[:, 0]
    image = _toned(rng, image)
    image += 3.0 * _skin(rng)
    image -= _freckles(rng, landmarks)
    return Face(np.clip(image, 4, 251), landmarks)


def _bent_photograph(rng: np.random.Generator) -> tuple[Array, Landmarks]:
    """The photograph enlarged into the frame, with the proportions of a new person."""
    wide = rng.uniform(0.95, 1.06)
    eyes_apart = rng.uniform(-0.03, 0.035)
    zoom = rng.uniform(50.5, 54.5) / (wide * (_INNER_EYES + 2 * eyes_apart * _OUTER_EYES))
    stretch = np.array([zoom * wide, zoom])
    between_eyes = _LANDMARKS[[39, 42]].mean(axis=0)
    origin = np.array([FRAME / 2, FRAME / 2 - 26]) - stretch * between_eyes  # the face box is centred below the eyes
    landmarks = _LANDMARKS * stretch + origin
    scale = float(np.linalg.norm(landmarks[45] - landmarks[36]))
    bends = [(points, scale * np.array(vector)) for points, vector in _proportions(rng, eyes_apart)]
    y, x = np.mgrid[:FRAME, :FRAME].astype(np.float32)
    bend = _bend(landmarks, bends, scale, (x, y))
    source = [((axis - bend[i] - origin[i]) / stretch[i]).astype(np.float32) for i, axis in enumerate((x, y))]
    image = cv2.remap(_photograph(), source[0], source[1], cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101)
    moved = landmarks.copy()
    for _ in range(8):  # the field is given at the destination, so iterate to the fixed point
        at = (moved[:, 0].astype(np.float32), moved[:, 1].astype(np.float32))
        moved = landmarks + _bend(landmarks, bends, scale, at).T
    return np.asarray(image, np.float32), moved


def _photograph() -> Array:
    from skimage import data

    photograph = np.asarray(data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]
    return np.asarray(cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY), np.float32)


def _proportions(rng: np.random.Generator, eyes_apart: float) -> list[tuple[tuple[int, ...], tuple[float, float]]]:
    """Landmarks that move together, and by how much, in units of the face's scale."""
    eyes_down, nose_down, mouth_down = rng.uniform([-0.04, -0.05, -0.02], [0.04, 0.06, 0.05])
    mouth_in, corners_down = rng.uniform([-0.03, 0.0], [0.1, 0.05])  # mostly straightens the smile
    jaw_in, chin_down, brows_up = rng.uniform([-0.1, -0.08, -0.03], [0.1, 0.1, 0.03])
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
