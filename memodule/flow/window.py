"""The features of one window: the flow of every frame relative to the first frame that shows a face."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from memodule.datasets.frames import Gray
from memodule.flow.boxes import WHOLE, CorrectedBox, FaceBox, PublishedBox, Vector, View, to_crop
from memodule.flow.face import FaceFinder, Landmarks
from memodule.flow.farneback import FlowEngine
from memodule.flow.parameters import MotionCompensation
from memodule.flow.pooling import Flow
from memodule.flow.regions import FaceLayout, face_layout
from memodule.flow.store import CHANNELS

_SHIFTS: Final = 3
"""Largest number of moves of the face box for one frame."""


@dataclasses.dataclass(frozen=True)
class WindowFlow:
    """The features of one window and how they were obtained.

    Attributes:
        flow: (36, window) float32, in pixels of the 320 x 320 crop. The reference frame's column and all columns before
            it are zero; without a face all are.
        reference: Column of the reference frame, the first that shows a face; None without a face.
        landmarks: (68, 2) landmarks of the reference frame in pixels of the crop.
        saturated: Number of frames in which more than a pixel of head motion was left after the last move.
        undefined: Patches for which the published code would have failed (see `memodule.flow.regions`).
    """

    flow: npt.NDArray[np.float32]
    reference: int | None = None
    box: FaceBox | None = None
    landmarks: Landmarks | None = None
    shifts: int = 0
    saturated: int = 0
    undefined: tuple[str, ...] = ()


class SharedFrame:
    """A frame with what all windows that contain it have in common, computed when the first one needs it.

    Args:
        find_face: Finds the landmarks in a frame; it is only called while a window has no reference frame.
    """

    def __init__(self, image: Gray, find_face: Callable[[Gray], Landmarks | None]) -> None:
        self.image = image
        self._find_face = find_face
        self._measured: dict[int, _Motion] = {}

    @functools.cached_property
    def landmarks(self) -> Landmarks | None:
        """Those of the face, if it shows one."""
        return self._find_face(self.image)

    def reference(
        self, compensation: MotionCompensation, engine: FlowEngine, finder: FaceFinder
    ) -> "_Reference | None":
        """This frame as a reference frame: one and the same for all windows that begin with it."""
        if not hasattr(self, "_reference"):
            self._reference = _Reference.of(self.image, self.landmarks, compensation, engine, finder)
        return self._reference

    def motion(self, face: "_Reference") -> "_Motion":
        """The motion since a reference frame; measured once, since measuring moves the face box."""
        if id(face) not in self._measured:
            self._measured[id(face)] = face.motion(self.image)
        return self._measured[id(face)]


class Window:
    """Takes the `length` frames of one window one after another, keeping none of them."""

    def __init__(self, length: int, compensation: MotionCompensation, engine: FlowEngine, finder: FaceFinder) -> None:
        self._compensation = compensation
        self._engine = engine
        self._finder = finder
        self._flow = np.zeros((CHANNELS, length), np.float32)
        self._column = 0
        self._face: _Reference | None = None
        self._reference: int | None = None
        self._shifts = 0
        self._saturated = 0

    def add(self, frame: SharedFrame) -> WindowFlow | None:
        """Take the next frame; the last one returns the finished window."""
        if self._face is None:
            self._face = frame.reference(self._compensation, self._engine, self._finder)
            self._reference = None if self._face is None else self._column
        else:
            motion = frame.motion(self._face)
            self._flow[:, self._column] = motion.channels
            self._shifts += motion.shifts
            self._saturated += motion.saturated
        self._column += 1
        return self._finished() if self._column == self._flow.shape[1] else None

    def _finished(self) -> WindowFlow:
        if self._face is None:
            return WindowFlow(self._flow)
        face = self._face
        undefined = face.layout.undefined
        return WindowFlow(
            self._flow, self._reference, face.first_box, face.landmarks, self._shifts, self._saturated, undefined
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Motion:
    """The motion of a frame since a reference frame.

    Attributes:
        channels: (36,) pixels of the crop.
        shifts: How often the face box was moved.
        saturated: Whether more than a pixel of head motion was left after the last move.
    """

    channels: npt.NDArray[np.float32]
    shifts: int
    saturated: bool


class _Reference:
    """The reference frame of a window, prepared for comparison with other frames; `box` follows the head."""

    def __init__(self, box: FaceBox, view: View, landmarks: Landmarks, engine: FlowEngine) -> None:
        self.first_box = box
        self.box = box
        self.landmarks = landmarks
        self.layout: FaceLayout = face_layout(landmarks)
        self._engine = engine
        self._patches: list[Any] = [
            None if area.is_empty else engine.reference(view(area)) for area in self.layout.patches
        ]

    @classmethod
    def of(
        cls,
        frame: Gray,
        landmarks: Landmarks | None,
        compensation: MotionCompensation,
        engine: FlowEngine,
        finder: FaceFinder,
    ) -> "_Reference | None":
        """The reference frame with this face; None without a face, or with one in profile."""
        if landmarks is None:
            return None
        published = PublishedBox.around(landmarks)
        if published.is_empty(frame):
            return None
        box: FaceBox = published if compensation == "published" else CorrectedBox.around(published, frame)
        view = box.view(frame)
        found = finder.find(view(WHOLE))
        return cls(box, view, to_crop(landmarks, published) if found is None else found, engine)

    def motion(self, frame: Gray) -> _Motion:
        """The motion of the next frame, with which the box moves."""
        view, head, shifts, saturated = self._align(frame)
        vectors = np.zeros((CHANNELS // 2, 2), np.float32)
        for i, vector in self.vectors(view):
            vectors[i] = vector - head
        return _Motion(vectors.reshape(CHANNELS), shifts, saturated)

    def _align(self, frame: Gray) -> tuple[View, Vector, int, bool]:
        """Move the box with the head; the crop, the head motion left in it, and how that went as in `_Motion`."""
        view = self.box.view(frame)
        head = self.head(view)
        for shifts in range(_SHIFTS + 1):
            if head @ head <= self.box.still**2:
                return view, head, shifts, False
            box = self.box.after(head, frame) if shifts < _SHIFTS else None
            if box is None:
                break
            self.box = box
            view = box.view(frame)
            head = self.head(view)
        return view, head, shifts, bool(head @ head > 1)

    def head(self, view: View) -> Vector:
        """Motion of the nose since the reference frame; (0, 0) if there is no nose patch."""
        nose = self.layout.head.patch
        if self._patches[nose] is None:
            return np.zeros(2)
        return np.array(self._engine.pool(self._flow(nose, view), self.layout.head))

    def vectors(self, view: View) -> Iterator[tuple[int, Vector]]:
        """(index, motion since the reference frame) of the visible regions."""
        flows: dict[int, Flow] = {}
        for i, region in enumerate(self.layout.regions):
            if self._patches[region.patch] is not None:
                if region.patch not in flows:
                    flows[region.patch] = self._flow(region.patch, view)
                yield i, np.array(self._engine.pool(flows[region.patch], region))

    def _flow(self, patch: int, view: View) -> Flow:
        return self._engine.flow(self._patches[patch], view(self.layout.patches[patch]))
