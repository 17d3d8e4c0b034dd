"""Facial action units as smooth displacement fields, and the sets of them that show an emotion.

An action unit moves a few landmarks of the 68-point scheme; the skin around them follows with a Gaussian fall-off. Each
unit has an image-left and an image-right half, so that movements can be asymmetric. The layout imitates the action
units in the labels of SAMM and CAS(ME)^3; directions and reach are our rough estimates.
"""

import dataclasses
import itertools
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class ActionUnit:
    """One half of an action unit.

    Attributes:
        points: Landmarks of the image-left half (or of the midline) with their direction (right, down).
        reach: Standard deviation of the fall-off, as a share of the distance between the outer eye corners.
    """

    points: dict[int, tuple[float, float]]
    reach: float


UNITS: Final = {
    "AU1": ActionUnit({21: (0, -1), 20: (0, -0.8)}, 0.13),  # inner brow raiser
    "AU2": ActionUnit({17: (0, -0.7), 18: (0, -1), 19: (0, -0.6)}, 0.13),  # outer brow raiser
    "AU4": ActionUnit({19: (0.3, 0.5), 20: (0.5, 0.8), 21: (0.6, 1)}, 0.13),  # brow lowerer
    "AU5": ActionUnit({37: (0, -1), 38: (0, -1), 19: (0, -0.3)}, 0.08),  # upper lid raiser
    "AU6": ActionUnit({41: (0.1, -1), 40: (0, -0.9), 36: (0.2, -0.2)}, 0.12),  # cheek raiser
    "AU7": ActionUnit({40: (0, -1), 41: (0, -1), 37: (0, 0.5), 38: (0, 0.5)}, 0.07),  # lid tightener
    "AU9": ActionUnit({31: (0, -1), 28: (0, -0.6), 21: (0.2, 0.4)}, 0.11),  # nose wrinkler
    "AU10": ActionUnit({50: (0, -1), 49: (0, -0.7), 51: (0, -0.6), 31: (0, -0.3)}, 0.1),  # upper lip raiser
    "AU12": ActionUnit({48: (-0.8, -0.6), 60: (-0.7, -0.5)}, 0.15),  # lip corner puller
    "AU14": ActionUnit({48: (-1, 0), 60: (-0.8, 0.1)}, 0.1),  # dimpler
    "AU15": ActionUnit({48: (-0.2, 1), 60: (-0.1, 0.7)}, 0.13),  # lip corner depressor
    "AU17": ActionUnit({57: (0, -0.8), 58: (0, -0.8), 8: (0, -1)}, 0.16),  # chin raiser
    "AU20": ActionUnit({48: (-1, 0.2), 59: (-0.6, 0.3)}, 0.14),  # lip stretcher
    "AU24": ActionUnit({50: (0, 0.6), 51: (0, 0.6), 57: (0, -0.8), 58: (0, -0.6)}, 0.08),  # lip pressor
    "AU25": ActionUnit({57: (0, 1), 58: (0, 1), 8: (0, 0.6)}, 0.15),  # lips part
}
"""Action units by their number in the Facial Action Coding System."""

HALVES: Final = tuple(itertools.product(UNITS, ("left", "right")))
"""(unit, image side) in the order of `half_fields`."""

EMOTION_SETS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "negative": (
        ("AU4",),
        ("AU4", "AU7"),
        ("AU9",),
        ("AU4", "AU9"),
        ("AU10",),
        ("AU15",),
        ("AU1", "AU4"),
        ("AU14",),
        ("AU20",),
    ),
    "positive": (("AU12",), ("AU6", "AU12"), ("AU12", "AU25"), ("AU6",)),
    "surprise": (("AU1", "AU2"), ("AU1", "AU2", "AU5"), ("AU1", "AU2", "AU25"), ("AU5",), ("AU25",)),
    "others": (("AU24",), ("AU17",), ("AU14",), ("AU7",), ("AU2",), ("AU12", "AU24"), ("AU4",)),
}
"""Action units that show each emotion class. Some (2, 4, 7, 12, 14, 25) serve several classes, as in the real label
files, so that recognition cannot be perfect."""

ADAPTORS: Final = (("AU24",), ("AU25",), ("AU17",), ("AU17", "AU24"))
"""Meaningless movements: swallowing, pressing the lips, moving the jaw."""

SYLLABLES: Final = (("AU25",), ("AU25", "AU20"), ("AU25", "AU12"), ("AU25", "AU10"), ("AU24",), ("AU25", "AU17"))
"""What the mouth does in talking, one set per syllable."""

BITES: Final = (("AU25", "AU17"), ("AU17", "AU24"), ("AU25", "AU14"))
"""What the mouth does in chewing."""

_MIRROR_PAIRS: Final = (
    *((i, 16 - i) for i in range(8)),
    *((i, 43 - i) for i in range(17, 22)),
    *((31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),
    *((48, 54), (49, 53), (50, 52), (59, 55), (58, 56), (60, 64), (61, 63), (67, 65)),
)


def mirror_order() -> npt.NDArray[np.int64]:
    """The landmark (from 0) that replaces each of the 68 when the face is mirrored, (68,)."""
    order = np.arange(68)
    for left, right in _MIRROR_PAIRS:
        order[left], order[right] = right, left
    return order


def displacement(
    landmarks: npt.NDArray[np.float64],
    points: dict[int, tuple[float, float]],
    reach: float,
    at: tuple[Array, Array],
) -> Array:
    """A smooth field that moves landmarks in given directions and leaves distant skin unchanged.

    Args:
        landmarks: (68, 2) pixel positions (x, y).
        points: Landmark number -> vector (right, down).
        reach: Standard deviation of the fall-off in pixels.
        at: x and y of the points to evaluate, any equal shape.

    Returns:
        (2, *shape) float32: the vectors' average weighted by nearness, faded out by distance.
    """
    x, y = at
    moved = np.zeros((2, *x.shape), np.float32)
    weights, still = np.zeros_like(x), np.ones_like(x)
    for landmark, (dx, dy) in points.items():
        px, py = landmarks[landmark].astype(np.float32)
        near = np.exp(-((x - px) ** 2 + (y - py) ** 2) / np.float32(2 * reach**2))
        moved[0] += near * np.float32(dx)
        moved[1] += near * np.float32(dy)
        weights += near
        still *= 1 - near
    return np.asarray(moved / (weights + np.float32(1e-6)) * (1 - still), np.float32)


def half_fields(landmarks: npt.NDArray[np.float64], at: tuple[Array, Array]) -> Array:
    """The fields of all `HALVES`, each with a largest displacement of 1.

    Args:
        landmarks: (68, 2) pixel positions.
        at: x and y of the points to evaluate, shape (h, w).

    Returns:
        (len(HALVES), 2, h, w) float32, (right, down).
    """
    scale = float(np.linalg.norm(landmarks[45] - landmarks[36]))
    mirror = mirror_order()
    fields = []
    for name, side in HALVES:
        unit = UNITS[name]
        points = unit.points
        if side == "right":
            points = {int(mirror[i]): (-dx, dy) for i, (dx, dy) in points.items()}
        field = displacement(landmarks, points, unit.reach * scale, at)
        fields.append(field / np.sqrt((field**2).sum(axis=0)).max())
    return np.stack(fields)
