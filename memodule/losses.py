"""The joint loss of spotting and recognition."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from memodule.emotions import FRAME_CLASSES
from memodule.errors import UserError

Normalisation = Literal["frames", "weights"]
"""What the weighted cross-entropy is divided by."""


class SpotRecognizeLoss(nn.Module):
    """Mean squared error of the spotting score plus class-weighted cross-entropy of the frame classes.

    Args:
        spot_weight: Weight of the spotting loss (published: .9); 0 trains recognition only.
        recog_weight: Weight of the recognition loss (published: .1); 0 trains spotting only.
        class_weights: One weight for each class, or None for equal ones; `set_class_weights` changes them later.
        normalisation: "frames" divides the weighted cross-entropy by the number of frames, as the published training
            does, since its one-hot targets take PyTorch's soft-label path; so the size of the class weights acts like a
            further `recog_weight`. "weights" divides by the sum of the weights of the true classes, as PyTorch does for
            class indices, except that frames of only weightless classes give 0 and not nan.

    Attributes:
        class_weights: Buffer (classes,), part of the state dict.
    """

    class_weights: Tensor

    def __init__(
        self,
        spot_weight: float = 0.9,
        recog_weight: float = 0.1,
        class_weights: Sequence[float] | None = None,
        normalisation: Normalisation = "frames",
        classes: int = len(FRAME_CLASSES),
    ) -> None:
        super().__init__()
        for name, value in (("spot_weight", spot_weight), ("recog_weight", recog_weight)):
            if not 0 <= value < float("inf"):
                raise UserError(f"SpotRecognizeLoss: {name} is {value!r}; use a finite number of at least 0")
        if normalisation not in ("frames", "weights"):
            raise UserError(f"SpotRecognizeLoss: normalisation is {normalisation!r}; choose 'frames' or 'weights'")
        self.spot_weight, self.recog_weight, self.normalisation = spot_weight, recog_weight, normalisation
        self.register_buffer("class_weights", torch.ones(classes))
        if class_weights is not None:
            self.set_class_weights(class_weights)

    def set_class_weights(self, weights: Sequence[float] | Tensor) -> None:
        """Replace the class weights (classes,), in the order of `FRAME_CLASSES`, for instance by those of a fold.

        Raises:
            UserError: If a weight is negative or not finite, all are 0, or there is not one for each class.
        """
        values = torch.as_tensor(weights, dtype=torch.float32)
        if values.shape != self.class_weights.shape:
            raise UserError(
                f"class weights have shape {tuple(values.shape)}; use one for each of the {len(self.class_weights)}"
                " classes"
            )
        if not (values.isfinite() & (values >= 0)).all() or not values.any():
            raise UserError(f"class weights are {values.tolist()}; use finite numbers of at least 0, not all 0")
        self.class_weights.copy_(values)

    def forward(self, spot: Tensor, logits: Tensor, spot_target: Tensor, emotion_target: Tensor) -> dict[str, Tensor]:
        """Compare predictions with targets over all frames of all windows, in float32 also under autocast.

        Args:
            spot: Predicted spotting scores, (B, T) within 0..1.
            logits: Predicted class logits, (B, T, classes).
            spot_target: True spotting scores, (B, T) within 0..1.
            emotion_target: True class of each frame, (B, T) int64.

        Returns:
            Scalars `loss` (weighted sum), `loss_spot` and `loss_recog` (both unweighted).
        """
        with torch.autocast(spot.device.type, enabled=False):
            loss_spot = nn.functional.mse_loss(_full(spot), _full(spot_target))
            entropy = nn.functional.cross_entropy(
                _full(logits).flatten(0, 1),
                emotion_target.flatten(),
                weight=self.class_weights.to(_full(logits).dtype),
                reduction="sum",
            )
            match self.normalisation:
                case "frames":
                    loss_recog = entropy / emotion_target.numel()
                case "weights":
                    weights = self.class_weights[emotion_target].sum()  # 0 if all frames are of weightless classes
                    loss_recog = entropy / weights.clamp(min=torch.finfo(weights.dtype).tiny)
        loss = self.spot_weight * loss_spot + self.recog_weight * loss_recog
        return {"loss": loss, "loss_spot": loss_spot, "loss_recog": loss_recog}


def _full(tensor: Tensor) -> Tensor:
    """At least float32: half precision would round the targets."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()
