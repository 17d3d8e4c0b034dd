"""The callback that logs how the optimiser is doing."""

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim import Optimizer
from typing_extensions import override


class OptimisationLog(Callback):
    """Logs the mean learning rate and the mean gradient norm of each epoch, the latter before any clipping.

    Lightning's own LearningRateMonitor refuses a trainer without a logger. Nothing here changes a gradient.
    """

    @override
    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        gradients = [parameter.grad for parameter in pl_module.parameters() if parameter.grad is not None]
        values = {
            "train/learning_rate": optimizer.param_groups[0]["lr"],
            "train/gradient_norm": torch.nn.utils.get_total_norm(gradients),
        }
        pl_module.log_dict(values, on_step=False, on_epoch=True, batch_size=1)
