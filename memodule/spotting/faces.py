"""Which face is analysed where a video shows several, and how it is followed from one search to the next."""

import dataclasses
import math
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


class FaceFollower:
    """Finds one person's face in frame after frame.

    A face near the last position is taken again, even if another one is larger now; otherwise a new choice is made.

    Attributes:
        most: The largest number of faces seen in one frame.
    """

    def __init__(self, finder: FaceFinder, choice: FaceChoice) -> None:
        self._finder = finder
        self._choice = choice
        self._last: Any = None
        self.most = 0

    def find(self, frame: Gray) -> Landmarks | None:
        """Landmarks (68, 2) of the followed face in pixels of the frame, or None where it is not visible."""
        faces = self._faces(frame)
        self.most = max(self.most, len(faces))
        face = self._again(faces) or self._chosen(faces)
        if face is None:
            return None
        self._last = face
        return self._finder.landmarks(frame, face)

    def _again(self, faces: list[Any]) -> Any:
        if self._last is None or not faces:
            return None
        centre, width = self._last.dcenter(), self._last.right() - self._last.left()
        nearest = min(faces, key=lambda face: _distance(face, centre.x, centre.y))
        return nearest if _distance(nearest, centre.x, centre.y) <= _STEP * width else None

    def _chosen(self, faces: list[Any]) -> Any:
        if not faces:
            return None
        position = self._choice.position
        if position is not None:
            return min(faces, key=lambda face: _distance(face, *position))
        if self._choice.number is None:
            return max(faces, key=lambda face: (face.right() - face.left()) * (face.bottom() - face.top()))
        from_left = sorted(faces, key=lambda face: face.dcenter().x)
        return from_left[self._choice.number - 1] if self._choice.number <= len(from_left) else None

    def _faces(self, frame: Gray) -> list[Any]:
        """Dlib rectangles in pixels of the whole frame."""
        import dlib

        scale = max(1.0, max(frame.shape) / _LARGEST_SIDE)
        height, width = frame.shape
        size = round(width / scale), round(height / scale)
        small = frame if scale == 1 else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        found = self._finder.faces(small.astype(np.uint8, copy=False))
        sides = [(face.left(), face.top(), face.right(), face.bottom()) for face in found]
        return [dlib.rectangle(*(round(side * scale) for side in face)) for face in sides]


def _distance(face: Any, x: float, y: float) -> float:
    centre = face.dcenter()
    return math.hypot(centre.x - x, centre.y - y)
