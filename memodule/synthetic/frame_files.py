"""Writes frames to a video file or a folder of images, whole or not at all."""

import shutil
from collections.abc import Iterable
from fractions import Fraction
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


def write_h264(path: Path, frames: Iterable[Image], fps: float, crf: int) -> None:
    """Write (H, W) uint8 frames of even size to an .mp4 file, as cameras do: H.264, 4:2:0, without B-frames.

    One thread and fixed settings: the same frames give the same bytes with the same build of libx264.

    Args:
        crf: Constant rate factor, 0 (best) to 51.

    Raises:
        UserError: If this PyAV has no libx264, or the file is incomplete afterwards.
    """
    import av

    count = 0
    with replacing(path) as aside:
        with av.open(str(aside), "w", format="mp4") as container:
            try:
                stream = container.add_stream("libx264", Fraction(fps).limit_denominator(1001))
            except ValueError as error:  # the name is not known
                raise UserError(f"{path}: this PyAV cannot write H.264 video; use lossless video instead") from error
            stream.options = {"preset": "veryfast", "crf": str(crf), "bf": "0"}
            stream.pix_fmt = "yuv420p"
            stream.codec_context.thread_count = 1
            for frame in frames:
                if not count:
                    stream.height, stream.width = frame.shape
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
                count += 1
            container.mux(stream.encode())
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
