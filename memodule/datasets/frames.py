"""Frames of a video as a stream: a video file or a folder of images in, gray images out.

- Frame i of a folder is the i-th image in natural order (`img10` follows `img9`), whatever number is in its name;
  hidden files and other files do not count. Missing numbers shift nothing but cause a remark.
- An image that cannot be read, or differs in size from the first readable one, is replaced by the nearest usable image
  before it, or after it at the very beginning. Every frame thus keeps its place in time.
- A video file is decoded from its first frame on, since seeking is not exact for every codec; frames that are not
  sampled are decoded but not converted.
- Colour becomes gray with OpenCV's weights (.299 R, .587 G, .114 B); 16-bit images become 8-bit ones.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from memodule.datasets.catalog import Video
from memodule.datasets.folders import IMAGE_SUFFIXES, Listing, natural_key
from memodule.errors import UserError

Gray = npt.NDArray[np.uint8]
"""A gray image, (H, W) uint8."""


@dataclasses.dataclass(frozen=True, slots=True)
class FrameRemark:
    """What looks wrong with a source frame, or with the whole video (None), and what was done about it."""

    frame: int | None
    text: str

    def __str__(self) -> str:
        return self.text if self.frame is None else f"frame {self.frame}: {self.text}"


def read_frames(
    video: Video,
    frame_step: int = 1,
    start: int = 0,
    stop: int | None = None,
    remark: Callable[[FrameRemark], object] = lambda _: None,
) -> Iterator[Gray]:
    """Read sampled frames among the first `video.frames` ones of a video, one after another, holding one at a time.

    Args:
        frame_step: Sampled frame i is source frame i * frame_step.
        start: First sampled frame.
        stop: Sampled frame to stop before; None reads to the end.

    Yields:
        Gray images (H, W) uint8, all of one size; fewer if a video file ends early.

    Raises:
        UserError: If there is no such file or folder, or nothing in it can be read.
    """
    sampled = range(0, video.frames, frame_step)[start:stop]
    if video.path.is_dir():
        yield from _read_images(video.path, sampled, remark)
    elif video.path.is_file():
        yield from _read_video(video.path, sampled)
    else:
        raise UserError(f"{video.path}: no such file or folder; correct `path` in videos.csv, or copy the frames there")


def folder_remarks(video: Video) -> list[FrameRemark]:
    """Remarks on gaps in the numbers of a video's images, or on numbers that do not order them.

    Raises:
        UserError: If the folder cannot be listed.
    """
    if not video.path.is_dir():
        return []
    images = Listing().look(video.path).images
    remarks = [FrameRemark(None, images.oddity)] if images.oddity else []
    if images.gaps and not images.oddity:
        text = f"{images.missing} image numbers are missing, the first of them {images.gaps[0][0]}"
        remarks.append(FrameRemark(None, f"{text}; frames count images, not numbers"))
    return remarks


def image_files(folder: Path) -> list[Path]:
    """The images of a folder in natural order, without hidden files."""
    names = (path.name for path in folder.iterdir() if path.name.lower().endswith(IMAGE_SUFFIXES))
    return [folder / name for name in sorted(names, key=natural_key) if not name.startswith(".")]


def _read_images(folder: Path, sampled: range, remark: Callable[[FrameRemark], object]) -> Iterator[Gray]:
    paths = image_files(folder)
    if not paths:
        raise UserError(f"{folder}: no images ({', '.join(IMAGE_SUFFIXES)}); correct `path` in videos.csv")
    first = next((image for image in map(_read_image, paths) if image is not None), None)
    if first is None:
        raise UserError(f"{folder}: none of the {len(paths)} images can be read; copy them again")
    for frame in sampled[: len(range(sampled.start, len(paths), sampled.step))]:
        image = _read_image(paths[frame])
        if image is None or image.shape != first.shape:
            shown, substitute = _substitute(paths, frame, first.shape)
            why = "cannot be read" if image is None else f"is {image.shape[1]} x {image.shape[0]} pixels large"
            remark(FrameRemark(frame, f"{paths[frame].name} {why}; {shown.name} replaces it"))
            image = substitute
        yield image


def _read_image(path: Path) -> Gray | None:
    # bytes are read first: OpenCV cannot open names beyond ASCII on every system
    data = np.fromfile(path, np.uint8) if path.is_file() else np.empty(0, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if len(data) else None
    return None if image is None else image.astype(np.uint8, copy=False)


def _substitute(paths: Sequence[Path], frame: int, shape: tuple[int, ...]) -> tuple[Path, Gray]:
    """The nearest usable image before a frame, else after it."""
    for other in chain(range(frame - 1, -1, -1), range(frame + 1, len(paths))):
        image = _read_image(paths[other])
        if image is not None and image.shape == shape:
            return paths[other], image
    raise AssertionError("the first readable image is usable")


@contextlib.contextmanager
def opened_video(path: Path, settings: Sequence[int] = ()) -> Iterator[cv2.VideoCapture]:
    """A video file, open for decoding with FFmpeg.

    Args:
        settings: OpenCV's parameters and their values, alternating.

    Raises:
        UserError: If it cannot be read as a video.
    """
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, settings)
    try:
        if not capture.isOpened():
            raise UserError(f"{path}: OpenCV cannot read this as a video; convert it, or use a folder of images")
        yield capture
    finally:
        capture.release()


def decoded(capture: cv2.VideoCapture, wanted: Iterable[int]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Number and image, (H, W) or (H, W, 3) in OpenCV's order, of ascending frames of a video, as far as it goes."""
    grabbed = 0
    for frame in wanted:
        while grabbed <= frame:
            if not capture.grab():
                return
            grabbed += 1
        yield frame, capture.retrieve()[1]


def to_gray(image: npt.NDArray[Any]) -> Gray:
    """The gray image of a decoded frame."""
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return gray.astype(np.uint8, copy=False)


def _read_video(path: Path, sampled: range) -> Iterator[Gray]:
    with opened_video(path, (cv2.CAP_PROP_N_THREADS, 1)) as capture:
        yield from (to_gray(image) for _, image in decoded(capture, sampled))
