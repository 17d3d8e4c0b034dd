"""Rig and performance -> frames.

Each frame is one bicubic resampling of the person's image: the source of its pixels is the sum of the head's motion and
the facial displacement fields, which move with the head. Compressed skin becomes darker and stretched skin brighter, as
wrinkles and bulges do. The camera then scales the image; light and noise are added last.
"""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from memodule.synthetic.action_units import Array
from memodule.synthetic.camera import Camera
from memodule.synthetic.difficulty import Difficulty
from memodule.synthetic.face_rig import HALF, FaceRig, combine
from memodule.synthetic.faces import FRAME
from memodule.synthetic.performance import Performance

_BANK: Final = 4  # noise images; a frame takes one of them at a random shift, perhaps mirrored
_SHIFTS: Final = 17


def render(
    rig: FaceRig,
    performance: Performance,
    difficulty: Difficulty,
    camera: Camera,
    fps: float,
    rng: np.random.Generator,
) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the (side, side) grey frames of one video; `rng` is the source of the noise."""
    spare = camera.side + _SHIFTS - 1
    bank = np.float32(camera.noise) * rng.standard_normal((_BANK, spare, spare), np.float32)
    tilt = np.linspace(-64, 64, camera.side, dtype=np.float32)
    for i, strength in enumerate(rig.strengths(performance)):
        image = _warped(rig, strength, performance, i, difficulty.shading)
        if camera.side != FRAME:
            image = _scaled(image, camera.side)
        gain, side = performance.light[i].astype(np.float32)
        image *= (1 + gain + camera.lamps(i / fps))[:, None]
        image += side * tilt
        image += _noise(bank, camera.side, rng)
        image += np.float32(0.5)
        yield np.clip(image, 0, 255).astype(np.uint8)


def _warped(rig: FaceRig, strength: Array, performance: Performance, frame: int, shading: float) -> Array:
    """The face in one frame, without light and noise."""
    closure, gaze = performance.lids[frame], performance.gaze[frame].astype(np.float32)
    to_rest = _to_rest(rig, performance.pose[frame])
    source_x, source_y = _head_motion(rig, to_rest)
    moving, looking = bool(strength.any()), bool(gaze.any())
    if moving or looking or closure > 0:
        to_rest_half = to_rest.copy()
        to_rest_half[:, 2] = (to_rest[:, :2].sum(axis=1) / 2 + to_rest[:, 2] - 0.5) / 2
        field = combine(rig.fields, strength)
        if closure > 0:
            field[1] += rig.closing(closure)
        if looking:
            field += gaze[:, None, None] * rig.pupils
        source_x -= _enlarged(field[0], to_rest_half)
        source_y -= _enlarged(field[1], to_rest_half)
    warped = cv2.remap(rig.face.image, source_x, source_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    image = np.asarray(warped, np.float32)
    if moving:
        image = image + image * _enlarged(np.float32(shading) * combine(rig.squeeze, strength), to_rest_half)
    return image


def _to_rest(rig: FaceRig, pose: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(2, 3) map from the frame to the person at rest."""
    right, down, roll, zoom = pose
    middle = rig.face.landmarks[30]
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]]) / (1 + zoom)
    return np.column_stack([turn, middle - turn @ (middle + np.array([right, down]))])


def _head_motion(rig: FaceRig, to_rest: npt.NDArray[np.float64]) -> tuple[Array, Array]:
    """The source of pixels if only the head moves; the background at the border keeps still."""
    (xx, xy, x0), (yx, yy, y0) = to_rest.astype(np.float32)
    y, x = np.ogrid[:FRAME, :FRAME]
    x, y = x.astype(np.float32), y.astype(np.float32)
    return (
        rig.rigid * (((xx - 1) * x + x0) + xy * y) + x,
        rig.rigid * (yx * x + ((yy - 1) * y + y0)) + y,
    )


def _enlarged(field: Array, to_rest_half: npt.NDArray[np.float64]) -> Array:
    """A half-resolution field at full resolution, moved with the head."""
    moved = cv2.warpAffine(field, to_rest_half, (HALF, HALF), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(cv2.resize(moved, (FRAME, FRAME), interpolation=cv2.INTER_LINEAR))


def _scaled(image: Array, side: int) -> Array:
    how = cv2.INTER_AREA if side < FRAME else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (side, side), interpolation=how))


def _noise(bank: Array, side: int, rng: np.random.Generator) -> Array:
    which, top, left, mirrored = rng.integers([_BANK, _SHIFTS, _SHIFTS, 2])
    noise = bank[which, top : top + side, left : left + side]
    return noise[:, ::-1] if mirrored else noise
