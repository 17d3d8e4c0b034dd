"""Windows of one video -> network -> its score curve."""

import numpy as np
import torch
from numpy.typing import NDArray

from memodule.data.windows import Stitching, stitch
from memodule.datasets.catalog import VideoKey
from memodule.decoding.curves import VideoCurve
from memodule.module import SpotRecognizeModule

FloatArray = NDArray[np.float32]


def score_video(
    module: SpotRecognizeModule, key: VideoKey, windows: FloatArray, stitching: Stitching, fps: float, frame_step: int
) -> VideoCurve:
    """Run a network over all windows (W, 36, k) of a video and stitch what it says."""
    return stitched_curve(key, *score_windows(module, windows), stitching, fps, frame_step)


def score_windows(module: SpotRecognizeModule, windows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(W, k) scores and (W, k, 5) logits of windows (W, 36, k), for a module in evaluation mode."""
    with torch.inference_mode():
        spot, logits = module.score(torch.from_numpy(windows).to(module.device))
    return spot.cpu().numpy(), logits.cpu().numpy()


def stitched_curve(
    key: VideoKey,
    spot: FloatArray,
    logits: FloatArray,
    stitching: Stitching,
    fps: float,
    frame_step: int,
    batch_size: int | None = None,
    offset: int = 0,
) -> VideoCurve:
    """The curve of a video whose windows were scored.

    Args:
        key: (subject, video).
        spot: (W, k) scores.
        logits: (W, k, 5) class logits.
        stitching: How half-overlapping windows are joined. The published way depends on the batches of training;
            without them ("batch_size" is None) it is replaced by "tail".
        fps: Frame rate of the source video.
        frame_step: Source frames per sampled frame.
        batch_size: Windows per training batch.
        offset: Windows of the same subject before this video.
    """
    if stitching == "published" and batch_size is None:
        stitching = "tail"
    score, classes = (stitch(windows, stitching, batch_size, offset) for windows in (spot, logits))
    return VideoCurve(*key, score, classes, fps, frame_step)
