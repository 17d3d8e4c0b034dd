"""Which movements are tried: groups of action units, sizes, durations, and the moments at which they happen."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from memodule.synthetic.action_units import HALVES
from memodule.synthetic.movements import Movement

GROUPS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "brows": (("AU1",), ("AU2",), ("AU1", "AU2"), ("AU4",)),
    "eyes and cheeks": (("AU5",), ("AU6",), ("AU7",)),
    "nose": (("AU9",), ("AU10",)),
    "lip corners": (("AU12",), ("AU14",), ("AU15",), ("AU20",)),
    "mouth and chin": (("AU17",), ("AU24",), ("AU25",)),
}
"""Region group -> sets of action units that move in it."""

GAP: Final = 1.0
"""Least seconds between two movements of one pass."""

_MARGIN: Final = 0.2  # seconds between a movement and the end of the stretch that was analysed
_PER_MOVEMENT: Final = 2.5  # seconds of a recording for each movement of a pass
_ONE_SIDED: Final = 0.25


@dataclasses.dataclass(frozen=True)
class Trial:
    """What is tried, and how often.

    Attributes:
        movements: How many, over all recordings; at least `fewest` in each.
        pixels: Smallest and largest size: the way of the most moved point, in pixels of the image.
        seconds: Shortest and longest duration, from onset to offset.
        passes: Largest number of times that a recording is spotted with movements in it.
    """

    movements: int = 120
    pixels: tuple[float, float] = (0.5, 4.0)
    seconds: tuple[float, float] = (0.2, 1.2)
    passes: int = 30
    fewest: int = 20

    def each(self, recordings: int) -> int:
        """Movements in each of several recordings."""
        return max(min(self.fewest, self.movements), math.ceil(self.movements / recordings))


@dataclasses.dataclass(frozen=True)
class Tried:
    """A movement and what it belongs to.

    Attributes:
        movement: In samples of the recording; `pixels` are those of the image.
        seconds: Its duration.
    """

    group: str
    movement: Movement
    seconds: float

    @property
    def units(self) -> str:
        """Its action units and the stronger side, such as AU12 left."""
        used = {half: weight for half, weight in zip(HALVES, self.movement.weights, strict=True) if weight}
        side = max(used, key=lambda half: used[half])[1]
        return f"{'+'.join(dict.fromkeys(unit for unit, _ in used))} {side}"

    @property
    def interval(self) -> tuple[int, int, int]:
        """Onset, apex and offset in samples, inclusive."""
        return self.movement.onset, self.movement.apex, self.movement.offset


def plan_passes(
    rng: np.random.Generator, trial: Trial, count: int, free: npt.NDArray[np.bool_], rate: float
) -> list[list[Tried]]:
    """Draw movements and spread them over passes through one recording.

    Sizes and durations are spread evenly on a logarithmic scale and independent of each other, and groups take turns.
    Moments are random, at least `GAP` seconds apart within a pass.

    Args:
        count: Movements wanted; there may be fewer if `trial.passes` passes have no room for them.
        free: (n,) samples where a movement may be.
        rate: Samples per second.

    Returns:
        The movements of each pass in order of time; empty where no stretch is long enough.
    """
    drawn = _draw(rng, trial, count, rate)
    per_pass = max(1, int(free.sum() / rate / _PER_MOVEMENT))
    passes = []
    for first in range(0, min(count, per_pass * trial.passes), per_pass):
        placed = _place(rng, drawn[first : first + per_pass], free, rate)
        if placed:
            passes.append(placed)
    return passes


def _draw(rng: np.random.Generator, trial: Trial, count: int, rate: float) -> list[Tried]:
    """Movements that all begin at sample 0."""
    sizes, durations = (_spread(rng, *ends, count) for ends in (trial.pixels, trial.seconds))
    names = [list(GROUPS)[i] for turn in range(math.ceil(count / len(GROUPS))) for i in rng.permutation(len(GROUPS))]
    drawn = []
    for group, pixels, seconds in zip(names[:count], sizes, durations, strict=True):
        samples = max(3, round(seconds * rate))
        apex = min(max(1, round(samples * rng.uniform(0.25, 0.5))), samples - 2)
        units = GROUPS[group][rng.integers(len(GROUPS[group]))]
        tail = float(rng.uniform(1, 2))
        weights = _weights(rng, units)
        movement = Movement("micro", "", 0, apex, samples - 1, 0, tail, float(pixels), weights)
        drawn.append(Tried(group, movement, samples / rate))
    return drawn


def _spread(rng: np.random.Generator, low: float, high: float, count: int) -> npt.NDArray[np.float64]:
    """Values in random order that cover a range evenly on a logarithmic scale."""
    ranks = (rng.permutation(count) + rng.random(count)) / count
    return np.asarray(low * (high / low) ** ranks)


def _weights(rng: np.random.Generator, units: Sequence[str]) -> tuple[float, ...]:
    """Strengths of `HALVES`: one side fully, the other less, or not at all."""
    strong = str(rng.choice(("left", "right")))
    weak = 0.0 if rng.random() < _ONE_SIDED else float(rng.uniform(0.4, 1))
    return tuple((1.0 if side == strong else weak) if unit in units else 0.0 for unit, side in HALVES)


def _place(rng: np.random.Generator, drawn: Sequence[Tried], free: npt.NDArray[np.bool_], rate: float) -> list[Tried]:
    """Move movements to random moments that are free and apart from each other; those without room are left out."""
    margin, gap = math.ceil(_MARGIN * rate), math.ceil(GAP * rate)
    blocked = np.concatenate([[0], np.cumsum(~free)])
    placed: list[Tried] = []
    for tried in sorted(drawn, key=lambda one: -one.movement.offset):  # long ones have the least choice
        length = tried.movement.offset + 1
        starts = np.arange(margin, len(free) - length - margin + 1)
        starts = starts[blocked[starts + length + margin] == blocked[starts - margin]]
        for other in placed:
            onset, _, offset = other.interval
            starts = starts[(starts > offset + gap) | (starts + length + gap <= onset)]
        if len(starts):
            placed.append(_moved(tried, int(rng.choice(starts))))
    return sorted(placed, key=lambda one: one.interval)


def _moved(tried: Tried, start: int) -> Tried:
    old = tried.movement
    moved = dataclasses.replace(old, onset=start, apex=old.apex + start, offset=old.offset + start)
    return dataclasses.replace(tried, movement=moved)
