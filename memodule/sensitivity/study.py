"""The sensitivity of a study: movements added where its held-out subjects show no labelled expression."""

import math
from pathlib import Path
from typing import Final

import numpy as np

from memodule.datasets.catalog import Catalog, VideoKey
from memodule.errors import UserError
from memodule.flow.store import FlowStore
from memodule.sensitivity.recordings import Bools, Recording, stored_recordings
from memodule.studies.fold_result import FoldResult
from memodule.studies.study import Study
from memodule.training.checkpoints import load_fold_model

_APART: Final = 0.5  # seconds between a movement and a labelled expression


def study_recordings(study: Study) -> list[Recording]:
    """The videos of all held-out subjects of the first seed, each with the fold that never saw its subject.

    Raises:
        UserError: If the study is imported, or no fold with a network is finished.
    """
    if study.imported:
        raise UserError(f"{study.folder}: made of imported curves, so there is no network to test")
    folds = next((folds for folds in study.finished_folds().values() if folds), [])
    if not folds:
        raise UserError(f"{study.folder}: no fold is finished; run the same `memodule loso` command again")
    return [recording for fold in folds for recording in _fold_recordings(study, fold)]


def _fold_recordings(study: Study, fold: FoldResult) -> list[Recording]:
    checkpoint = fold.folder / "model.ckpt"
    if not checkpoint.is_file():
        raise UserError(f"{checkpoint}: the fold was run without saving its network; run the study again to test it")
    model = load_fold_model(checkpoint)
    store = FlowStore(Path(study.config["data"]["flow"]), model.flow)
    records = [store.get(*video.key) for video in study.catalog.videos if video.subject == fold.subject]
    allowed = {
        (record.subject, record.video): unlabelled(
            study.catalog,
            (record.subject, record.video),
            model.flow.sampled(record.frames),
            model.flow.frame_step,
            math.ceil(_APART * record.fps / model.flow.frame_step),
        )
        for record in records
    }
    return stored_recordings(model, records, allowed)


def unlabelled(catalog: Catalog, key: VideoKey, samples: int, step: int, margin: int) -> Bools:
    """(samples,) whether each is at least `margin` samples away from every labelled expression, micro or macro."""
    allowed = np.ones(samples, bool)
    for expression in catalog.expressions_of(key):
        allowed[max(0, expression.onset // step - margin) : expression.offset // step + margin + 1] = False
    return allowed
