"""Recordings that movements are added to: in the images or in the measured features."""

import dataclasses
import functools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from memodule.datasets.frames import Gray
from memodule.errors import UserError
from memodule.flow.face import face_finder
from memodule.injection.face_track import FaceTrack, track_face
from memodule.injection.warp import Warper
from memodule.runtime.opencv import opencv_alone
from memodule.sensitivity.counting import SpottedCurve
from memodule.spotting.faces import FaceChoice, FaceFollower
from memodule.spotting.result import SpottedVideo
from memodule.spotting.spotter import Measured, Progress, Spotter
from memodule.spotting.video_source import TimedFrame, VideoSource
from memodule.synthetic.movements import Movement

Spot = Callable[[Sequence[Movement]], SpottedCurve]
"""Adds movements, in samples and image pixels, and spots: the recording itself stays as it is."""


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """A recording, what a spotter makes of it, and how to spot it again with movements in it.

    Attributes:
        rate: Samples per second.
        face: Width of the face box in pixels of the image, the median over the recording. The box is about as wide as
            the face.
        untouched: What the spotter makes of it as it is.
        free: (n,) samples where a movement can be.
        cost: Seconds that one pass takes, about.
    """

    name: str
    rate: float
    face: float
    untouched: SpottedCurve
    free: npt.NDArray[np.bool_]
    spot: Spot
    cost: float
    warnings: tuple[str, ...] = ()

    @property
    def minutes(self) -> float:
        """How much of it was analysed."""
        return float(self.untouched.analysed.sum()) / self.rate / 60


@dataclasses.dataclass(frozen=True)
class WarpedSource(VideoSource):
    """A video with movements in its frames."""

    warper: Warper

    @override
    def read(self) -> Iterator[TimedFrame]:
        for frame in super().read():
            yield dataclasses.replace(frame, gray=functools.partial(self._gray, frame))

    def _gray(self, frame: TimedFrame) -> Gray:
        return self.warper.warp(frame.gray(), frame.seconds)


@dataclasses.dataclass(frozen=True, eq=False)
class MeasuredVideo:
    """A video as a spotter measured it, and where the face is."""

    path: Path
    spotter: Spotter
    choice: FaceChoice
    measured: Measured
    track: FaceTrack
    cost: float

    @classmethod
    def read(
        cls, spotter: Spotter, path: Path, fps: float | None, choice: FaceChoice, progress: Progress
    ) -> "MeasuredVideo":
        """Read a video twice: as the spotter does, and to follow the face.

        Raises:
            UserError: If it cannot be read, is too short, or shows no face.
        """
        source = spotter.open(path, fps)
        began = time.monotonic()
        measured = spotter.measure_source(source, face=choice, progress=progress, keep_flow=True)
        cost = time.monotonic() - began
        follower = FaceFollower(face_finder(), choice)
        with opencv_alone():
            track = track_face(((frame.seconds, frame.gray()) for frame in source.read()), follower.find)
        if not track.found.any():
            raise UserError(
                f"{path}: no face was found, so that nothing can be moved; show it frontally, 80 px or more"
            )
        warnings = (*spotter.rate_warnings(path, fps), *measured.warnings)
        measured = dataclasses.replace(measured, warnings=warnings)
        return cls(path, spotter, choice, measured, track, cost)

    @property
    def face(self) -> float:
        """Median width of the face box in pixels of the image."""
        sides = [window.box_side for window in self.measured.reading.windows if window.box_side is not None]
        return statistics.median(sides)

    def by_images(self) -> Recording:
        """The recording, with movements warped into its frames: exact and slow."""

        def spot(movements: Sequence[Movement]) -> SpottedCurve:
            return spotted_curve(self.spotter.decide(self.measure_warped(movements)))

        return self._recording(spot, self.cost)

    def measure_warped(self, movements: Sequence[Movement], keep_flow: bool = False) -> Measured:
        """Measure the video with movements in its frames."""
        fields = {field.name: getattr(self.measured.source, field.name) for field in dataclasses.fields(VideoSource)}
        warped = WarpedSource(**fields, warper=Warper(self.track, movements, self.measured.sampling.rate))
        return self.spotter.measure_source(warped, face=self.choice, keep_flow=keep_flow)

    def _recording(self, spot: Spot, cost: float) -> Recording:
        result = self.spotter.decide(self.measured)
        if not result.is_analysed:
            raise UserError(f"{self.path}: {result.summary()}; nothing can be tried where nothing is analysed")
        untouched = spotted_curve(result)
        visible = [self.track.at(seconds) is not None for seconds in result.sample_seconds.tolist()]
        return Recording(
            str(self.path),
            self.measured.sampling.rate,
            self.face,
            untouched,
            untouched.analysed & np.array(visible),
            spot,
            cost,
            result.warnings,
        )


def spotted_curve(result: SpottedVideo) -> SpottedCurve:
    """Score and detections of a video in samples."""
    rows = [(e.onset, e.apex, e.offset) for e in result.expressions]
    frames = np.array(rows, dtype=np.int64).reshape(-1, 3)
    first = np.searchsorted(result.sample_frames, frames[:, :2])
    last = np.searchsorted(result.sample_frames, frames[:, 2:], side="right") - 1
    return SpottedCurve(result.score, np.concatenate([first, last], axis=1))
