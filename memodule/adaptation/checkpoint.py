"""Checkpoints of adapted weights, and what adapting needs to know from the original ones."""

from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from memodule.errors import UserError
from memodule.losses import SpotRecognizeLoss
from memodule.networks.weight_files import read_plain
from memodule.runtime.atomic import replacing

_KIND: Final = "a fold's model.ckpt"
_NETWORK: Final = "network."
_TRAINING: Final = ("optimizer_states", "lr_schedulers", "loops", "callbacks")
"""What Lightning keeps of a training that was interrupted: it does not belong to these weights."""


def training_loss(checkpoint: Path) -> SpotRecognizeLoss:
    """The joint loss that a checkpoint was trained with, class weights included.

    Raises:
        UserError: If the file does not say.
    """
    saved = read_plain(checkpoint, _KIND)
    try:
        options = saved["hyper_parameters"]
        loss = SpotRecognizeLoss(
            float(options["spot_weight"]),
            float(options["recog_weight"]),
            normalisation=options.get("normalisation", "frames"),
        )
        loss.set_class_weights(saved["state_dict"]["loss.class_weights"])
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{checkpoint}: does not say how it was trained (no {error}), so training cannot continue; use the "
            "model.ckpt that `memodule loso` or `fit` wrote"
        ) from None
    return loss


def write_adapted(checkpoint: Path, network: nn.Module, seen: dict[str, Any], target: Path) -> None:
    """Write a checkpoint with other weights, in one step.

    Args:
        checkpoint: The original, which is not changed.
        seen: What the weights have learned from since, one entry of `SpotRecognizeModule.seen`.
    """
    saved = read_plain(checkpoint, _KIND)
    kept = {key: value for key, value in saved.items() if key not in _TRAINING and not key.startswith("datamodule")}
    weights = {_NETWORK + name: value.detach().clone() for name, value in network.state_dict().items()}
    kept |= {"state_dict": {**saved["state_dict"], **weights}, "seen": [*saved.get("seen", ()), seen]}
    with replacing(target) as aside:
        torch.save(kept, aside)
