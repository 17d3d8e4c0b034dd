"""The callback that refuses to select anything on a held-out subject."""

from lightning.pytorch import Callback, LightningModule, Trainer

from memodule.callbacks.interval_selection import fold_data
from memodule.errors import UserError


class LeakageGuard(Callback):
    """Refuses checkpoints, early stopping and learning rates that follow a metric of held-out subjects.

    A held-out subject may be watched during fit, but whatever is chosen by its score (an epoch, a moment to stop, a
    step size) makes that score too good. Choices may follow training losses, or, where `data.inner_validation_subjects`
    sets some aside, the `val/...` metrics, which then belong to those.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at everything that monitors a metric, before the first step.

        Raises:
            UserError: With the choice, the metric, and the two ways out.
        """
        fold = fold_data(trainer).fold
        choosers = [*trainer.checkpoint_callbacks, *trainer.early_stopping_callbacks]
        monitored = [(type(chooser).__name__, getattr(chooser, "monitor", None)) for chooser in choosers]
        monitored += [("the learning-rate schedule", config.monitor) for config in trainer.lr_scheduler_configs]
        for what, metric in monitored:
            if metric is None:
                continue
            if metric.startswith("test/") or (metric.startswith("val/") and not fold.validation):
                raise UserError(
                    f"{what} follows {metric}, which is measured on the held-out subject {fold.held_out}: choosing by "
                    f"it would make the result look better than it is. Set data.inner_validation_subjects to 1 or "
                    f"more, so that val/... belongs to training subjects, or follow a train/... metric"
                )
