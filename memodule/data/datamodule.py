"""The LightningDataModule of one leave-one-subject-out fold of precomputed flow."""

import collections
import dataclasses
import random
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader
from typing_extensions import override

from memodule.data.background import Background
from memodule.data.folds import Fold, make_fold, scored_catalog
from memodule.data.jitter import jittered
from memodule.data.loaders import TrainingWindows, VideoBatch, VideoShard, WholeVideos, WindowBatch
from memodule.data.records import finite_windows, gather
from memodule.data.sampling import class_weights, down_sample
from memodule.data.windows import curve_length, label_frames, slice_windows
from memodule.datasets.catalog import Catalog, Video, VideoKey, read_catalog
from memodule.emotions import FRAME_CLASSES, NEUTRAL
from memodule.errors import UserError
from memodule.flow import FlowParameters, FlowRecord, FlowStore
from memodule.hardening import Hardening, harden
from memodule.hardening.labelled_windows import LabelledWindows


class LosoDataModule(LightningDataModule):
    """Serves one fold: windows of the training subjects, whole videos of the others.

    Training batches are `WindowBatch`, evaluation batches are one `VideoBatch` per video. Validation serves the inner
    validation subjects or, without any, the held-out subject, to be watched; test and predict serve the held-out
    subject.

    Args:
        catalog: Folder with `videos.csv` and `expressions.csv`.
        flow: Folder of the flow store (`memodule extract`).
        fold: Code of the held-out subject.
        window: Sampled frames per window k, even (published: 30 for SAMM Long Videos, 50 for CAS(ME)^3).
        frame_step: Source frames per sampled frame (published: 7 for SAMM Long Videos, 1 for CAS(ME)^3).
        motion_compensation: Which flow of the store to use (see `memodule.flow.FlowParameters`).
        phases: In how many places the windows of the store begin within half a window; training draws from all of them
            (see `memodule.flow.FlowParameters`).
        batch_size: Windows per step (published: 32 and 256).
        negative_ratio: Expression-free training windows kept per window with an expression (published: .5 and 4);
            null keeps all.
        neutral_factor: Extra weight of the neutral class in the recognition loss.
        hardening: How training windows are made harder, so that the network survives other cameras, faces and
            recordings (see `memodule.hardening.Hardening`); null changes nothing (published).
        background: Flow store of recordings without labels, such as `memodule extract` makes of videos of your own. Its
            windows are trained on as free of expressions, so it should hold few; with `hardening.injections` they
            receive some.
        background_ratio: Windows of the background per window with an expression, drawn at random; null keeps all.
        jitter: Each training window is multiplied by one factor from 1 - jitter .. 1 + jitter (published: .1).
        inner_validation_subjects: How many training subjects, or which, are set aside for choices such as the epoch.
        videos: "all", or only those "with_micro"-expressions (linked to `protocol.videos` on the command line).
        num_workers: Loader processes; windows are in memory, so 0 is usually fastest.
        seed: Seed of the inner validation draw and of the down-sampling.
    """

    def __init__(
        self,
        catalog: str,
        flow: str,
        fold: str,
        window: int = 30,
        frame_step: int = 1,
        motion_compensation: Literal["corrected", "published"] = "corrected",
        batch_size: int = 32,
        negative_ratio: float | None = 0.5,
        neutral_factor: float = 6.0,
        jitter: float = 0.1,
        hardening: Hardening | None = None,
        background: str | None = None,
        background_ratio: float | None = 1.0,
        inner_validation_subjects: int | list[str] = 0,
        videos: Literal["all", "with_micro"] = "all",
        num_workers: int = 0,
        seed: int = 0,
        phases: int = 1,
    ) -> None:
        super().__init__()
        if isinstance(hardening, Mapping):  # as load_from_checkpoint has it; files and commands are checked before
            hardening = Hardening(**hardening)  # type: ignore[unreachable]
        self.save_hyperparameters(ignore="hardening", logger=False)  # which gets the whole config anyway
        self.hparams["hardening"] = None if hardening is None else dataclasses.asdict(hardening)  # as plain values
        self.hardening = hardening
        if not 0 <= jitter <= 1:
            raise UserError(f"data.jitter: {jitter} is outside 0 .. 1")
        for name, value, least in (("batch_size", batch_size, 1), ("num_workers", num_workers, 0)):
            if value < least:
                raise UserError(f"data.{name}: {value}; use a whole number of at least {least}")
        self.flow_parameters = FlowParameters(
            window=window, frame_step=frame_step, motion_compensation=motion_compensation, phases=phases
        )
        self.store = FlowStore(Path(flow), self.flow_parameters)
        self.background = None if background is None else Background(Path(background), self.flow_parameters)
        self.catalog: Catalog
        self.fold: Fold
        self.class_weights: Tensor
        self._windows: dict[str, TrainingWindows | WholeVideos] = {}

    # ------------------------------------------------------------------------------------------- what others look up

    @property
    def fps(self) -> float:
        """Frame rate of the source videos; one for the whole Catalog."""
        return self.catalog.videos[0].fps

    @property
    def training_catalog(self) -> Catalog:
        """The training subjects' part of the Catalog: what priors may be fitted on."""
        return self.catalog.of(self.fold.training)

    @property
    def watched_subjects(self) -> tuple[str, ...]:
        """Subjects that validation serves."""
        return self.fold.validation or (self.fold.held_out,)

    def sampled_frames(self, key: VideoKey) -> int:
        """Sampled frames of a video that its features cover: fewer than its frames if the file ended early."""
        return self.flow_parameters.sampled(self._covered(self.catalog.video(key), self.store.get(*key)))

    @property
    def influences(self) -> dict[str, Any]:
        """The subjects that a network trained on this fold has learned from, as plain values for its checkpoints.

        Returns:
            `catalog`, its name; `held_out`; `training` and `chosen_on`, subjects; `videos`, [subject, video, frames] of
            all of these, by which they are recognised in a Catalog of another name.
        """
        informed = (*self.fold.training, *self.fold.validation)
        videos = [[*video.key, video.frames] for video in self.catalog.videos if video.subject in informed]
        return {
            "catalog": self.catalog.name,
            "held_out": self.fold.held_out,
            "training": list(self.fold.training),
            "chosen_on": list(self.fold.validation),
            "videos": videos if self.background is None else videos + self.background.videos,
        }

    # --------------------------------------------------------------------------------------------------- Lightning

    @override
    def setup(self, stage: str) -> None:
        if not hasattr(self, "fold"):
            self.catalog = scored_catalog(read_catalog(self.hparams["catalog"]), self.hparams["videos"])
            self.fold = make_fold(
                self.catalog, self.hparams["fold"], self.hparams["inner_validation_subjects"], self.hparams["seed"]
            )
            _require_one_frame_rate(self.catalog)
            if self.background is not None:
                self.background.require_others(self.catalog, self.fold, self.store)
        if stage == "fit" and "train" not in self._windows:
            self._windows["train"] = self._training_windows()
        if stage in ("fit", "validate") and "val" not in self._windows:
            self._windows["val"] = self._whole_videos(self.watched_subjects)
        if stage in ("test", "predict") and "test" not in self._windows:
            self._windows["test"] = self._whole_videos([self.fold.held_out])

    @override
    def train_dataloader(self) -> DataLoader[WindowBatch]:
        return DataLoader(
            self._windows["train"],
            batch_size=self.hparams["batch_size"],
            shuffle=True,
            collate_fn=_as_fetched,
            num_workers=self.hparams["num_workers"],  # new ones every epoch: kept ones would shift all random numbers
            pin_memory=torch.cuda.is_available(),
        )

    @override
    def val_dataloader(self) -> DataLoader[VideoBatch]:
        return self._video_loader("val")

    @override
    def test_dataloader(self) -> DataLoader[VideoBatch]:
        return self._video_loader("test")

    @override
    def predict_dataloader(self) -> DataLoader[VideoBatch]:
        return self._video_loader("test")

    @override
    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        if self.trainer is not None and self.trainer.training:
            if self.hardening is not None:
                windows = LabelledWindows(batch["flow"], batch["spot"], batch["emotion"])
                batch |= harden(windows, self.hardening, self.fps / self.hparams["frame_step"])._asdict()
            batch["flow"] = jittered(batch["flow"], self.hparams["jitter"])
        return batch

    # ----------------------------------------------------------------------------------------------------- loading

    def _labels(self, video: Video, windows: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Score target and frame class of every window of a video, (windows, k) each."""
        length, phases = self.hparams["window"], self.flow_parameters.phases
        expected = self.flow_parameters.windows(video.frames)
        if abs(expected - windows) > phases:  # containers may promise a frame or two more than they hold
            raise UserError(
                f"{self.hparams['flow']}: {'/'.join(video.key)} has {windows} flow windows, but its {video.frames} "
                f"frames in videos.csv give {expected}; correct `frames` there or extract the video again"
            )
        score, emotion = label_frames(
            self.catalog.expressions_of(video.key, "micro"),
            frames=curve_length(windows, length, phases),
            frame_step=self.hparams["frame_step"],
        )
        return slice_windows(score, length, phases), slice_windows(emotion, length, phases)

    def _covered(self, video: Video, record: FlowRecord) -> int:
        """Frames of a video that its features cover."""
        return min(video.frames, record.frames)

    def _whole_windows(self, video: Video, record: FlowRecord) -> int:
        """How many of a video's windows hold nothing but its own frames; further ones are filled up with its last."""
        return min(record.shape[0], self.flow_parameters.windows(self._covered(video, record)))

    def _training_windows(self) -> TrainingWindows:
        """Load the training subjects' windows, drop most without an expression, and weight the classes."""
        videos = [video for video in self.catalog.videos if video.subject in self.fold.training]
        records = [self.store.get(*video.key) for video in videos]
        whole = [self._whole_windows(video, record) for video, record in zip(videos, records, strict=True)]
        labels = [self._labels(video, count) for video, count in zip(videos, whole, strict=True)]
        score = np.concatenate([score for score, _ in labels])
        emotion = np.concatenate([emotion for _, emotion in labels])
        holds = [bool((window > 0).any()) for window in score]
        if not any(holds):
            raise UserError(
                f"{self.hparams['catalog']}: no training window of fold {self.fold.held_out} holds a micro-expression; "
                f"label some subjects other than {self.fold.held_out}, or choose a smaller data.window"
            )
        ratio = self.hparams["negative_ratio"]
        rng = random.Random(f"{self.hparams['seed']}/{self.fold.held_out}")
        kept = np.asarray(range(len(holds)) if ratio is None else down_sample(holds, ratio, rng))
        counts = np.bincount(emotion[kept].ravel(), minlength=len(FRAME_CLASSES))
        self.class_weights = torch.from_numpy(class_weights(counts, self.hparams["neutral_factor"]))
        flow, score, emotion = gather(records, whole, kept), score[kept], emotion[kept]
        if self.background is not None:
            ratio = self.hparams["background_ratio"]
            further = self.background.windows(None if ratio is None else int(ratio * sum(holds)), rng)
            flow, shape = np.concatenate([flow, further]), (len(further), flow.shape[2])
            score = np.concatenate([score, np.zeros(shape, score.dtype)])
            emotion = np.concatenate([emotion, np.full(shape, NEUTRAL, emotion.dtype)])
        return TrainingWindows(
            {"flow": torch.from_numpy(flow), "spot": torch.from_numpy(score), "emotion": torch.from_numpy(emotion)}
        )

    def _whole_videos(self, subjects: Collection[str]) -> WholeVideos:
        batches: list[VideoBatch] = []
        offsets: collections.Counter[str] = collections.Counter()
        for video in self.catalog.videos:
            if video.subject in subjects:
                record = self.store.get(*video.key)
                windows = finite_windows(record)
                score, emotion = self._labels(video, len(windows))
                batches.append(
                    {
                        "key": video.key,
                        "offset": offsets[video.subject],
                        "flow": torch.from_numpy(windows),
                        "spot": torch.from_numpy(score),
                        "emotion": torch.from_numpy(emotion),
                    }
                )
                whole = self._whole_windows(video, record)
                offsets[video.subject] += -(-whole // self.flow_parameters.phases)  # what published stitching counts
        length = self.hparams["window"]
        filler: VideoBatch = {
            "key": None,
            "offset": 0,
            "flow": torch.empty(0, 36, length),
            "spot": torch.empty(0, length),
            "emotion": torch.empty(0, length, dtype=torch.int64),
        }
        return WholeVideos(batches, filler)

    def _video_loader(self, name: str) -> DataLoader[VideoBatch]:
        videos = self._windows[name]
        assert isinstance(videos, WholeVideos)
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        return DataLoader(videos, batch_size=None, sampler=VideoShard(videos, rank, world_size), collate_fn=_as_fetched)


def _as_fetched(batch: Any) -> Any:
    """Replaces collation: the datasets return whole batches."""
    return batch


def _require_one_frame_rate(catalog: Catalog) -> None:
    """Refuse videos of different frame rates: a window of k frames must mean one duration."""
    first = catalog.videos[0]
    for video in catalog.videos:
        if abs(video.fps / first.fps - 1) > 0.01:
            raise UserError(
                f"{catalog.name}: {'/'.join(first.key)} has {first.fps:g} frames per second and {'/'.join(video.key)} "
                f"{video.fps:g}; make one Catalog per frame rate"
            )
