"""Recordings without labels as training material: what faces do when they express nothing."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memodule.data.folds import Fold
from memodule.data.records import gather
from memodule.datasets.catalog import Catalog
from memodule.errors import UserError
from memodule.flow import FlowParameters, FlowRecord, FlowStore


class Background:
    """The windows of a flow store, all taken to be free of expressions.

    Args:
        root: Folder of the store; it may hold any videos.
        parameters: Those of the training windows.

    Windows in which no face was found (all zero) are left out.

    Raises:
        UserError: If it holds no window with these parameters, or only such ones.
    """

    def __init__(self, root: Path, parameters: FlowParameters) -> None:
        self._where = f"data.background {root}"
        self._records: list[FlowRecord] = list(FlowStore(root, parameters).records())
        self._counts = [min(record.shape[0], parameters.windows(record.frames)) for record in self._records]
        self._usable = np.flatnonzero([face for own in map(_with_face, self._records, self._counts) for face in own])
        if not len(self._usable):
            if sum(self._counts):
                raise UserError(f"{self._where}: no window shows a face; use other recordings")
            raise UserError(
                f"{self._where}: no features with {parameters}; run `memodule extract CATALOG --out {root} "
                f"{parameters.options}`"
            )

    @property
    def videos(self) -> list[list[Any]]:
        """[subject, video, frames] of every recording, by which it is recognised in a Catalog."""
        return [[record.subject, record.video, record.frames] for record in self._records]

    def require_others(self, catalog: Catalog, fold: Fold, store: FlowStore) -> None:
        """Refuse recordings of a fold's held-out and inner validation subjects, and those of other frame rates.

        Args:
            store: The features of the Catalog's videos.

        Raises:
            UserError: If one has the code and length, or the very features, of a video of theirs; or if its frame rate
                is not the Catalog's.
        """
        known, features = self.videos, {record.sha256 for record in self._records}
        rate = catalog.videos[0].fps
        for record in self._records:
            if abs(record.fps / rate - 1) > 0.01:
                raise UserError(
                    f"{self._where}: {record.subject}/{record.video} has {record.fps:g} frames per second and the "
                    f"Catalog {rate:g}; convert the recording, or leave it out"
                )
        for video in catalog.videos:
            if video.subject in fold.training:
                continue
            if [*video.key, video.frames] in known or store.get(*video.key).sha256 in features:
                raise UserError(
                    f"{self._where}: holds {'/'.join(video.key)} of subject {video.subject}, on whom fold "
                    f"{fold.held_out} is scored; use a store without the videos of the Catalog"
                )

    def windows(self, most: int | None, rng: random.Random) -> npt.NDArray[np.float32]:
        """(w, 36, k) windows, at most so many, drawn at random; all whole ones without a limit."""
        usable = self._usable.tolist()
        kept = usable if most is None or most >= len(usable) else sorted(rng.sample(usable, most))
        return gather(self._records, self._counts, np.asarray(kept, dtype=np.int64))


def _with_face(record: FlowRecord, count: int) -> npt.NDArray[np.bool_]:
    """(count,) whether a face was found in each of the first windows; the features of the others are zero."""
    return np.asarray(record.windows[:count].any(axis=(1, 2)))
