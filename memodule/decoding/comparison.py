"""What was found in a video next to its labels, in the frames that a protocol compares."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from memodule.datasets.catalog import Catalog, VideoKey
from memodule.decoding.decode import UNKNOWN, Decoded
from memodule.decoding.protocol import Protocol
from memodule.emotions import EMOTIONS


@dataclasses.dataclass(frozen=True, slots=True)
class VideoLength:
    """How long a video is.

    Attributes:
        frames: Number of frames, at least 1.
        fps: Frames per second, above 0; None if unknown.
    """

    frames: int
    fps: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class VideoIntervals:
    """Predicted and true intervals of one video, in inclusive frames.

    Attributes:
        key: (subject, video).
        predicted: (n, 3) onset, apex (-1 = unknown), offset.
        predicted_emotions: (n,) class indices 0..4; -1 = unknown.
        confidence: (n,); None if unknown.
        true: (m, 3) onset, apex (-1 = unknown), offset.
        true_emotions: (m,) class indices 0..3; -1 = unknown.
        length: None if unknown.
    """

    key: VideoKey
    predicted: NDArray[np.int64]
    predicted_emotions: NDArray[np.int64]
    confidence: NDArray[np.float64] | None
    true: NDArray[np.int64]
    true_emotions: NDArray[np.int64]
    length: VideoLength | None


def compared(decoded: Decoded, catalog: Catalog, protocol: Protocol) -> VideoIntervals:
    """Put what was found in a video next to its micro-expressions; macro-expressions are ignored.

    If the protocol compares sampled frames, the truth is rounded down to them.
    """
    video = catalog.video(decoded.key)
    truth = catalog.expressions_of(decoded.key, "micro")
    true = np.array([(e.onset, UNKNOWN if e.apex is None else e.apex, e.offset) for e in truth], dtype=np.int64)
    predicted, true, length = decoded.frames, true.reshape(-1, 3), VideoLength(video.frames, video.fps)
    if protocol.frames == "sampled":
        step = decoded.frame_step
        predicted = decoded.sampled
        true = np.where(true == UNKNOWN, UNKNOWN, true // step)
        length = VideoLength(-(-video.frames // step), video.fps / step)
    emotions = np.array([EMOTIONS.index(e.emotion) for e in truth], dtype=np.int64)
    return VideoIntervals(decoded.key, predicted, decoded.emotions, decoded.confidence, true, emotions, length)
