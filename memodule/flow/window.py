"""The features of one window: the flow of every frame relative to the first frame that shows a face."""

import dataclasses
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

    def add(self, frame: Gray, find_face: Callable[[], Landmarks | None]) -> WindowFlow | None:
        """Take the next frame; the last one returns the finished window.

        `find_face` returns the landmarks in this frame; it is only called while there is no reference frame.
        """
        if self._face is None:
            self._start(frame, find_face())
        else:
            self._flow[:, self._column] = self._measure(self._face, frame)
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

    def _start(self, frame: Gray, landmarks: Landmarks | None) -> None:
        if landmarks is None:
            return
        published = PublishedBox.around(landmarks)
        if published.is_empty(frame):  # a face in profile
            return
        box: FaceBox = published if self._compensation == "published" else CorrectedBox.around(published, frame)
        view = box.view(frame)
        found = self._finder.find(view(WHOLE))
        self._face = _Reference(box, view, to_crop(landmarks, published) if found is None else found, self._engine)
        self._reference = self._column

    def _measure(self, face: "_Reference", frame: Gray) -> npt.NDArray[np.float32]:
        """The 36 channels of a frame."""
        view, head = self._align(face, frame)
        vectors = np.zeros((CHANNELS // 2, 2), np.float32)
        for i, vector in face.vectors(view):
            vectors[i] = vector - head
        return vectors.reshape(CHANNELS)

    def _align(self, face: "_Reference", frame: Gray) -> tuple[View, Vector]:
        """Move the face box with the head; the crop, and the head motion left in it."""
        view = face.box.view(frame)
        head = face.head(view)
        for shift in range(_SHIFTS + 1):
            if head @ head <= face.box.still**2:
                break
            box = face.box.after(head, frame) if shift < _SHIFTS else None
            if box is None:
                self._saturated += bool(head @ head > 1)
                break
            face.box = box
            view = box.view(frame)
            head = face.head(view)
            self._shifts += 1
        return view, head


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
