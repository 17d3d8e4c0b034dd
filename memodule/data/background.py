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

    Raises:
        UserError: If it holds no window with these parameters.
    """

    def __init__(self, root: Path, parameters: FlowParameters) -> None:
        self._where = f"data.background {root}"
        self._records: list[FlowRecord] = list(FlowStore(root, parameters).records())
        self._counts = [min(record.shape[0], parameters.windows(record.frames)) for record in self._records]
        if not sum(self._counts):
            raise UserError(
                f"{self._where}: no features with {parameters}; run `memodule extract CATALOG --out {root} "
                f"{parameters.options}`"
            )

    @property
    def videos(self) -> list[list[Any]]:
        """[subject, video, frames] of every recording, by which it is recognised in a Catalog."""
        return [[record.subject, record.video, record.frames] for record in self._records]

    def require_others(self, catalog: Catalog, fold: Fold) -> None:
        """Refuse recordings of a fold's held-out and inner validation subjects.

        Raises:
            UserError: If one has the code and length of a video of theirs.
        """
        known = self.videos
        for video in catalog.videos:
            if video.subject not in fold.training and [*video.key, video.frames] in known:
                raise UserError(
                    f"{self._where}: holds {'/'.join(video.key)} of subject {video.subject}, on whom fold "
                    f"{fold.held_out} is scored; use a store without the videos of the Catalog"
                )

    def windows(self, most: int | None, rng: random.Random) -> npt.NDArray[np.float32]:
        """(w, 36, k) windows, at most so many, drawn at random; all whole ones without a limit."""
        total = sum(self._counts)
        kept = range(total) if most is None or most >= total else sorted(rng.sample(range(total), most))
        return gather(self._records, self._counts, np.asarray(kept, dtype=np.int64))
