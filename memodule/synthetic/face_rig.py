"""A face with everything that moves it, as in animation: a rig."""

import dataclasses
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from memodule.synthetic.action_units import Array, half_fields
from memodule.synthetic.faces import FRAME, Face
from memodule.synthetic.movements import Movement
from memodule.synthetic.performance import Performance

HALF: Final = FRAME // 2
"""Width and height of the displacement fields, which are smooth and kept at half resolution."""

_LID_STEPS: Final = 16
_EYES: Final = (((36, 39), (37, 38), (40, 41), (19, 20)), ((42, 45), (43, 44), (46, 47), (23, 24)))
_RIM: Final = 24  # pixels over which the head's motion fades out towards the border of the frame


@dataclasses.dataclass(frozen=True, eq=False)
class FaceRig:
    """A face and its displacement fields; build it with `build_rig`.

    Attributes:
        fields: (halves + 2, 2, HALF, HALF) displacement per unit of strength; the last two are turns of the head,
            which move the nose by one pixel more than the rim of the face.
        squeeze: (halves + 2, HALF, HALF) divergence of the fields, per pixel: negative where skin is compressed.
        lids: (steps + 1, HALF, HALF) downward displacement as the eyes close step by step.
        pupils: (HALF, HALF) share of a shift of gaze that a pixel takes: 1 in the middle of the eyes.
        rigid: (FRAME, FRAME) share of the head's motion that a pixel takes: 1 on the head, 0 at the border.
    """

    face: Face
    fields: Array
    squeeze: Array
    lids: Array
    pupils: Array
    rigid: Array

    def strengths(self, performance: Performance) -> Array:
        """Factors of the fields at every frame, (frames, halves + 2)."""
        frames = len(performance.lids)
        strengths = np.zeros((frames, len(self.fields)))
        for movement in performance.movements:
            strengths[:, :-2] += np.outer(movement.course(frames), self.apex_strengths(movement))
        strengths[:, -2:] = performance.turn
        return strengths.astype(np.float32)

    def apex_strengths(self, movement: Movement) -> npt.NDArray[np.float64]:
        """Factors of the halves' fields at the apex, where the point that moves most moves `movement.pixels`."""
        weights = np.array(movement.weights)
        field = combine(self.fields, weights)
        return np.asarray(weights * movement.pixels / np.sqrt((field**2).sum(axis=0)).max())

    def closing(self, closure: float) -> Array:
        """Downward displacement of lids and skin for a closure of the eyes of 0..1, (HALF, HALF)."""
        step = closure * _LID_STEPS
        below = min(int(step), _LID_STEPS - 1)
        return np.asarray(self.lids[below] + np.float32(step - below) * (self.lids[below + 1] - self.lids[below]))


def build_rig(face: Face) -> FaceRig:
    """Compute everything that moves a face."""
    y, x = (np.mgrid[:HALF, :HALF] * 2 + 0.5).astype(np.float32)
    nose = face.landmarks[30].astype(np.float32)
    depth = np.exp(-((x - nose[0]) ** 2 + (y - nose[1]) ** 2) / np.float32(2 * (0.45 * face.scale) ** 2))
    flat = np.zeros_like(depth)
    fields = np.concatenate([half_fields(face.landmarks, (x, y)), [[depth, flat], [flat, depth]]])
    squeeze = (np.gradient(fields[:, 0], axis=2) + np.gradient(fields[:, 1], axis=1)) / 2  # a step is two pixels
    from_border = np.minimum(np.arange(FRAME), np.arange(FRAME)[::-1]) / _RIM
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.clip(from_border, 0, 1))
    rigid = np.minimum.outer(ramp, ramp).astype(np.float32)
    lids, pupils = _lid_fields(face, x, y), _pupil_field(face, x, y)
    return FaceRig(face, fields, squeeze.astype(np.float32), lids, pupils, rigid)


def combine(fields: Array, weights: npt.NDArray[np.floating]) -> Array:
    """The sum (...) of fields (n, ...), displacement or divergence per unit of strength, with weights (n,)."""
    used = np.flatnonzero(weights)
    return np.asarray(np.tensordot(weights[used].astype(np.float32), fields[used], axes=1))


def _lid_fields(face: Face, x: Array, y: Array) -> Array:
    """Closing eyes: the upper lid slides down over the eye, and the skin between brow and lid stretches."""
    steps = np.linspace(0, 0.93, _LID_STEPS + 1, dtype=np.float32)[:, None, None]
    total = np.zeros((_LID_STEPS + 1, *x.shape), np.float32)
    for corners, upper, lower, brow in _EYES:
        middle = face.landmarks[list(corners), 0].mean()
        width = np.ptp(face.landmarks[list(corners), 0])
        top, bottom, above_eye = (face.landmarks[list(points), 1].mean() for points in (upper, lower, brow))
        crease = 0.6 * above_eye + 0.4 * top
        bottom += 0.25 * (bottom - top)  # the landmarks are inside the lashes
        lid = top + steps * (bottom - top)
        skin = crease + (y - crease) * (top - crease) / (lid - crease)
        eye = top + (y - lid) * (bottom - top) / (bottom - lid)
        across = np.exp(-(((x - middle) / (0.62 * width)) ** 4))
        total += np.where((y > crease) & (y < bottom), y - np.where(y < lid, skin, eye), 0) * across
    return np.stack([cv2.GaussianBlur(field, (0, 0), 0.7) for field in total])


def _pupil_field(face: Face, x: Array, y: Array) -> Array:
    """Where the eyes are: the open eyes in full, the lashes in part."""
    total = np.zeros_like(x)
    for corners, upper, lower, _ in _EYES:
        middle, width = face.landmarks[list(corners), 0].mean(), np.ptp(face.landmarks[list(corners), 0])
        top, bottom = (face.landmarks[list(points), 1].mean() for points in (upper, lower))
        across, down = (x - middle) / (0.45 * width), (y - (top + bottom) / 2) / (0.8 * (bottom - top))
        total += np.exp(-(across**4) - down**4).astype(np.float32)
    return total
