"""Simulates when folds end that wait for free places, as Ray runs them, from measured times; it runs nothing."""

import dataclasses
import heapq
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The result of a simulation.

    Attributes:
        work: Seconds that all folds take together.
        ends: For each place the second at which its last fold ends; 0 if it never had one.
    """

    work: float
    ends: tuple[float, ...]

    @property
    def makespan(self) -> float:
        """Seconds until the last fold ends."""
        return max(self.ends)

    @property
    def utilisation(self) -> float:
        """Share of the time that places are busy, 0 to 1."""
        return self.work / (len(self.ends) * self.makespan) if self.makespan else 1.0

    @property
    def tail(self) -> float:
        """Seconds from when the first place runs out of folds to the end."""
        return self.makespan - min(self.ends)


def simulate(seconds: Sequence[float], places: int) -> Schedule:
    """Assign each fold, in the order of the list, to the place that is free first.

    Raises:
        ValueError: If there is no place, or a fold takes negative time.
    """
    if places < 1 or min(seconds, default=0) < 0:
        raise ValueError("use at least one place, and times that are not negative")
    free = [0.0] * places
    for duration in seconds:
        heapq.heapreplace(free, free[0] + duration)
    return Schedule(sum(seconds), tuple(sorted(free)))


def places(gpus: int, share: float) -> int:
    """How many folds run at a time on so many GPUs, each on its `share` of one (not of two), as `--gpus-per-fold`."""
    if share <= 0 or (share > 1 and share % 1):
        raise ValueError("use a share from 0 to 1, or a whole number")
    return int(gpus // share) if share > 1 else gpus * int(1 / share + 1e-9)
