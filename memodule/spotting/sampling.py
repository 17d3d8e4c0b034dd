"""Any frame rate -> the rate that a checkpoint was trained at.

Samples lie on a grid of constant time steps; each takes the frame nearest to it. Where every n-th frame of a steady
video comes close enough to the wanted rate, the grid falls on those frames: the sub-sampling that the checkpoint's own
training videos went through. Otherwise frames are chosen by time, at most half a frame away.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Final

import cv2
import numpy as np

from memodule.datasets.frames import Gray
from memodule.spotting.video_source import TimedFrame, VideoSource

_TOLERANCE: Final = 0.1
"""Relative error of the rate up to which every n-th frame is taken; durations are wrong by at most as much."""

_STALE: Final = 0.2
"""Seconds between a sample and its frame above which the sample counts as having no frame."""


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How a video is sampled.

    Attributes:
        rate: Samples per second.
        wanted: Samples per second in training.
        frame_step: Source frames from sample to sample; None where frames are chosen by time.
        warning: What cannot be matched, or None.
    """

    rate: float
    wanted: float
    frame_step: int | None
    warning: str | None

    def __str__(self) -> str:
        how = "frames nearest in time" if self.frame_step is None else f"every {_ordinal(self.frame_step)} frame"
        return f"{how}, {self.rate:.4g} samples per second"


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """One sampled frame.

    Attributes:
        seconds: When it is shown.
        stale: Whether the sample lies in a gap of the recording, so that its frame is an old one.
        image: (H, W) gray.
    """

    frame: int
    seconds: float
    stale: bool
    image: Gray


def plan_sampling(source: VideoSource, wanted: float) -> Sampling:
    """Choose how to reach a rate of `wanted` samples per second."""
    step = max(1, round(source.fps / wanted))
    rate = source.fps / step
    if source.steady and abs(rate / wanted - 1) <= _TOLERANCE:
        return Sampling(rate, wanted, step, None)
    warning = None
    if source.fps < (1 - _TOLERANCE) * wanted:
        warning = (
            f"{source.fps:.4g} frames per second cannot match the {wanted:.4g} of the checkpoint: frames are repeated, "
            "and motion between two of them is not seen"
        )
    return Sampling(wanted, wanted, None, warning)


def sample_frames(
    source: VideoSource, sampling: Sampling, seen: Callable[[TimedFrame], object] = lambda _: None
) -> Iterator[Sample]:
    """Samples of a video in order, holding two frames at a time; `seen` is called with every frame read."""
    usual = 1 / source.fps
    reach = usual * (0.5 if source.steady else 3)
    before: Sample | None = None
    count = 0
    for frame in source.read():
        seen(frame)
        due = count / sampling.rate
        if frame.seconds + reach < due:
            continue  # far from any sample: not worth converting
        current = Sample(frame.index, frame.seconds, False, _image(source, frame))
        while before is not None and due - before.seconds <= current.seconds - due:
            yield _at(due, before)
            count += 1
            due = count / sampling.rate
        before = current
    while before is not None and count / sampling.rate <= before.seconds + usual / 2:
        yield _at(count / sampling.rate, before)
        count += 1


def _at(due: float, sample: Sample) -> Sample:
    return dataclasses.replace(sample, stale=True) if abs(due - sample.seconds) > _STALE else sample


def _image(source: VideoSource, frame: TimedFrame) -> Gray:
    image = frame.gray()
    width, height = source.size
    if image.shape != (height, width):  # a stream may change its size; flow needs a constant one
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return image


def _ordinal(number: int) -> str:
    return {1: "single", 2: "second", 3: "third"}.get(number, f"{number}th")
