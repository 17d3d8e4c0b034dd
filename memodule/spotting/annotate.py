"""A copy of the video with the results drawn on it."""

import bisect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from memodule.colours import DARK
from memodule.emotions import FRAME_CLASSES
from memodule.errors import UserError
from memodule.runtime.atomic import replacing
from memodule.runtime.opencv import opencv_alone
from memodule.spotting.result import SpottedVideo
from memodule.spotting.timeline import clock
from memodule.spotting.video_source import Colour

_STRIP: Final = 72
"""Height of the strip below the image, in pixels."""

_AROUND: Final = 2.5
"""Seconds of the score curve that the strip shows before and after the present."""

_COLOURS: Final = {n: (blue, green, red) for n in FRAME_CLASSES for red, green, blue in [bytes.fromhex(DARK[n][1:])]}
"""Those of the page in dark mode, as blue, green, red."""

_WHITE, _GRAY = (235, 235, 235), (120, 120, 120)


def annotate(video: SpottedVideo, path: Path) -> None:
    """Write an .mp4 file with face box, emotion and moving score curve; the video is read again.

    It has one image per sample at the constant sampling rate, so that its times agree with the tables even where the
    source's frame rate is higher or changes.

    Raises:
        UserError: If this OpenCV cannot write MPEG-4.
    """
    width, height = (side + side % 2 for side in video.source.size)
    with opencv_alone(), replacing(path) as aside:
        code = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(aside), code, video.sampling.rate, (width, height + _STRIP))
        if not writer.isOpened():
            raise UserError(f"{path}: this OpenCV cannot write MPEG-4 video; run without --annotate")
        try:
            for sample, image in _sampled(video):
                canvas = np.zeros((height + _STRIP, width, 3), np.uint8)
                shown = image[:height, :width]
                canvas[: shown.shape[0], : shown.shape[1]] = shown
                _draw_face(canvas, video, sample)
                _draw_strip(canvas[height:], video, sample)
                writer.write(canvas)
        finally:
            writer.release()


def _sampled(video: SpottedVideo) -> Iterator[tuple[int, Colour]]:
    """(sample, colour image); a frame shared by several samples is repeated."""
    frames = video.sample_frames.tolist()
    sample = 0
    for frame, image in video.source.pick(frames):
        while sample < len(frames) and frames[sample] <= frame:
            yield sample, image
            sample += 1


def _draw_face(canvas: Any, video: SpottedVideo, sample: int) -> None:
    frame = int(video.sample_frames[sample])
    unknown = next((s for s in video.not_analysed if s.first <= frame <= s.last), None)
    if unknown is not None:
        _write(canvas, f"not analysed: {unknown.reason}", (10, 26), _WHITE)
        return
    found = next((e for e in video.expressions if e.onset <= frame <= e.offset), None)
    colour = _GRAY if found is None else _COLOURS[found.emotion]
    place = bisect.bisect_right([place.sample for place in video.places], sample) - 1
    if place >= 0:
        left, top, width, height = (round(value) for value in video.places[place].box)
        cv2.rectangle(canvas, (left, top), (left + width, top + height), colour, 1 if found is None else 3)
    if found is not None:
        _write(canvas, f"{found.emotion} {found.probabilities[found.emotion]:.0%}", (10, 26), colour)


def _draw_strip(strip: Any, video: SpottedVideo, sample: int) -> None:
    width, rate = strip.shape[1], video.sampling.rate
    reach = round(_AROUND * rate)
    first, last = max(0, sample - reach), min(len(video.score) - 1, sample + reach)

    def x(position: float) -> int:
        return int((position - sample + reach) / (2 * reach) * (width - 1))

    for e in video.expressions:
        on, off = (int(np.searchsorted(video.sample_frames, frame)) for frame in (e.onset, e.offset))
        if on <= last and off >= first:
            cv2.rectangle(strip, (x(max(on, first)), 0), (x(min(off, last)), _STRIP), _COLOURS[e.emotion], -1)
    points = [
        (x(i), round((_STRIP - 8) * (1 - float(video.score[i])) + 4))
        for i in range(first, last + 1)
        if not np.isnan(video.score[i])
    ]
    if points:
        cv2.polylines(strip, [np.array(points, np.int32)], False, _WHITE, 1, cv2.LINE_AA)
    cv2.line(strip, (x(sample), 0), (x(sample), _STRIP), _GRAY, 1)
    caption = f"{clock(float(video.sample_seconds[sample]))}  frame {int(video.sample_frames[sample])}"
    _write(strip, caption, (8, _STRIP - 8), _WHITE, 0.45)


def _write(image: Any, text: str, corner: tuple[int, int], colour: tuple[int, int, int], size: float = 0.7) -> None:
    for shade, thickness in (((0, 0, 0), 4), (colour, 1 if size < 0.6 else 2)):
        cv2.putText(image, text, corner, cv2.FONT_HERSHEY_SIMPLEX, size, shade, thickness, cv2.LINE_AA)
