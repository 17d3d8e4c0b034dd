"""The callback that refuses to select anything on a held-out subject, or to score a subject that was trained on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from memodule import console
from memodule.callbacks.interval_selection import fold_data
from memodule.data import LosoDataModule
from memodule.data.exposure import exposures, other_weights
from memodule.errors import UserError


class LeakageGuard(Callback):
    """Refuses everything that would make the score of a held-out subject too good.

    *Choices.* A held-out subject may be watched during fit, but a choice by its score (an epoch, a moment to stop, a
    step size) makes that score too good. Checkpoints, early stopping, learning rates and every other callback with a
    `monitor` may follow training losses or, with `data.inner_validation_subjects`, the `val/...` metrics, which then
    belong to those subjects.

    *Weights.* Checkpoints record the subjects they have learned from (`SpotRecognizeModule.seen`). Testing weights on a
    subject that they were trained on or chosen by, validating them on a subject that they were trained on, and training
    such weights further are refused; predicting warns. Inner validation subjects may be scored again by the weights
    that they chose. A subject is the same if its code and the Catalog's name are, or if a video of the same code and
    length was seen, or if `memodule adapt` took one of its recordings for background.
    """

    @override
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        data = fold_data(trainer)
        for what, metric in _choosers(trainer):
            if metric.startswith("test/") or (metric.startswith("val/") and not data.fold.validation):
                raise UserError(
                    f"{what} follows {metric}, which is measured on the held-out subject {data.fold.held_out}: "
                    f"choosing by it would make the result look better than it is. Set data.inner_validation_subjects "
                    f"to 1 or more, so that val/... belongs to training subjects, or follow a train/... metric"
                )
        _refuse_seen(trainer, pl_module, [data.fold.held_out], data.fold.validation)

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "validate":  # within a fit this was checked before
            fold = fold_data(trainer).fold
            _refuse_seen(trainer, pl_module, () if fold.validation else [fold.held_out], fold.validation)

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        _refuse_seen(trainer, pl_module, [fold_data(trainer).fold.held_out])

    @override
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        fold = fold_data(trainer).fold
        for subject, how, _ in _seen(fold_data(trainer), pl_module, [fold.held_out]):
            console.warn(f"these weights {how} {subject}: its intervals differ from those of a new face")


def _choosers(trainer: Trainer) -> Iterator[tuple[str, str]]:
    """(what, metric) of everything that chooses by a metric."""
    monitored = [(type(callback).__name__, getattr(callback, "monitor", None)) for callback in trainer.callbacks]  # type: ignore[attr-defined]
    monitored += [("the learning-rate schedule", config.monitor) for config in trainer.lr_scheduler_configs]
    yield from ((what, metric) for what, metric in monitored if isinstance(metric, str))


def _seen(
    data: LosoDataModule, module: LightningModule, held_out: Sequence[str], inner: Sequence[str] = ()
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The subjects that the module has learned from: (subject, how, what is known of that training)."""
    weights = getattr(module, "seen", [])
    for subject in held_out:
        yield from ((subject, *known) for known in exposures(weights, subject, data.catalog))
    for subject in inner:
        yield from ((subject, *known) for known in exposures(weights, subject, data.catalog, chosen_counts=False))


def _refuse_seen(trainer: Trainer, module: LightningModule, held_out: Sequence[str], inner: Sequence[str] = ()) -> None:
    for subject, how, influences in _seen(fold_data(trainer), module, held_out, inner):
        where = f"{trainer.ckpt_path}: " if trainer.ckpt_path else ""
        other, held_out = other_weights(subject, influences), influences["held_out"]
        known = f" (they held out {held_out})" if held_out else ""
        remedy = f"Set data.fold={held_out}, or use {other}" if held_out else f"Use {other}"
        raise UserError(
            f"{where}these weights {how} subject {subject}{known}: scored on it, they would look other than they are "
            f"on a new face. {remedy}"
        )
