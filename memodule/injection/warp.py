"""Movements of known size in a recording: the skin around landmarks is warped, frame by frame.

The displacement fields are those of the semi-synthetic faces (`memodule.synthetic.action_units`): smooth, with a reach
that grows with the face. They ride on the head, because they are placed by the landmarks of every frame. Pixels that
nothing moves stay as they are, to the last bit.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from memodule.datasets.frames import Gray
from memodule.flow.boxes import Area
from memodule.injection.face_track import FaceTrack
from memodule.synthetic.action_units import HALVES, UNITS, Array, displacement, mirror_order
from memodule.synthetic.movements import Movement

Floats = npt.NDArray[np.float64]

_EXTENT: Final = 3.5
"""How far a field is evaluated, in standard deviations of its fall-off; beyond, less than .3 % of it is left."""

_STEPS: Final = 10
"""Grid points per standard deviation: fields are smooth, so that large faces need no more of them than small ones."""


def warped_frames(
    frames: Iterable[Gray], fps: float, track: FaceTrack, movements: Sequence[Movement]
) -> Iterator[Gray]:
    """The frames of a recording with movements added; one is held at a time.

    Args:
        frames: (H, W) uint8 gray frames, all of them.
        track: Where the face is, with times in seconds from the first frame.
        movements: Movements in frames of the recording; `pixels` is the way of the most moved point in pixels of the
            frames. They may overlap. Where the face is not visible nothing moves.
    """
    warper = Warper(track, movements, fps)
    for i, frame in enumerate(frames):
        yield warper.warp(frame, i / fps)


class Warper:
    """Adds movements to frames of a recording, in any order.

    Args:
        track: Where the face is, with times in seconds.
        movements: Movements in steps of 1 / `rate` seconds.
    """

    def __init__(self, track: FaceTrack, movements: Sequence[Movement], rate: float) -> None:
        self._track = track
        self._rate = rate
        self._movements = [(movement, self._apex_strengths(movement)) for movement in movements]

    def warp(self, frame: Gray, seconds: float) -> Gray:
        """A frame (H, W) with what moves at its time; the frame itself where nothing does."""
        strengths, t = np.zeros(len(HALVES)), np.array([seconds * self._rate])
        for movement, apex in self._movements:
            if movement.onset - 1 < t[0] < movement.offset + 1:
                strengths += movement.at(t)[0] * apex
        if not strengths.any():
            return frame
        landmarks = self._track.at(seconds)
        return frame if landmarks is None else warp(frame, landmarks, strengths)

    def _apex_strengths(self, movement: Movement) -> Floats:
        landmarks = self._track.nearest(movement.apex / self._rate)
        return apex_strengths(landmarks, np.array(movement.weights), movement.pixels)


def warp(frame: Gray, landmarks: Floats, strengths: Floats) -> Gray:
    """Move the skin of one frame.

    Args:
        frame: (H, W) uint8.
        landmarks: (68, 2) pixel positions in the frame.
        strengths: Of each of `HALVES`: how far its most moved point moves, in pixels of the frame.

    Returns:
        (H, W) uint8: a new image, or `frame` itself if nothing moves inside it.
    """
    area = _inside(_extent(landmarks, np.flatnonzero(strengths)), frame)
    if area.is_empty:
        return frame
    field = _field(landmarks, strengths, area)
    y, x = np.mgrid[area.top : area.bottom, area.left : area.right].astype(np.float32)
    moved = cv2.remap(frame, x - field[0], y - field[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    warped = frame.copy()
    warped[area.top : area.bottom, area.left : area.right] = moved
    return warped


def apex_strengths(landmarks: Floats, weights: Floats, pixels: float) -> Floats:
    """Strengths of `HALVES` with which the most moved point moves by `pixels`, from relative weights."""
    used = np.flatnonzero(weights)
    if not len(used):
        return np.zeros(len(weights))
    field = _field(landmarks, weights, _extent(landmarks, used))
    return np.asarray(weights * pixels / np.sqrt((field**2).sum(axis=0)).max())


def _field(landmarks: Floats, strengths: Floats, area: Area) -> Array:
    """The sum of the halves' fields in an area, (2, height, width): right and down, in pixels."""
    total = np.zeros((2, area.height, area.width), np.float32)
    for half in np.flatnonzero(strengths).tolist():
        part = _extent(landmarks, [half])
        points, reach = _half(landmarks, half)
        step = max(1, int(reach / _STEPS))
        x = np.arange(part.left, part.right + step, step, dtype=np.float32)
        y = np.arange(part.top, part.bottom + step, step, dtype=np.float32)
        across, down = np.meshgrid(x, y)
        grid = displacement(landmarks, points, reach, (across, down))
        grid *= np.float32(strengths[half] / np.sqrt((grid**2).sum(axis=0)).max())
        to_grid = np.array([[1 / step, 0, (area.left - part.left) / step], [0, 1 / step, (area.top - part.top) / step]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        for axis in range(2):
            total[axis] += cv2.warpAffine(grid[axis], to_grid, (area.width, area.height), flags=flags)
    return total


def _half(landmarks: Floats, half: int) -> tuple[dict[int, tuple[float, float]], float]:
    """The landmarks that one of `HALVES` moves, with their directions, and its reach in pixels."""
    name, side = HALVES[half]
    unit, mirror = UNITS[name], mirror_order()
    scale = float(np.linalg.norm(landmarks[45] - landmarks[36]))
    points = unit.points
    if side == "right":
        points = {int(mirror[i]): (-dx, dy) for i, (dx, dy) in points.items()}
    return points, unit.reach * scale


def _extent(landmarks: Floats, halves: Iterable[int]) -> Area:
    """Where some of `HALVES` move anything; it may be outside the frame."""
    corners = []
    for half in halves:
        points, reach = _half(landmarks, half)
        at = landmarks[list(points)]
        corners.append((at.min(axis=0) - _EXTENT * reach, at.max(axis=0) + _EXTENT * reach))
    if not corners:
        return Area(0, 0, 0, 0)
    (left, top), (right, bottom) = np.min(corners, axis=(0, 1)), np.max(corners, axis=(0, 1))
    return Area(int(np.floor(top)), int(np.ceil(bottom)) + 1, int(np.floor(left)), int(np.ceil(right)) + 1)


def _inside(area: Area, frame: Gray) -> Area:
    height, width = frame.shape
    return Area(max(area.top, 0), min(area.bottom, height), max(area.left, 0), min(area.right, width))
