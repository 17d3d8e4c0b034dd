"""Spotting a recording with weights that were adapted to the rest of it.

A network that was trained on a recording takes its micro-expressions for background and no longer finds them. So the
recording is cut into blocks, and each block is scored by weights that never saw one of its frames.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from memodule.adaptation.blocks import apart, cut
from memodule.adaptation.checkpoint import training_loss
from memodule.adaptation.material import Material
from memodule.adaptation.training import Schedule
from memodule.data.seen_recordings import adapted_on
from memodule.decoding.scoring import score_windows
from memodule.errors import UserError
from memodule.spotting.result import AdaptedBlock
from memodule.spotting.spotter import Measured, Spotter

_BLOCK_S: Final = 20.0
_MOST: Final = 4
"""Length of a block, roughly, and how many there are at most: each costs one adaptation."""

Progress = Callable[[int, int], object]
"""Called with the number of steps done in all blocks, and the largest number there will be."""


def cross_fitted(
    spotter: Spotter, measured: Measured, schedule: Schedule, progress: Progress = lambda done, total: None
) -> Measured:
    """Score a recording again, each block by weights adapted to the others.

    Args:
        measured: By this spotter, with its features (`keep_flow`).

    Raises:
        UserError: If it has too little background, or the spotter's weights were adapted on it already.
    """
    path, reading = measured.source.path, measured.reading
    if any(one.is_video(path, reading.frames) for one in adapted_on(spotter.model.seen)):
        raise UserError(
            f"{path}: the checkpoint was adapted on this recording as a whole, so no part of it is new to it; use the "
            "checkpoint as it was before"
        )
    loss, flow = training_loss(Path(spotter.checkpoint)), measured.flow
    material = Material(flow, reading.parameters.starts(len(flow)), measured.sampling.rate)
    seconds = reading.count / measured.sampling.rate
    blocks = cut(material.starts, int(np.clip(round(seconds / _BLOCK_S), 2, _MOST)))
    spot = np.empty((len(flow), material.length), np.float32)
    logits, adapted = None, []
    for number, block in enumerate(blocks):
        others = apart(material.starts, material.length, block)
        base = number * schedule.steps
        try:
            trained = material.adapt(
                spotter.model.network,
                loss,
                schedule,
                others,
                lambda done, total, base=base: progress(base + done, len(blocks) * total),  # type: ignore[misc]
            )
        except UserError as error:
            raise UserError(f"{path}: beside block {number + 1} of {len(blocks)}, {error}") from None
        scores = score_windows(trained.network, flow[block], spotter.model.windows_per_pass)
        spot[block] = scores[0]
        logits = np.empty((len(flow), *scores[1].shape[1:]), np.float32) if logits is None else logits
        logits[block] = scores[1]
        places = material.starts[block]
        first, last = reading.timeline().seconds[[places.min(), min(places.max() + material.length, reading.count) - 1]]
        adapted.append(AdaptedBlock(float(first), float(last), trained.before, trained.after, trained.best))
    assert logits is not None
    progress(len(blocks) * schedule.steps, len(blocks) * schedule.steps)
    return dataclasses.replace(spotter.with_scores(measured, [spot], [logits]), adapted=tuple(adapted))
