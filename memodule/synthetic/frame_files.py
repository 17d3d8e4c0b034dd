"""Frames to a video file or a folder of images, whole or not at all."""

import contextlib
import shutil
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from memodule.errors import UserError
from memodule.runtime.atomic import replacing

Image = npt.NDArray[np.uint8]

_ASIDE: Final = ".memodule-tmp-"
_LEFTOVER_AGE: Final = 3600.0


def write_video(path: Path, frames: Iterable[Image], fps: float) -> None:
    """Write grey frames to an .avi file with the lossless FFV1 codec, which every wheel of OpenCV can write and read.

    Args:
        path: Of the .avi file; replaced if it is there.
        frames: (H, W) uint8 images, all of one size.
        fps: Frames per second.

    Raises:
        UserError: If this OpenCV cannot, or the file is not whole afterwards.
    """
    with replacing(path) as aside:
        writer: cv2.VideoWriter | None = None
        count = 0
        for frame in frames:
            if writer is None:
                code = cv2.VideoWriter.fourcc(*"FFV1")
                writer = cv2.VideoWriter(str(aside), code, fps, frame.shape[::-1], isColor=False)
                if not writer.isOpened():
                    raise UserError(f"{path}: this OpenCV cannot write FFV1 video; use images instead")
            writer.write(frame)
            count += 1
        if writer is not None:
            writer.release()
        if _frame_count(aside) != count:
            raise UserError(f"{path}: the video could not be written whole; is the disk full?")


def write_images(folder: Path, frames: Iterable[Image]) -> None:
    """Write grey frames to 00000.png, 00001.png and so on in a new folder.

    Args:
        folder: Must not be there; appears only once all images are written.
        frames: (H, W) uint8 images.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f"{_ASIDE}{uuid.uuid4().hex}")
    aside.mkdir()
    try:
        for number, frame in enumerate(frames):
            # the lightest compression: noise does not shrink anyway
            _, data = cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            (aside / f"{number:05d}.png").write_bytes(data.tobytes())
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed writers left in a folder; what is younger than an hour may be in use and stays."""
    for path in folder.glob(f"{_ASIDE}*"):
        with contextlib.suppress(FileNotFoundError):  # its writer has just finished
            if time.time() - path.stat().st_mtime <= _LEFTOVER_AGE:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def _frame_count(video: Path) -> int:
    """Number of frames that the file's header promises."""
    capture = cv2.VideoCapture(str(video))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return count
