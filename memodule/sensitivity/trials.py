"""Movements added to recordings, pass by pass, and what the spotter made of each."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.sensitivity.counting import Counted, count, inside
from memodule.sensitivity.movements import Trial, Tried, plan_passes
from memodule.sensitivity.recordings import Recording

OUTSIDE = -1
"""The movement of samples that are in none."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One movement, and whether it was found.

    Attributes:
        recording: Number of the recording.
        run: Number of the pass through it.
        face: Width of the face box in pixels of the image.
        rate: Samples per second of the recording.
    """

    recording: int
    run: int
    tried: Tried
    counted: Counted
    face: float
    rate: float

    @property
    def pixels(self) -> float:
        """Size in pixels of the image."""
        return self.tried.movement.pixels


@dataclasses.dataclass(frozen=True, eq=False)
class Trials:
    """All movements of all recordings.

    Attributes:
        scores: (n,) scores of the analysed samples of all passes.
        owners: (n,) the number in `outcomes` of the movement that each of these samples is in, or `OUTSIDE`.
    """

    recordings: Sequence[Recording]
    protocol: Protocol
    outcomes: Sequence[Outcome]
    scores: npt.NDArray[np.float32]
    owners: npt.NDArray[np.int64]


def plan(recordings: Sequence[Recording], trial: Trial, seed: int) -> list[list[list[Tried]]]:
    """The passes of each recording; a recording without room for a movement has none.

    Raises:
        UserError: If none has room.
    """
    each = trial.each(len(recordings))
    passes = [
        plan_passes(np.random.default_rng([seed, number]), trial, each, recording.free, recording.rate)
        for number, recording in enumerate(recordings)
    ]
    if not any(passes):
        names = ", ".join(recording.name for recording in recordings)
        raise UserError(
            f"{names}: no stretch with a visible face is long enough for a movement of {trial.seconds[1]:g} s; use a "
            "longer recording, or shorter movements with --seconds"
        )
    return passes


def run(
    recordings: Sequence[Recording],
    passes: Sequence[Sequence[Sequence[Tried]]],
    protocol: Protocol,
    progress: Callable[[], object] = lambda: None,
) -> Trials:
    """Spot every recording in every planned pass; `progress` is called after each."""
    outcomes: list[Outcome] = []
    scores, owners = [], []
    for number, (recording, planned) in enumerate(zip(recordings, passes, strict=True)):
        for index, tried in enumerate(planned):
            spotted = recording.spot([one.movement for one in tried])
            intervals = [one.interval for one in tried]
            where = inside(intervals, len(spotted.score))
            analysed = spotted.analysed & recording.counted
            scores.append(spotted.score[analysed])
            owners.append(np.where(where < 0, OUTSIDE, where + len(outcomes))[analysed])
            counted = count(intervals, recording.untouched, spotted, protocol)
            outcomes += [
                Outcome(number, index, one, each, recording.face, recording.rate)
                for one, each in zip(tried, counted, strict=True)
            ]
            progress()
    return Trials(recordings, protocol, outcomes, np.concatenate(scores), np.concatenate(owners))
