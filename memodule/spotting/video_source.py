"""A user's videos as streams of frames with their times.

A source is a video file or a folder of images. Files give the time stamp of every frame, so a webcam's changing frame
rate is known; the images of a folder follow each other at a constant rate, which the user gives.
"""

import dataclasses
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from memodule import console
from memodule.datasets.catalog import Video
from memodule.datasets.folders import natural_key
from memodule.datasets.frames import Gray, decoded, image_files, opened_video, read_frames, to_gray
from memodule.errors import UserError

Colour = npt.NDArray[np.uint8]
"""A colour image, (H, W, 3) uint8 in OpenCV's order blue, green, red."""

_VIDEO_NAME: Final = re.compile(r".+\.(avi|mp4|m4v|mov|mkv|webm|mpg|mpeg|wmv|flv|mts|3gp)", re.IGNORECASE)
"""What counts as a video in a folder of videos; a file that is named directly may have any suffix."""

_PROBED: Final = 120
"""Frames whose times are examined before the work begins."""

_STEADY: Final = 0.25
"""Largest deviation of an interval from the median one, as a share of it; containers that store whole milliseconds
reach 20 % at 240 frames per second."""

_LONGEST_GAP: Final = 600.0
"""Seconds without a frame; a larger jump of the time stamps is taken to be a fault of the file."""


@dataclasses.dataclass(frozen=True, slots=True)
class TimedFrame:
    """One frame of a source.

    Attributes:
        index: Number of the frame, from 0.
        seconds: When it is shown, counted from the first frame.
        gray: Returns the gray image; only valid until the next frame is taken.
    """

    index: int
    seconds: float
    gray: Callable[[], Gray]


@dataclasses.dataclass(frozen=True)
class VideoSource:
    """A video file or a folder of images, as far as its beginning shows.

    Attributes:
        fps: Frames per second; the mean of the first frames where the rate changes.
        steady: Whether the first frames are equally far apart.
        frames: Number of frames according to the file's header; None where it does not say.
        size: Width and height in pixels.
    """

    path: Path
    fps: float
    steady: bool
    frames: int | None
    size: tuple[int, int]

    def read(self) -> Iterator[TimedFrame]:
        """All frames in order; one is held at a time.

        Raises:
            UserError: If the file cannot be opened, or none of a folder's images can be read.
        """
        return _read_folder(self) if self.path.is_dir() else _read_file(self)

    def pick(self, wanted: Sequence[int]) -> Iterator[tuple[int, Colour]]:
        """Index (from 0) and colour image of the wanted frames, in rising order; those that do not exist are skipped.

        Raises:
            UserError: If the file can no longer be opened.
        """
        ordered = sorted(set(wanted))
        return _pick_images(self.path, ordered) if self.path.is_dir() else _pick_frames(self.path, ordered)


def find_sources(paths: Sequence[Path]) -> list[Path]:
    """The videos that paths name: a file is a video; a folder of images is one video; another folder holds videos.

    A folder of videos is searched one level deep for video files and folders of images. Images next to video files,
    such as thumbnails, are skipped with a warning.

    Returns:
        Each video once, in the order given; those of a folder in natural order.

    Raises:
        UserError: If a path does not exist, or a folder holds neither images nor videos.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder; pass a video, a folder of images or a folder of videos")
        inside = _inside(path) if path.is_dir() else [path]
        if not inside:
            raise UserError(f"{path}: holds neither images nor videos; pass a video or a folder that holds some")
        found += [video for video in inside if video not in found]
    return found


def _inside(folder: Path) -> list[Path]:
    images, videos = image_files(folder), _videos_in(folder)
    if not images:
        return videos
    if not any(video.is_file() for video in videos):
        return [folder]
    names = images[0].name + (", …" if images[1:] else "")
    skipped = f"{len(images)} image{'s' if images[1:] else ''} next to them skipped ({names})"
    console.warn(f"{folder}: holds videos; {skipped}: put images that form a video in a folder of their own")
    return videos


def _videos_in(folder: Path) -> list[Path]:
    children = sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
    return [
        child
        for child in children
        if not child.name.startswith(".")
        and bool(_VIDEO_NAME.fullmatch(child.name) if child.is_file() else image_files(child))
    ]


def open_source(path: Path, fps: float | None) -> VideoSource:
    """Look at the beginning of a video.

    Args:
        fps: Frame rate; overrides that of a file, required for a folder of images.

    Raises:
        UserError: If nothing in it can be read.
    """
    if path.is_dir():
        if fps is None:
            raise UserError(f"{path}: images have no frame rate; set it with --fps")
        paths = image_files(path)
        first = next(read_frames(Video("", path.name, path, fps, 1)))
        return VideoSource(path, fps, True, len(paths), (first.shape[1], first.shape[0]))
    with opened_video(path) as capture:
        nominal, header = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        times = [capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 for _ in range(_PROBED) if capture.grab()]
    if not times:
        raise UserError(f"{path}: no frame can be read; the file is damaged or empty: copy or convert it again")
    rate, steady = (fps, True) if fps is not None else _rate(times, nominal)
    if rate is None:
        raise UserError(f"{path}: the file does not state its frame rate; set it with --fps")
    return VideoSource(path, rate, steady, int(header) if 0 < header < 1e9 else None, size)


def _rate(times: Sequence[float], nominal: float) -> tuple[float | None, bool]:
    """Frames per second, and whether they are equally far apart."""
    gaps = np.diff(times)
    believable = 1 <= nominal <= 1000
    if len(gaps) < 2 or (gaps <= 0).any():
        return (nominal, True) if believable else (None, True)
    median, mean = statistics.median(gaps.tolist()), float(gaps.mean())
    steady = bool((abs(gaps - median) <= _STEADY * median).all())
    if not steady:
        return 1 / mean, False
    return (nominal if believable and abs(nominal * mean - 1) < 0.05 else 1 / mean), True


def _read_file(source: VideoSource) -> Iterator[TimedFrame]:
    with opened_video(source.path) as capture:
        index, start, before = 0, None, -1.0
        while capture.grab():
            stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            start = stamp if start is None else start
            seconds = index / source.fps if source.steady else stamp - start
            if not before < seconds < before + _LONGEST_GAP:  # a file with broken time stamps
                seconds = before + 1 / source.fps
            yield TimedFrame(index, seconds, lambda: to_gray(capture.retrieve()[1]))
            index, before = index + 1, seconds


def _read_folder(source: VideoSource) -> Iterator[TimedFrame]:
    video = Video("", source.path.name, source.path, source.fps, source.frames or 0)
    for index, image in enumerate(read_frames(video)):
        yield TimedFrame(index, index / source.fps, lambda image=image: image)  # type: ignore[misc]


def _pick_frames(path: Path, wanted: Sequence[int]) -> Iterator[tuple[int, Colour]]:
    with opened_video(path) as capture:
        for frame, image in decoded(capture, wanted):
            colour = image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
            yield frame, colour.astype(np.uint8, copy=False)


def _pick_images(folder: Path, wanted: Sequence[int]) -> Iterator[tuple[int, Colour]]:
    paths = image_files(folder)
    for frame in wanted:
        if frame < len(paths):
            image = cv2.imdecode(np.fromfile(paths[frame], np.uint8), cv2.IMREAD_COLOR)
            if image is not None:
                yield frame, image.astype(np.uint8, copy=False)
