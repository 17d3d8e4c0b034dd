"""Writes frames to a video file or a folder of images, whole or not at all."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from memodule.errors import UserError
from memodule.runtime.atomic import aside_of, replacing

Image = npt.NDArray[np.uint8]


def write_video(path: Path, frames: Iterable[Image], fps: float) -> None:
    """Write (H, W) uint8 frames to an .avi file with the lossless FFV1 codec, which every wheel of OpenCV supports.

    Raises:
        UserError: If this OpenCV does not, or the file is incomplete afterwards.
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
            raise UserError(f"{path}: the video is incomplete; is the disk full?")


def write_images(folder: Path, frames: Iterable[Image]) -> None:
    """Write (H, W) uint8 frames to 00000.png, 00001.png ... in a new folder, which appears once it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = aside_of(folder)
    aside.mkdir()
    try:
        for number, frame in enumerate(frames):
            # the lightest compression: noise does not shrink anyway
            _, data = cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            (aside / f"{number:05d}.png").write_bytes(data.tobytes())
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _frame_count(video: Path) -> int:
    """Number of frames that the file's header promises."""
    capture = cv2.VideoCapture(str(video))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return count
