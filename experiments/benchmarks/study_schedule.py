"""When folds end that wait for free places, as Ray runs them: a simulation from measured times, which runs nothing."""

import dataclasses
import heapq
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Schedule:
    """What came of a simulation.

    Attributes:
        work: Seconds that all folds take together.
        ends: For each place the second at which its last fold ends; 0 where it never had one.
    """

    work: float
    ends: tuple[float, ...]

    @property
    def makespan(self) -> float:
        """Seconds until the last fold ends."""
        return max(self.ends)

    @property
    def utilisation(self) -> float:
        """Share of all places' time that is worked, 0 to 1."""
        return self.work / (len(self.ends) * self.makespan) if self.makespan else 1.0

    @property
    def tail(self) -> float:
        """Seconds from the first place's last fold to the end, while other places still work."""
        return self.makespan - min(self.ends)


def simulate(seconds: Sequence[float], places: int) -> Schedule:
    """Give each fold, in the order of the list, to the place that is free first.

    Args:
        seconds: How long each fold takes.
        places: How many folds run at a time.

    Raises:
        ValueError: If there is no place, or a fold takes negative time.
    """
    if places < 1 or min(seconds, default=0) < 0:
        raise ValueError("give at least one place, and times that are not negative")
    free = [0.0] * places
    for duration in seconds:
        heapq.heapreplace(free, free[0] + duration)
    return Schedule(sum(seconds), tuple(sorted(free)))


def places(gpus: int, share: float) -> int:
    """How many folds run at a time on GPUs of which each takes a share: a fold does not spread over two halves.

    Args:
        gpus: Number of GPUs.
        share: What `--gpus-per-fold` accepts: from 0 to 1, or a whole number.
    """
    if share <= 0 or (share > 1 and share % 1):
        raise ValueError("give a share from 0 to 1, or a whole number")
    return int(gpus // share) if share > 1 else gpus * int(1 / share + 1e-9)
