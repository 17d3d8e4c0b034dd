"""The callback that turns scores into intervals at validation, and logs how good they are."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from memodule.data import LosoDataModule
from memodule.decoding.comparison import compared
from memodule.decoding.curves import VideoCurve, write_curves
from memodule.decoding.decode import Decoded, labelled_curve, write_predictions
from memodule.decoding.fitted import FittedDecoder
from memodule.decoding.protocol import Protocol
from memodule.decoding.scoring import stitched_curve
from memodule.emotions import FRAME_CLASSES
from memodule.errors import UserError
from memodule.flow.parameters import FEATURES_VERSION
from memodule.intervals import SelectionRule
from memodule.intervals.description import describe_rule
from memodule.intervals.prior_source import plain_rows
from memodule.metrics import SpotThenRecognizeScore
from memodule.module import SpotRecognizeModule, VideoScores

Stage = Literal["val", "test", "predict"]


class IntervalSelection(Callback):
    """Stitches window scores to curves, selects intervals, votes emotions, and logs the scores.

    The selection rule is fitted at the start on the training subjects (on all subjects if the protocol leaks) and, if
    there are inner validation subjects, calibrated on their curves before the held-out subject is scored. `val/...` and
    `test/...` keys go through `self.log` of the module, so every Lightning logger receives them.

    Args:
        rule: Score curve -> intervals.
        protocol: Every option that moves a score.
        out: Folder for `<stage>/curves.npz` and `<stage>/intervals.csv`; null writes below the trainer's
            `default_root_dir`, in `intervals/<held-out subject>`.

    Attributes:
        decoder: The rule as fitted and calibrated so far.
        curves: The curves of the last finished pass of each stage, in the order of the Catalog.
        decoded: The expressions found in them.
    """

    def __init__(self, rule: SelectionRule, protocol: Protocol | None = None, out: str | None = None) -> None:
        self.rule = rule
        self.protocol = protocol or Protocol()
        self.out = out
        self.decoder = FittedDecoder(self.rule, self.protocol)
        self.curves: dict[Stage, list[VideoCurve]] = {}
        self.decoded: dict[Stage, list[Decoded]] = {}
        self._metric = SpotThenRecognizeScore(self.protocol)
        self._seen: list[VideoCurve] = []

    # ------------------------------------------------------------------------------------------------- fit the rule

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        data = fold_data(trainer)
        self.protocol.scored_phases(data.flow_parameters.phases)
        self.decoder = FittedDecoder.fit(
            self.rule,
            self.protocol,
            training=data.training_catalog,
            everyone=data.catalog,
            frame_step=data.flow_parameters.frame_step,
        )
        self._describe_for_checkpoints(data, pl_module)

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        data = fold_data(trainer)
        if data.fold.validation and "val" in self.curves:
            self.decoder.calibrate([labelled_curve(curve, data.catalog) for curve in self.curves["val"]])
            self._describe_for_checkpoints(data, pl_module)

    def _describe_for_checkpoints(self, data: LosoDataModule, pl_module: LightningModule) -> None:
        """Give the module what inference needs, as plain values for its checkpoints.

        Lightning asks the module, but not the callbacks, what a checkpoint of weights alone should hold.
        """
        if not isinstance(pl_module, SpotRecognizeModule):
            return
        pl_module.inference = {
            "flow": dataclasses.asdict(data.flow_parameters),
            "features_version": FEATURES_VERSION,
            "fps": data.fps,
            "frame_classes": list(FRAME_CLASSES),
            "rule": describe_rule(self.rule),
            "expressions": plain_rows(
                data.catalog.of(self.decoder.informed).expressions, data.flow_parameters.frame_step
            ),
            "protocol": self.protocol.as_dict(),
            "batch_size": data.hparams["batch_size"],
            "held_out": data.fold.held_out,
            "catalog": data.catalog.name,
        }

    # ------------------------------------------------------------------------------------------------ collect curves

    @override
    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._seen = []
        self._metric.reset()
        self._metric.to(pl_module.device)

    on_test_epoch_start = on_predict_epoch_start = on_validation_epoch_start

    @override
    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any, **__: Any
    ) -> None:
        scores: VideoScores = outputs
        if scores["key"] is None:  # the filler of an empty shard
            return
        data = fold_data(trainer)
        there, phases = data.flow_parameters.phases, self.protocol.scored_phases(data.flow_parameters.phases)
        spot, logits = (
            windows[:: there // phases].detach().cpu().numpy() for windows in (scores["spot"], scores["logits"])
        )
        curve = stitched_curve(
            scores["key"],
            spot,
            logits,
            self.protocol.stitching,
            data.fps,
            data.flow_parameters.frame_step,
            data.hparams["batch_size"],
            scores["offset"],
            data.sampled_frames(scores["key"]),
            phases,
        )
        if not (np.isfinite(curve.score).all() and np.isfinite(logits).all()):
            raise UserError(
                f"{'/'.join(scores['key'])}: the network's scores are not finite, so training has diverged; "
                "lower model.learning_rate, or set trainer.gradient_clip_val"
            )
        self._seen.append(curve)

    on_test_batch_end = on_predict_batch_end = on_validation_batch_end

    # ---------------------------------------------------------------------------------------------- decode and score

    @override
    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:
            self._finish(trainer, pl_module, "val")

    @override
    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._finish(trainer, pl_module, "test")

    @override
    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._finish(trainer, pl_module, "predict")

    def _finish(self, trainer: Trainer, pl_module: LightningModule, stage: Stage) -> None:
        data = fold_data(trainer)
        decoded = [self.decoder.decode(curve) for curve in self._seen]
        if stage != "predict":
            for video in decoded:
                pair = compared(video, data.catalog, self.protocol)
                self._metric.update(pair.predicted, pair.predicted_emotions, pair.true, pair.true_emotions)
            scores = self._metric.compute()
            pl_module.log_dict({f"{stage}/{name}": value for name, value in scores.items()})
        self.curves[stage], self.decoded[stage] = _gathered(self._seen, data), _gathered(decoded, data)
        if trainer.is_global_zero:
            usual = Path(trainer.default_root_dir) / "intervals" / data.fold.held_out
            folder = (usual if self.out is None else Path(self.out)) / stage
            write_curves(folder / "curves.npz", self.curves[stage])
            write_predictions(folder / "intervals.csv", self.decoded[stage])


def fold_data(trainer: Trainer) -> LosoDataModule:
    """The trainer's data module, which must be a `LosoDataModule`."""
    data = getattr(trainer, "datamodule", None)
    if not isinstance(data, LosoDataModule):
        raise UserError("trainer: interval selection needs a LosoDataModule; pass `datamodule=` to the trainer")
    return data


def _gathered(mine: list[Any], data: LosoDataModule) -> list[Any]:
    """The videos of all ranks, in the order of the Catalog."""
    everyone = mine
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        parts: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(parts, mine)
        everyone = [video for part in parts for video in part]
    order = {video.key: i for i, video in enumerate(data.catalog.videos)}
    return sorted(everyone, key=lambda video: order[video.key])
