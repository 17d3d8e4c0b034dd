"""The checkpoints of several folds as one: mean curves of those that have not seen a video's subject."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from memodule import console
from memodule.data.exposure import exposures, other_weights
from memodule.datasets.catalog import Catalog, Video
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import Decoded, decode
from memodule.decoding.scoring import score_windows, stitched_curve
from memodule.errors import UserError
from memodule.flow import FlowRecord, FlowStore
from memodule.inference.submission import average
from memodule.intervals import SelectionRule
from memodule.training.checkpoints import FoldModel, load_fold_model


class Ensemble:
    """The folds of one or more studies.

    A video is scored by every fold whose weights have not learned from its subject: a study's own videos by the folds
    that held them out, new ones by all. The mean curve is decoded with the rule, among theirs, of the median learned
    durations.

    Args:
        checkpoints: Files of folds that share the flow parameters.

    Raises:
        UserError: If one cannot be loaded, or they were trained on different features.
    """

    def __init__(self, checkpoints: Sequence[Path]) -> None:
        self.models: list[FoldModel] = [load_fold_model(path) for path in checkpoints]
        for path, model in zip(checkpoints, self.models, strict=True):
            if (model.flow, model.fps) != (self.models[0].flow, self.models[0].fps):
                raise UserError(f"{path}: trained on {model.flow}, the first one on {self.models[0].flow}")
        mute = [path for path, model in zip(checkpoints, self.models, strict=True) if not model.seen]
        if mute:
            more = f" ({len(mute)} such checkpoints)" if len(mute) > 1 else ""
            console.warn(
                f"{mute[0]}: does not say whom it was trained on{more}; make sure that these videos were not used"
            )

    def voters(self, catalog: Catalog) -> dict[str, list[FoldModel]]:
        """For each subject the folds that have not learned from it, at least one.

        Raises:
            UserError: If all of them have learned from a subject.
        """
        voters = {}
        for subject in catalog.subjects:
            known = [next(exposures(model.seen, subject, catalog), None) for model in self.models]
            voters[subject] = [model for model, how in zip(self.models, known, strict=True) if how is None]
            if not voters[subject] and known[0]:
                how, training = known[0]
                others = f", and no other of the {len(known)} checkpoints held it out" if len(known) > 1 else ""
                which = f"that held out {training['held_out']} " if training["held_out"] else ""
                raise UserError(
                    f"subject {subject}: the weights {which}{how} it{others}; their intervals there would differ from "
                    f"those of a new face. Use {other_weights(subject, training)}, or a --catalog without it"
                )
        return voters

    def decoded(self, catalog: Catalog, flow: Path) -> Iterator[Decoded]:
        """What the ensemble finds in each video of a Catalog, labelled or not, in its order.

        Args:
            flow: Folder of the flow store that holds their features.

        Raises:
            UserError: If features are missing, the frame rate is not that of training, or all weights have learned from
                a subject.
        """
        store, voters = FlowStore(flow, self.models[0].flow), self.voters(catalog)
        for video in catalog.videos:
            if abs(video.fps / self.models[0].fps - 1) > 0.1:
                raise UserError(
                    f"{'/'.join(video.key)}: {video.fps:g} frames per second, the checkpoints were trained at "
                    f"{self.models[0].fps:g}; use checkpoints of the same kind of data"
                )
            models = voters[video.subject]
            curve = average(list(_curves(models, video, store.get(*video.key))))
            decoder = models[median_rule([model.rule for model in models])]
            yield decode(curve, decoder.rule, decoder.protocol)


def median_rule(rules: Sequence[SelectionRule]) -> int:
    """Index of the rule that decodes the mean curve of several fitted rules: that of the median learned durations."""
    by_length = sorted(range(len(rules)), key=lambda i: timing.half_window if (timing := rules[i].timing) else 0)
    return by_length[len(by_length) // 2]


def _curves(models: Sequence[FoldModel], video: Video, record: FlowRecord) -> Iterator[VideoCurve]:
    windows = np.array(record.windows, dtype=np.float32)
    for model in models:
        phases = model.protocol.scored_phases(model.flow.phases)
        scored = score_windows(model.network, windows[:: model.flow.phases // phases], model.windows_per_pass)
        yield stitched_curve(
            video.key,
            *scored,
            model.protocol.stitching,
            video.fps,
            model.flow.frame_step,
            sampled=model.flow.sampled(min(video.frames, record.frames)),
            phases=phases,
        )
