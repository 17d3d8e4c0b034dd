"""The callback that keeps the training curves of a fold, whatever the logger."""

from collections.abc import Callable

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override


class History(Callback):
    """Records all logged metrics at the end of each epoch.

    Attributes:
        epochs: Metric -> value, one mapping per finished epoch.
        on_epoch: Called with the number of finished epochs; for progress bars.
    """

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []
        self.on_epoch: Callable[[int], object] | None = None

    @override
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Validation has run before, so its metrics are included.
        self.epochs.append({name: float(value) for name, value in trainer.callback_metrics.items()})
        if self.on_epoch is not None:
            self.on_epoch(len(self.epochs))
