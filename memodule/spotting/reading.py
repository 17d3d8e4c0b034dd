"""What one reading of a video leaves behind, and where its samples lie in time."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from memodule.datasets.frames import Gray
from memodule.flow.parameters import FlowParameters
from memodule.flow.quality import WindowQuality
from memodule.flow.window import WindowFlow
from memodule.spotting.coverage import Stretch
from memodule.spotting.faces import FaceChoice
from memodule.spotting.result import Place, Section
from memodule.spotting.sampling import Sample
from memodule.spotting.video_source import VideoSource


class VideoReading:
    """What is kept of a video while it is read in windows: a few kilobytes per second.

    Args:
        parameters: Of the windows, in samples (so `frame_step` is 1).
    """

    def __init__(self, parameters: FlowParameters) -> None:
        self.parameters = parameters
        self.frames = 0
        self.seconds = 0.0
        self.most_faces = 0
        self.sample_frames: list[int] = []
        self.sample_seconds: list[float] = []
        self.stale: list[bool] = []
        self.windows: list[WindowQuality] = []
        self.places: list[Place] = []
        self.spot: list[npt.NDArray[np.float32]] = []
        self.logits: list[npt.NDArray[np.float32]] = []
        self.flow: list[npt.NDArray[np.float32]] = []

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.sample_frames)

    def padded(self, samples: Iterable[Sample]) -> Iterator[Gray]:
        """Images (H, W) uint8 of all samples, the last one repeated until the last window is full: no end is lost."""
        image: Gray | None = None
        for sample in samples:
            self.sample_frames.append(sample.frame)
            self.sample_seconds.append(sample.seconds)
            self.stale.append(sample.stale)
            image = sample.image
            yield image
        if image is not None:
            yield from itertools.repeat(image, self.parameters.padding(self.count))

    def take(
        self, windows: Sequence[WindowFlow], spot: npt.NDArray[np.float32], logits: npt.NDArray[np.float32]
    ) -> None:
        """Keep the scores (W, k) and logits (W, k, 5) of the next W windows, and where their faces are."""
        self.spot.append(spot)
        self.logits.append(logits)
        starts = self.parameters.starts(len(self.windows) + len(windows))[len(self.windows) :].tolist()
        for window, start in zip(windows, starts, strict=True):
            self.windows.append(WindowQuality.of(window))
            if window.box is not None and window.reference is not None:
                self.places.append(Place(start + window.reference, window.box.rectangle))

    def timeline(self) -> "Timeline":
        """Where the samples lie in the video."""
        return Timeline(np.array(self.sample_frames), np.array(self.sample_seconds), self.frames, self.seconds)

    def remarks(self, source: VideoSource, face: FaceChoice) -> list[str]:
        """What looks wrong with the video, one line each."""
        remarks = []
        if source.frames is not None and self.frames < 0.98 * source.frames - 1:
            remarks.append(
                f"the file ends after {self.frames} of {source.frames} frames; it may be damaged: copy it again"
            )
        if not source.steady:
            remarks.append("the frame rate changes; frames were chosen by their time stamps")
        if face.number is not None and 0 < self.most_faces < face.number:
            remarks.append(f"face {face} never appeared: at most {self.most_faces} at once; choose another with --face")
        elif self.most_faces > 1:
            remarks.append(f"up to {self.most_faces} faces at once: {face} was followed; choose with --face")
        return remarks


@dataclasses.dataclass(frozen=True, eq=False)
class Timeline:
    """Samples -> frames and seconds of the video.

    Attributes:
        frames: (n,) source frame of each sample.
        seconds: (n,) when it is shown.
        count: Number of frames of the video.
        end: When its last frame is shown, in seconds.
    """

    frames: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.float64]
    count: int
    end: float

    def last_frame(self, sample: int) -> int:
        """The last source frame that a sample represents (inclusive): the one before the next sample's."""
        if sample + 1 < len(self.frames):
            return max(int(self.frames[sample]), int(self.frames[sample + 1]) - 1)
        return self.count - 1

    def last_second(self, sample: int) -> float:
        """When that frame is shown, in seconds; accurate to half a frame where the rate changes."""
        first, last = int(self.frames[sample]), self.last_frame(sample)
        if sample + 1 == len(self.frames):
            return self.end
        gap = max(1, int(self.frames[sample + 1]) - first)
        return float(np.interp(last - first, [0, gap], [self.seconds[sample], self.seconds[sample + 1]]))

    def section(self, stretch: Stretch) -> Section:
        """The frames of some samples."""
        return Section(
            int(self.frames[stretch.first]),
            self.last_frame(stretch.last),
            float(self.seconds[stretch.first]),
            self.last_second(stretch.last),
            stretch.reason,
        )
