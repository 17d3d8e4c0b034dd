"""The scale of a score in a row of a page: where a value is, and which numbers are written at its axis."""

import dataclasses
import math
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Scale:
    """From `low` to `high`, with a line after every `step`."""

    low: float = 0.0
    high: float = 1.0
    step: float = 0.2

    @classmethod
    def around(cls, values: Iterable[float]) -> "Scale":
        """The smallest scale of whole tenths that holds all values.

        >>> Scale.around([0.33, 0.52])
        Scale(low=0.3, high=0.6, step=0.1)
        """
        known = list(values)
        low, high = math.floor(10 * min(known) + 1e-9) / 10, math.ceil(10 * max(known) - 1e-9) / 10
        return cls(low, high, 0.1) if high > low else cls(max(0.0, low - 0.1), min(1.0, low + 0.1), 0.1)

    @property
    def steps(self) -> int:
        """How many steps there are between both ends."""
        return round((self.high - self.low) / self.step)

    def labels(self, most: int) -> list[float]:
        """The values to write at the axis, `most` at most: every step, or every second, third and so on."""
        every = -(-(self.steps + 1) // most)
        return [round(self.low + i * self.step, 6) for i in range(0, self.steps + 1, every)]

    def at(self, value: float) -> str:
        """Distance from the left end as a CSS length."""
        return f"{100 * (value - self.low) / (self.high - self.low):.2f}%"
