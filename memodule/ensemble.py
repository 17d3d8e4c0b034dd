"""Several folds' checkpoints as one: mean curves on videos that none of them has seen."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from memodule.checkpoints import FoldModel, load_fold_model
from memodule.curves import VideoCurve
from memodule.data.windows import stitch
from memodule.datasets.catalog import Catalog, Video
from memodule.decoding import Decoded, decode
from memodule.errors import UserError
from memodule.flow import FlowRecord, FlowStore
from memodule.submission import average

FloatArray = npt.NDArray[np.float32]

_BATCH: Final = 256
"""Windows that go through the network at once."""


class Ensemble:
    """The folds of one study.

    Every fold scores every video, and the mean curve is decoded with the rule of the fold whose learned durations are
    the median ones.

    Args:
        checkpoints: Files of folds that share the flow parameters.

    Raises:
        UserError: If one cannot be loaded, or they were trained on different features.
    """

    def __init__(self, checkpoints: Sequence[Path]) -> None:
        self.models: list[FoldModel] = [load_fold_model(path) for path in checkpoints]
        for path, model in zip(checkpoints, self.models, strict=True):
            if (model.flow, model.fps) != (self.models[0].flow, self.models[0].fps):
                raise UserError(f"{path}: trained on {model.flow}, the first one on {self.models[0].flow}")
        by_length = sorted(self.models, key=lambda m: m.rule.timing.half_window if m.rule.timing else 0)
        self._decoder = by_length[len(by_length) // 2]

    def decoded(self, catalog: Catalog, flow: Path) -> Iterator[Decoded]:
        """What the ensemble finds in each video of a Catalog whose features were extracted.

        Args:
            catalog: The videos; none of them need be labelled.
            flow: Folder of the flow store that holds their features.

        Yields:
            The intervals of each video, in the Catalog's order.

        Raises:
            UserError: If features are missing, or the frame rate is not the one of training.
        """
        store = FlowStore(flow, self.models[0].flow)
        for video in catalog.videos:
            if abs(video.fps / self.models[0].fps - 1) > 0.1:
                raise UserError(
                    f"{'/'.join(video.key)}: {video.fps:g} frames per second, the checkpoints were trained at "
                    f"{self.models[0].fps:g}; give checkpoints of the same kind of data"
                )
            curve = average(list(self._curves(video, store.get(*video.key))))
            yield decode(curve, self._decoder.rule, self._decoder.protocol)

    def _curves(self, video: Video, record: FlowRecord) -> Iterable[VideoCurve]:
        windows = np.asarray(record.windows)
        for model in self.models:
            spot, logits = _scores(model, windows)
            # the published stitching depends on batches; there are none here
            mode = "tail" if model.protocol.stitching == "published" else model.protocol.stitching
            score, classes = stitch(spot, mode), stitch(logits, mode)
            yield VideoCurve(*video.key, score, classes, video.fps, model.flow.frame_step)


@torch.inference_mode()
def _scores(model: FoldModel, windows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(W, k) scores and (W, k, 5) logits of all windows (W, 36, k)."""
    length = windows.shape[-1]
    spot = [np.empty((0, length), np.float32)]
    logits = [np.empty((0, length, len(model.frame_classes)), np.float32)]
    for first in range(0, len(windows), _BATCH):
        batch = model.module(torch.from_numpy(np.array(windows[first : first + _BATCH], dtype=np.float32)))
        spot.append(batch[0].float().numpy())
        logits.append(batch[1].float().numpy())
    return np.concatenate(spot), np.concatenate(logits)
