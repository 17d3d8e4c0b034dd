"""Frames in, windows of optical-flow features out."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from memodule.datasets.frames import Gray
from memodule.flow.engines import flow_engine
from memodule.flow.face import Landmarks, face_finder
from memodule.flow.farneback import EngineName
from memodule.flow.parameters import FlowParameters, MotionCompensation
from memodule.flow.store import CHANNELS
from memodule.flow.window import SharedFrame, Window, WindowFlow

_log = logging.getLogger(__name__)


class FlowExtractor:
    """Computes the 36-channel features of the published code.

    Every window is measured against its own reference frame, the first frame that shows a face: landmarks place 18
    regions on the face (see `memodule.flow.regions`), Farneback's flow from the reference frame to every later frame is
    pooled per region, and the motion of the nose is subtracted. Where the nose moves by more than one pixel of the
    320 x 320 crop, the face box follows it and the flow is computed again.

    Differences from the published code, whose values `motion_compensation="published"` reproduces:

    - "published" moves the box by the nose's motion in pixels of the crop, although the box is in pixels of the frame;
      for faces much smaller than the crop the box oscillates, and every channel is off by .8 to 1.8 px (box of 134 px).
      "corrected" divides by the scale of the crop, and follows in fractions of a pixel from .2 px on: the nose patch
      underestimates head motion by about 7 %, which leaks into every channel while the box lags behind.
    - "published" lets the box shrink at the left and top edges of the frame and extend beyond the right and bottom
      edges, which stretches the crop. "corrected" keeps its size and repeats the frame's border pixels.
    - Patches beyond the crop, on which the published code fails, get defined values and a warning.

    Windows that begin without a face and find it in the same frame have the same reference frame, and share its flow.
    Other overlapping windows can share nothing exactly: each measures the motion since a frame of its own. So the work
    grows in proportion to `phases`.

    Args:
        window: Frames per window, even.
        engine: What computes the flow; "auto" is "numba" where it can be imported, else "opencv". Both agree within
            1e-4 px.
        find_face: Finds the face in whole frames; by default the one with the best score.
        phases: In how many places windows begin within half a window (see `FlowParameters`).

    Raises:
        UserError: If a parameter is invalid, or the engine or the landmark model is not installed.
    """

    def __init__(
        self,
        window: int = 30,
        motion_compensation: MotionCompensation = "corrected",
        engine: EngineName = "auto",
        find_face: Callable[[Gray], Landmarks | None] | None = None,
        phases: int = 1,
    ) -> None:
        self.parameters = FlowParameters(window, 1, motion_compensation, phases)
        self._engine = flow_engine(engine)
        self._finder = face_finder()
        self._find_face = find_face or self._finder.find

    def extract(self, frames: npt.NDArray[np.uint8] | Sequence[Gray]) -> npt.NDArray[np.float32]:
        """Features of a video in memory.

        Args:
            frames: (N, H, W) uint8 gray frames.

        Returns:
            (W, 36, window) float32 in pixels of the 320 x 320 crop. W = `parameters.windows(N)`, with one phase
            N // (window // 2) - 1, or 0 if N < window; window i starts at frame `parameters.starts(W)[i]`.
        """
        count = self.parameters.windows(len(frames))
        features = np.zeros((count, CHANNELS, self.parameters.window), np.float32)
        for i, window in enumerate(self.stream(frames, count)):
            features[i] = window.flow
            if window.undefined:
                _log.warning("window %d: no defined flow in %s", i, ", ".join(window.undefined))
        return features

    def stream(self, frames: Iterable[Gray], windows: int | None = None) -> Iterator[WindowFlow]:
        """Features window by window, each as soon as its last frame has been read; keeps one frame at a time.

        Args:
            frames: (H, W) uint8 gray frames of one size.
            windows: Largest number of windows. Knowing it saves the work for windows that would start near the end and
                never be finished.
        """
        stride, phases = self.parameters.stride, self.parameters.phases
        active: deque[Window] = deque()
        begun = 0
        for i, frame in enumerate(frames):
            if i == begun * stride // phases and (windows is None or begun < windows):
                length, compensation = self.parameters.window, self.parameters.motion_compensation
                active.append(Window(length, compensation, self._engine, self._finder))
                begun += 1
            shared = SharedFrame(frame, self._find_face)
            finished = [window.add(shared) for window in active]
            if finished and finished[0] is not None:
                active.popleft()
                yield finished[0]
            if not active and begun == windows:
                return
