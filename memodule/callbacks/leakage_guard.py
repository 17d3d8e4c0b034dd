"""The callback that refuses to select anything on a held-out subject, and to score a subject that was trained on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from memodule import console
from memodule.callbacks.interval_selection import fold_data
from memodule.data import LosoDataModule
from memodule.data.exposure import exposures
from memodule.errors import UserError


class LeakageGuard(Callback):
    """Refuses whatever would make the score of a held-out subject too good.

    *Choices.* A held-out subject may be watched during fit, but whatever is chosen by its score (an epoch, a moment to
    stop, a step size) makes that score too good. Checkpoints, early stopping, learning rates and every other callback
    with a `monitor` may follow training losses, or, where `data.inner_validation_subjects` sets some aside, the
    `val/...` metrics, which then belong to those.

    *Weights.* Checkpoints carry whom they have learned from (`SpotRecognizeModule.seen`). Testing one on a subject that
    it was trained on or chosen by, validating one on a subject that it was trained on, and training on from such a one
    are refused; predicting warns. Inner validation subjects may be scored again by the weights that they chose. A
    subject is the same if its code and the Catalog's name are, or if a video of the same code and length was seen.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at everything that monitors a metric, and at the weights to go on from, before the first step.

        Raises:
            UserError: With the choice, the metric, and the two ways out; or with the subject that was trained on.
        """
        data = fold_data(trainer)
        for what, metric in _choosers(trainer):
            if metric.startswith("test/") or (metric.startswith("val/") and not data.fold.validation):
                raise UserError(
                    f"{what} follows {metric}, which is measured on the held-out subject {data.fold.held_out}: "
                    f"choosing by it would make the result look better than it is. Set data.inner_validation_subjects "
                    f"to 1 or more, so that val/... belongs to training subjects, or follow a train/... metric"
                )
        _refuse_seen(trainer, pl_module, [data.fold.held_out], data.fold.validation)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse weights that have seen a watched subject; within a fit that was looked at before.

        Raises:
            UserError: With the subject.
        """
        if trainer.state.fn == "validate":
            fold = fold_data(trainer).fold
            _refuse_seen(trainer, pl_module, () if fold.validation else [fold.held_out], fold.validation)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse weights that have seen the held-out subject.

        Raises:
            UserError: With the subject.
        """
        _refuse_seen(trainer, pl_module, [fold_data(trainer).fold.held_out])

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say where predictions are made for a subject that the weights have seen; they are not scored here."""
        fold = fold_data(trainer).fold
        for subject, how, _ in _seen(fold_data(trainer), pl_module, [fold.held_out]):
            console.warn(f"these weights {how} {subject}: its intervals come out better than those of a new face")


def _choosers(trainer: Trainer) -> Iterator[tuple[str, str]]:
    """What chooses by a metric, and by which."""
    monitored = [(type(callback).__name__, getattr(callback, "monitor", None)) for callback in trainer.callbacks]  # type: ignore[attr-defined]
    monitored += [("the learning-rate schedule", config.monitor) for config in trainer.lr_scheduler_configs]
    yield from ((what, metric) for what, metric in monitored if isinstance(metric, str))


def _seen(
    data: LosoDataModule, module: LightningModule, held_out: Sequence[str], inner: Sequence[str] = ()
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Those of the subjects that the module has learned from: (subject, how, what is known of that training)."""
    weights = getattr(module, "seen", [])
    for subject in held_out:
        yield from ((subject, *known) for known in exposures(weights, subject, data.catalog))
    for subject in inner:
        yield from ((subject, *known) for known in exposures(weights, subject, data.catalog, chosen_counts=False))


def _refuse_seen(trainer: Trainer, module: LightningModule, held_out: Sequence[str], inner: Sequence[str] = ()) -> None:
    for subject, how, influences in _seen(fold_data(trainer), module, held_out, inner):
        where = f"{trainer.ckpt_path}: " if trainer.ckpt_path else ""
        raise UserError(
            f"{where}these weights {how} subject {subject} (they held out {influences['held_out']}): scored on it, "
            f"they would look better than they are. Set data.fold={influences['held_out']}, or give the checkpoint of "
            f"the fold that held out {subject}"
        )
