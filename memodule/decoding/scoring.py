"""Windows of one video -> network -> its score curve."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from memodule.data.windows import Stitching, stitch, window_count, window_spread
from memodule.datasets.catalog import VideoKey
from memodule.decoding.curves import VideoCurve
from memodule.networks.scoring import score_in_passes

FloatArray = NDArray[np.float32]


def score_windows(network: nn.Module, windows: FloatArray, limit: int) -> tuple[FloatArray, FloatArray]:
    """Scores (W, k) and logits (W, k, 5) of windows (W, 36, k), `limit` of them at a time.

    The network is on the CPU and in evaluation mode.
    """
    with torch.inference_mode():
        spot, logits = score_in_passes(network, torch.from_numpy(windows), limit)
    return spot.numpy(), logits.numpy()


def stitched_curve(
    key: VideoKey,
    spot: FloatArray,
    logits: FloatArray,
    stitching: Stitching,
    fps: float,
    frame_step: int,
    batch_size: int | None = None,
    offset: int = 0,
    sampled: int | None = None,
    phases: int = 1,
) -> VideoCurve:
    """The curve of a video whose windows were scored, and how much they disagree.

    Args:
        spot: (W, k) scores.
        logits: (W, k, 5) class logits.
        stitching: How half-overlapping windows are joined. The published way depends on the batches of training;
            without them ("batch_size" is None) it is replaced by "tail".
        batch_size: Windows per training batch.
        offset: Windows of the same subject before this video (published way only).
        sampled: Sampled frames of the video, where the curve ends even if its last window goes on. The published way
            leaves out such a window.
        phases: In how many places the windows begin within half a window.
    """
    if stitching == "published" and batch_size is None:
        stitching = "tail"
    whole = window_count(sampled, spot.shape[1]) if stitching == "published" and sampled is not None else None
    score, classes = (
        stitch(windows[:whole], stitching, batch_size, offset, phases)[:sampled] for windows in (spot, logits)
    )
    spread = window_spread(spot[:whole], phases)
    return VideoCurve(*key, score, classes, fps, frame_step, spread=None if spread is None else spread[:sampled])
