"""Extraction of one part of a video: a run of consecutive windows, independent of all other parts."""

import dataclasses
import itertools
import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from memodule.datasets.catalog import Video
from memodule.datasets.frames import FrameRemark, Gray, read_frames
from memodule.errors import UserError
from memodule.flow.extractor import FlowExtractor
from memodule.flow.farneback import EngineName
from memodule.flow.fingerprints import contents_sha256, source_stamp
from memodule.flow.parameters import FlowParameters
from memodule.flow.quality import WindowQuality
from memodule.flow.store import CHANNELS
from memodule.runtime.workers import ReportProgress

_SHORTEST: Final = 8
"""Windows; shorter parts would spend too much time decoding frames twice."""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """Consecutive windows `first` <= i < `stop` of a video; `first` is of the first phase.

    If `is_last`, up to its end: the frames after the last whole window are in further ones, one of each phase at most,
    filled up with the last frame.
    """

    video: Video
    parameters: FlowParameters
    engine: EngineName
    first: int
    stop: int
    is_last: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Face:
    """The first face of a part, for its preview.

    Attributes:
        frame: Source frame, 0-based.
        box: Left, top, width and height of its box in pixels of the frame.
        landmarks: 68 points (x, y) in pixels of the crop.
    """

    frame: int
    box: tuple[float, float, float, float]
    landmarks: list[list[int]]


@dataclasses.dataclass(frozen=True, slots=True)
class PartResult:
    """The features of a part.

    Attributes:
        flow: (windows, 36, k) float32; fewer windows than requested if the video ends early.
        ends_at: Number of sampled frames if the video ends early, else None.
        source: Stamp and hash of the whole source (see `memodule.flow.fingerprints`), in the first part only.
    """

    flow: npt.NDArray[np.float32]
    windows: tuple[WindowQuality, ...]
    face: Face | None
    remarks: tuple[FrameRemark, ...]
    ends_at: int | None
    source: dict[str, str] | None


def split(videos: Sequence[Video], parameters: FlowParameters, engine: EngineName, workers: int) -> list[Part]:
    """Parts of about equal length, longest first, so that all workers finish at about the same time.

    With one worker, or many videos of ordinary length, every video is one part.

    Returns:
        Parts whose windows `first` <= i < `stop` cover each video once.
    """
    total = sum(parameters.windows(video.frames) for video in videos)
    longest = math.inf if workers == 1 else max(_SHORTEST, total / (4 * workers))
    parts = []
    for video in videos:
        windows = parameters.windows(video.frames)
        strides = -(-windows // parameters.phases)  # parts begin with a window of the first phase
        count = max(1, min(strides, math.ceil(windows / longest)))
        borders = [min(strides * i // count * parameters.phases, windows) for i in range(count + 1)]
        for i, (first, stop) in enumerate(itertools.pairwise(borders)):
            parts.append(Part(video, parameters, engine, first, stop, i == count - 1))
    return sorted(parts, key=lambda part: part.first - part.stop)


def _filled_up(frames: Iterator[Gray], parameters: FlowParameters) -> Iterator[Gray]:
    """The frames from the start of a part on, the last one repeated until no frame is left over."""
    count, frame = 0, None
    for frame in frames:
        count += 1
        yield frame
    if frame is not None:
        yield from itertools.repeat(frame, dataclasses.replace(parameters, frame_step=1).padding(count))


def extract_part(part: Part, report: ReportProgress) -> PartResult:
    """Read the frames of a part and compute its features; `report` receives the number of windows done or given up.

    Raises:
        UserError: If something cannot be read or computed; names the video and the frame.
    """
    parameters, video = part.parameters, part.video
    starts, wanted = parameters.starts(part.stop).tolist(), part.stop - part.first
    start = starts[part.first] if wanted else 0
    stop = None if part.is_last else starts[-1] + parameters.window
    remarks: list[FrameRemark] = []
    images, counter = read_frames(video, parameters.frame_step, start, stop, remarks.append), itertools.count()
    # the counter advances with every frame read
    frames: Iterator[Gray] = (image for image, _ in zip(images, counter, strict=False))
    if part.is_last:
        wanted += parameters.padded_windows(video.frames) - parameters.windows(video.frames)
        frames = _filled_up(frames, parameters)
    extractor = FlowExtractor(parameters.window, parameters.motion_compensation, part.engine, phases=parameters.phases)
    flow = np.zeros((wanted, CHANNELS, parameters.window), np.float32)
    windows: list[WindowQuality] = []
    face: Face | None = None
    source: dict[str, str] | None = None
    try:
        first_stamp = source_stamp(video.path) if part.first == 0 and video.path.exists() else ""
        for window in extractor.stream(frames, wanted):
            flow[len(windows)] = window.flow
            if face is None and window.box is not None and window.landmarks is not None:
                begun = int(parameters.starts(len(windows) + 1)[-1])
                at = (start + begun + (window.reference or 0)) * parameters.frame_step
                face = Face(at, window.box.rectangle, window.landmarks.tolist())
            windows.append(WindowQuality.of(window))
            report(len(windows))
        deque(frames, maxlen=0)  # read the rest, so that all frames are counted
        if part.first == 0:
            source = {"stamp": first_stamp, "sha256": contents_sha256(video.path)}
    except UserError:
        raise
    except Exception as error:
        frame = (start + max(next(counter) - 1, 0)) * parameters.frame_step
        raise UserError(f"{video.path}, frame {frame}: {type(error).__name__}: {error}") from error
    finally:
        report(wanted)  # failed windows will not be done later
    expected = len(range(parameters.sampled(video.frames))[start:stop])
    count = next(counter)
    ends_at = start + count if count < expected else None
    return PartResult(flow[: len(windows)], tuple(windows), face, tuple(remarks), ends_at, source)
