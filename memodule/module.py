"""The LightningModule: network, joint loss, optimiser. Decoding and plotting are left to callbacks."""

from typing import Any, Literal, TypedDict

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric
from typing_extensions import override

import memodule.networks  # noqa: F401 - so that checkpoints can name its classes
from memodule.data.loaders import VideoBatch, WindowBatch
from memodule.datasets.catalog import VideoKey
from memodule.errors import UserError
from memodule.losses import Normalisation, SpotRecognizeLoss
from memodule.networks.compiling import refuse_wrapped, require_compiler
from memodule.networks.description import build_network, describe_network
from memodule.networks.scoring import score_in_passes
from memodule.runtime.heap import keep_freed_memory
from memodule.runtime.own_parts import imported_parts


class VideoScores(TypedDict):
    """The network's output for one video.

    Attributes:
        key: (subject, video), or None for the filler of an empty shard.
        offset: Windows of the same subject before this video (published stitching depends on it).
        spot: (W, k) score of every frame of every window, 0..1.
        logits: (W, k, 5) class logits.
    """

    key: VideoKey | None
    offset: int
    spot: Tensor
    logits: Tensor


class SpotRecognizeModule(LightningModule):
    """Optimises the spotting regression and the recognition loss jointly.

    Training logs `train/loss`, `train/loss_spot` and `train/loss_recog` per epoch; evaluation logs `val/loss` or
    `test/loss` and returns the `VideoScores` of each video to the callbacks.

    Args:
        network: Maps flow (B, 36, T) to scores (B, T) and logits (B, T, 5); or, as checkpoints keep it, the plain
            mapping {"class_path": "memodule.networks...", "init_args": {...}}.
        spot_weight: Weight of the spotting loss (published: .9).
        recog_weight: Weight of the recognition loss (published: .1).
        normalisation: What the weighted cross-entropy is divided by (published: frames; see `memodule.losses`).
        learning_rate: Highest learning rate (published: 3e-4).
        optimizer: "adam" (published) or "adamw".
        weight_decay: Weight decay of the optimiser (published: 0).
        schedule: "one_cycle" over all steps, stepped per batch (published), "cosine" to zero, or "constant".
        windows_per_pass: Windows per forward pass in evaluation; affects its memory, not its result.
        compile: Whether torch.compile compiles the network, except the scan, for training. Meant for GPUs: on a CPU it
            needs a C++ compiler and most of a minute, and a step takes half as long again.

    Attributes:
        inference: Plain values that inference needs besides network and weights (flow parameters, selection rule...);
            `IntervalSelection` fills it, checkpoints carry it under the key `memodule`, and
            `memodule.training.checkpoints.load_fold_model` reads it.
        seen: The subjects that the weights have learned from so far (`LosoDataModule.influences`), as plain values: one
            mapping per training, several if training resumed from a checkpoint. Checkpoints carry it under the key
            `seen`, so that `LeakageGuard` can refuse a test on one of these subjects.
    """

    def __init__(
        self,
        network: nn.Module,
        spot_weight: float = 0.9,
        recog_weight: float = 0.1,
        normalisation: Normalisation = "frames",
        learning_rate: float = 3e-4,
        optimizer: Literal["adam", "adamw"] = "adam",
        weight_decay: float = 0.0,
        schedule: Literal["one_cycle", "cosine", "constant"] = "one_cycle",
        windows_per_pass: int = 256,
        compile: bool = False,
    ) -> None:
        super().__init__()
        for name, value, zero in (("learning_rate", learning_rate, False), ("weight_decay", weight_decay, True)):
            if not (0 < value < float("inf") or (zero and value == 0)):
                raise UserError(f"model.{name}: {value!r}; use a finite number {'from' if zero else 'above'} 0")
        # Checkpoints hold a mapping. The signature does not say so, since misspelt arguments would pass as any mapping.
        self.network = build_network(network)
        self.save_hyperparameters(
            {
                "network": describe_network(self.network),
                "spot_weight": spot_weight,
                "recog_weight": recog_weight,
                "normalisation": normalisation,
                "learning_rate": learning_rate,
                "optimizer": optimizer,
                "weight_decay": weight_decay,
                "schedule": schedule,
                "windows_per_pass": windows_per_pass,
                "compile": compile,
            },
            logger=False,  # which gets the whole config from the command line
        )
        self.loss = SpotRecognizeLoss(spot_weight, recog_weight, normalisation=normalisation)
        self.evaluation_loss = MeanMetric(nan_strategy="ignore")  # interval selection refuses NaN scores
        self.inference: dict[str, Any] = {}
        self.seen: list[dict[str, Any]] = []

    def forward(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B, T) in 0..1 and class logits (B, T, 5) of windows (B, 36, T), in pixels of the 320 x 320 crop."""
        scores: tuple[Tensor, Tensor] = self.network(flow)
        return scores

    @override
    def setup(self, stage: str) -> None:
        if stage != "fit":
            return
        data = getattr(self.trainer, "datamodule", None)
        if data is not None:
            self.loss.set_class_weights(data.class_weights)
        refuse_wrapped(self.network)
        if self.hparams["compile"]:
            require_compiler(self.trainer.strategy.root_device)
            self.network.compile()

    @override
    def on_fit_start(self) -> None:
        if self.device.type == "cpu":
            keep_freed_memory()
        data = getattr(self.trainer, "datamodule", None)
        if data is not None and data.influences not in self.seen:
            self.seen = [*self.seen, data.influences]

    @override
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["seen"] = self.seen
        if parts := imported_parts():
            checkpoint["parts"] = parts
        if self.inference:
            checkpoint["memodule"] = self.inference

    @override
    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.inference = checkpoint.get("memodule", {})
        self.seen = checkpoint.get("seen", [])

    @override
    def training_step(self, batch: WindowBatch, batch_idx: int) -> Tensor:
        losses = self.loss(*self(batch["flow"]), batch["spot"], batch["emotion"])
        self._log_training(losses, windows=len(batch["flow"]))
        return losses["loss"]  # type: ignore[no-any-return]

    @override
    def validation_step(self, batch: VideoBatch, batch_idx: int) -> VideoScores:
        scores: VideoScores = self._score(batch)
        if len(scores["spot"]):
            losses = self.loss(scores["spot"], scores["logits"], batch["spot"], batch["emotion"])
            self.evaluation_loss.update(losses["loss"], weight=len(scores["spot"]))
        return scores

    test_step = validation_step

    @override
    def predict_step(self, batch: VideoBatch, batch_idx: int) -> VideoScores:
        scores: VideoScores = self._score(batch)
        return scores

    @override
    def on_validation_epoch_end(self) -> None:
        self._log_loss("val")

    @override
    def on_test_epoch_end(self) -> None:
        self._log_loss("test")

    @override
    def configure_optimizers(self) -> OptimizerLRScheduler:
        rate = self.hparams["learning_rate"]
        kind = torch.optim.AdamW if self.hparams["optimizer"] == "adamw" else torch.optim.Adam
        # Fused: one pass over all weights. With mixed precision Lightning could not clip their gradients then.
        fused = "mixed" not in str(self.trainer.precision)
        optimizer = kind(self.parameters(), lr=rate, weight_decay=self.hparams["weight_decay"], fused=fused)
        if self.hparams["schedule"] == "constant":
            return optimizer
        known = self.trainer.estimated_stepping_batches
        if known == float("inf"):
            raise UserError(
                f"model.schedule: {self.hparams['schedule']} needs an end of training; set trainer.max_epochs or "
                "trainer.max_steps, or model.schedule=constant"
            )
        steps = max(int(known), 1)
        schedule: torch.optim.lr_scheduler.LRScheduler
        match self.hparams["schedule"]:
            case "one_cycle":
                schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
            case "cosine":
                schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
            case _:
                raise AssertionError(self.hparams["schedule"])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    @torch.compiler.disable  # type: ignore[untyped-decorator] # which cannot look into Lightning's logging
    def _log_training(self, losses: dict[str, Tensor], windows: int) -> None:
        named = {f"train/{name}": value for name, value in losses.items()}
        self.log_dict(named, on_step=False, on_epoch=True, sync_dist=True, batch_size=windows)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _score(self, batch: VideoBatch) -> VideoScores:
        with torch.compiler.set_stance("force_eager"):  # videos differ in their number of windows: it would recompile
            spot, logits = score_in_passes(self, batch["flow"], self.hparams["windows_per_pass"])
        return {"key": batch["key"], "offset": batch["offset"], "spot": spot, "logits": logits}

    def _log_loss(self, stage: str) -> None:
        """Log and reset by hand: a rank without a window takes part in the sum; without any window there is no loss."""
        mean = self.evaluation_loss.compute()
        self.evaluation_loss.reset()
        if mean.isfinite():
            self.log(f"{stage}/loss", mean, rank_zero_only=False)
