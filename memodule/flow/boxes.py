"""The face box: which part of a frame is cropped to 320 x 320 pixels, and how it follows the head."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol, Self, cast

import cv2
import numpy as np
import numpy.typing as npt
from typing_extensions import override

from memodule.datasets.frames import Gray
from memodule.flow.face import Landmarks

CROP_SIDE: Final = 320
"""Side of the square that every face box is resized to, in pixels."""

Vector = npt.NDArray[np.float64]
"""x and y, in pixels of the crop."""


@dataclasses.dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of pixels; bottom and right are exclusive."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def is_empty(self) -> bool:
        """Whether it contains no pixel."""
        return self.height <= 0 or self.width <= 0

    def of(self, image: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """This part of an image (..., H, W), as a view."""
        return image[..., self.top : self.bottom, self.left : self.right]


WHOLE: Final = Area(0, CROP_SIDE, 0, CROP_SIDE)
"""The whole crop."""

View = Callable[[Area], Gray]
"""Returns areas of the crop of one frame."""

_LEFT_EYE_INNER, _RIGHT_EYE_INNER = 39, 42


class FaceBox(Protocol):
    """A part of a frame that follows the head; it does not move up to a head motion of `still` pixels of the crop."""

    still: ClassVar[float]

    @property
    def rectangle(self) -> tuple[float, float, float, float]:
        """Left, top, width and height in pixels of the frame."""

    def view(self, frame: Gray) -> View:
        """The box's part of a frame (H, W), resized to 320 x 320 (bilinear)."""

    def after(self, head: Vector, frame: Gray) -> Self | None:
        """The box moved by a head motion in pixels of the crop; None if it would leave the frame (H, W) entirely."""


@dataclasses.dataclass(frozen=True, slots=True)
class PublishedBox(FaceBox):
    """The box of the published code, in whole pixels of the frame; bottom and right are exclusive.

    It moves by as many pixels of the frame as the head has moved pixels of the crop. It shrinks at the top and left
    edges of the frame; at the bottom and right edges the crop ends with the frame. Both change the scale of the crop.
    """

    still: ClassVar[float] = 1.0

    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def around(cls, landmarks: Landmarks) -> Self:
        """Nine half eye distances wide and high, cut off at the top and left edge of the frame."""
        (left_x, left_y), (right_x, right_y) = landmarks[[_LEFT_EYE_INNER, _RIGHT_EYE_INNER]].tolist()
        unit = int((right_x - left_x) / 2)
        x, y = int((right_x + left_x) / 2), int((right_y + left_y) / 2)
        return cls(
            top=max(y - int(3.5 * unit), 0),
            bottom=y + int(5.5 * unit),
            left=max(x - int(4.5 * unit), 0),
            right=x + int(4.5 * unit),
        )

    def is_empty(self, frame: Gray) -> bool:
        """Whether the box contains no pixel of the frame."""
        height, width = frame.shape
        return bool(min(self.bottom, height) <= self.top or min(self.right, width) <= self.left)

    @property
    @override
    def rectangle(self) -> tuple[float, float, float, float]:
        return self.left, self.top, self.right - self.left, self.bottom - self.top

    @override
    def view(self, frame: Gray) -> View:
        part = frame[self.top : self.bottom, self.left : self.right]
        crop = cv2.resize(part, (CROP_SIDE, CROP_SIDE))
        return lambda area: area.of(crop)

    @override
    def after(self, head: Vector, frame: Gray) -> Self | None:
        x, y = (round(shift) for shift in head.tolist())
        moved = type(self)(max(self.top + y, 0), self.bottom + y, max(self.left + x, 0), self.right + x)
        return None if moved.is_empty(frame) else moved


@dataclasses.dataclass(frozen=True, slots=True)
class CorrectedBox(FaceBox):
    """A box that follows the head by fractions of a pixel and keeps its size, in pixels of the frame.

    Head motion is divided by the scale of the crop. Beyond the frame, its border pixels are repeated. A view computes
    only the pixels of the requested area.
    """

    still: ClassVar[float] = 0.2

    top: float
    left: float
    height: float
    width: float

    @classmethod
    def around(cls, box: PublishedBox, frame: Gray) -> Self:
        """The part of a published box that is inside the frame."""
        height, width = frame.shape
        return cls(box.top, box.left, min(box.bottom, height) - box.top, min(box.right, width) - box.left)

    @property
    @override
    def rectangle(self) -> tuple[float, float, float, float]:
        return self.left, self.top, self.width, self.height

    @override
    def view(self, frame: Gray) -> View:
        x, y = self.width / CROP_SIDE, self.height / CROP_SIDE
        # pixel centres are mapped onto each other, as in cv2.resize
        left, top = self.left + (x - 1) / 2, self.top + (y - 1) / 2
        flags, border = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE

        def part(area: Area) -> Gray:
            to_frame = np.array([[x, 0, left + area.left * x], [0, y, top + area.top * y]])
            return cast(
                Gray, cv2.warpAffine(frame, to_frame, (area.width, area.height), flags=flags, borderMode=border)
            )

        return part

    @override
    def after(self, head: Vector, frame: Gray) -> Self | None:
        x, y = (head * (self.width, self.height) / CROP_SIDE).tolist()
        moved = dataclasses.replace(self, top=self.top + y, left=self.left + x)
        height, width = frame.shape
        inside = -self.width < moved.left < width and -self.height < moved.top < height
        return moved if inside else None


def to_crop(landmarks: Landmarks, box: PublishedBox) -> Landmarks:
    """Landmarks of the frame in pixels of the crop, truncated to whole pixels."""
    return ((landmarks - (box.left, box.top)) * (CROP_SIDE / np.array(box.rectangle[2:]))).astype(np.int64)
