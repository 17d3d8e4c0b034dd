"""Which face is analysed where a video shows several, and how it is followed from one search to the next."""

import dataclasses
import re
from typing import Any, Final

import cv2
import numpy as np

from memodule.datasets.frames import Gray
from memodule.errors import UserError
from memodule.flow.face import FaceFinder, Landmarks

_LARGEST_SIDE: Final = 1280
"""Pixels; larger frames are reduced before the search, which finds faces of 80 pixels or more in the reduced frame."""

_STEP: Final = 0.75
"""How far a face may move between two searches, as a share of its width, and still count as the same."""


@dataclasses.dataclass(frozen=True)
class FaceChoice:
    """Which face to start with.

    Attributes:
        number: The n-th face from the left of the image, from 1; None takes the largest one.
        position: (x, y) in pixels: the face nearest to this point; overrides `number`.
    """

    number: int | None = None
    position: tuple[int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> "FaceChoice":
        """Read a value of `--face`: `largest`, a number, or `x,y`."""
        if text == "largest":
            return cls()
        if re.fullmatch(r"[1-9]\d*", text):
            return cls(number=int(text))
        if match := re.fullmatch(r"(\d+),(\d+)", text):
            return cls(position=(int(match[1]), int(match[2])))
        raise UserError(f"--face {text}: use `largest`, the number of a face from the left (1, 2, …) or a point x,y")

    def __str__(self) -> str:
        if self.position:
            return f"the one nearest to {self.position[0]},{self.position[1]}"
        return "the largest one" if self.number is None else f"number {self.number} from the left"


@dataclasses.dataclass(frozen=True, slots=True)
class _Face:
    """A face rectangle in pixels of the whole frame."""

    left: float
    top: float
    width: float
    height: float
    rectangle: Any

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    def distance(self, point: tuple[float, float]) -> float:
        x, y = self.centre
        return float(np.hypot(x - point[0], y - point[1]))


class FaceFollower:
    """Finds one person's face in frame after frame.

    A face near the last position is taken again, even if another one is larger now; otherwise a new choice is made.

    Attributes:
        most: The largest number of faces seen in one frame.
    """

    def __init__(self, finder: FaceFinder, choice: FaceChoice) -> None:
        self._finder = finder
        self._choice = choice
        self._last: _Face | None = None
        self.most = 0

    def find(self, frame: Gray) -> Landmarks | None:
        """Landmarks (68, 2) of the followed face in pixels of the frame, or None where it is not visible."""
        faces = self._faces(frame)
        self.most = max(self.most, len(faces))
        face = self._again(faces) or self._chosen(faces)
        if face is None:
            return None
        self._last = face
        return self._finder.landmarks(frame, face.rectangle)

    def _again(self, faces: list[_Face]) -> _Face | None:
        if self._last is None or not faces:
            return None
        last = self._last
        nearest = min(faces, key=lambda face: face.distance(last.centre))
        return nearest if nearest.distance(last.centre) <= _STEP * last.width else None

    def _chosen(self, faces: list[_Face]) -> _Face | None:
        if not faces:
            return None
        if self._choice.position is not None:
            point = self._choice.position
            return min(faces, key=lambda face: face.distance(point))
        if self._choice.number is None:
            return max(faces, key=lambda face: face.width * face.height)
        from_left = sorted(faces, key=lambda face: face.centre[0])
        return from_left[self._choice.number - 1] if self._choice.number <= len(from_left) else None

    def _faces(self, frame: Gray) -> list[_Face]:
        import dlib

        scale = max(1.0, max(frame.shape) / _LARGEST_SIDE)
        height, width = frame.shape
        size = round(width / scale), round(height / scale)
        small = frame if scale == 1 else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        faces = []
        for found in self._finder.faces(small.astype(np.uint8, copy=False)):
            left, top, right, bottom = (
                round(side * scale) for side in (found.left(), found.top(), found.right(), found.bottom())
            )
            faces.append(_Face(left, top, right - left, bottom - top, dlib.rectangle(left, top, right, bottom)))
        return faces
