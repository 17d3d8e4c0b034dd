"""The scores as a torchmetrics metric."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torchmetrics import Metric

from memodule.decoding.protocol import MEGC, Protocol
from memodule.metrics.functional import Tally, score, tally_video
from memodule.metrics.functional.tally import CONFUSION_SHAPE


class SpotThenRecognizeScore(Metric):
    """STRS and the scores behind it, over all videos since the last reset.

    The states are summed counts, so the result is exact however videos are distributed over processes, even unevenly.
    The caller must not update with the same video twice.

    Args:
        protocol: How to count and score.
        **kwargs: For `torchmetrics.Metric`.

    >>> metric = SpotThenRecognizeScore()
    >>> metric.update([[10, 20, 29]], [0], [[12, 30]], [0])
    >>> metric.compute()["spot_f1"]
    tensor(1.)
    """

    full_state_update = False
    higher_is_better = True
    is_differentiable = False

    tp: Tensor
    fp: Tensor
    fn: Tensor
    confusion: Tensor

    def __init__(self, protocol: Protocol = MEGC, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.protocol = protocol
        for name in ("tp", "fp", "fn"):
            self.add_state(name, default=torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("confusion", default=torch.zeros(CONFUSION_SHAPE, dtype=torch.long), dist_reduce_fx="sum")

    def update(
        self,
        predicted: Tensor | ArrayLike,
        predicted_emotions: Tensor | ArrayLike,
        true: Tensor | ArrayLike,
        true_emotions: Tensor | ArrayLike,
    ) -> None:
        """Count one whole video; arguments are those of `memodule.metrics.functional.match_video`."""
        tally = tally_video(
            _plain(predicted), _plain(predicted_emotions), _plain(true), _plain(true_emotions), self.protocol
        )
        self.tp += tally.tp
        self.fp += tally.fp
        self.fn += tally.fn
        self.confusion += torch.from_numpy(tally.confusion).to(self.confusion.device)

    @property
    def tally(self) -> Tally:
        """The counts of this process; of all processes once they are synchronised."""
        return Tally(int(self.tp), int(self.fp), int(self.fn), self.confusion.cpu().numpy().copy())

    def compute(self) -> dict[str, Tensor]:
        """The scores of the pooled counts, each a float32 scalar in 0..1; see `memodule.metrics.functional.score`."""
        scores = score(self.tally, self.protocol)
        return {name: torch.tensor(value, dtype=torch.float32, device=self.tp.device) for name, value in scores.items()}


def _plain(values: Tensor | ArrayLike) -> NDArray[Any]:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
