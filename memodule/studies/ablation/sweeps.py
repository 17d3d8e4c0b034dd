"""The sweeps of an ablation: rows of one variant that differ in parameters, arranged for figures."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from memodule.studies.ablation.table import AblationRow
from memodule.studies.ablation.variants import short
from memodule.studies.values import value_key


@dataclasses.dataclass(frozen=True)
class Level:
    """The scores of all rows of a sweep that share one value of a parameter."""

    value: Any
    scores: tuple[float, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Sweep:
    """The rows of one variant of a grid.

    Attributes:
        parameters: What is swept, with its values in ascending order (numbers) or the grid's (others).
        rows: At least two.
    """

    group: str
    parameters: Mapping[str, Sequence[Any]]
    rows: Sequence[AblationRow]

    def levels(self, parameter: str, score: str) -> list[Level]:
        """A score (log key) against a parameter, one level per value; rows in which it does not exist are left out."""
        return [
            Level(value, tuple(row.scores[score] for row in self.rows if _is(row, parameter, value)))
            for value in self.parameters[parameter]
        ]

    @property
    def pair(self) -> tuple[str, str] | None:
        """The two parameters with the most values, across and upwards in the heat map; None if fewer are swept."""
        if len(self.parameters) < 2:
            return None
        order = sorted(self.parameters, key=lambda name: -len(self.parameters[name]))
        return order[0], order[1]

    def surface(self, score: str) -> list[list[float | None]]:
        """The score (log key) by `pair`, the best over all other parameters.

        Returns:
            A list per value of the second parameter, with a score per value of the first; None where there is no row.
        """
        assert self.pair is not None
        across, up = self.pair
        return [
            [
                max((r.scores[score] for r in self.rows if _is(r, across, x) and _is(r, up, y)), default=None)
                for x in self.parameters[across]
            ]
            for y in self.parameters[up]
        ]


def sweeps_of(rows: Sequence[AblationRow], order: Sequence[str]) -> list[Sweep]:
    """The variants with more than one row, in `order`, the names of the grid's variants."""
    found = []
    for group in dict.fromkeys(order):
        own = [row for row in rows if row.variant.group == group]
        if len(own) > 1:
            names = dict.fromkeys(name for row in own for name in row.variant.parameters)
            found.append(Sweep(group, {name: _values(own, name) for name in names}, own))
    return found


def is_numeric(values: Sequence[Any]) -> bool:
    """Whether values fit on an axis of numbers."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def labels(values: Sequence[Any]) -> list[str]:
    """Values as text."""
    return [short(value) for value in values]


def _values(rows: Sequence[AblationRow], name: str) -> list[Any]:
    found = {
        value_key(r.variant.parameters[name]): r.variant.parameters[name] for r in rows if name in r.variant.parameters
    }
    values = list(found.values())
    return sorted(values) if is_numeric(values) else sorted(values, key=short)


def _is(row: AblationRow, parameter: str, value: Any) -> bool:
    parameters = row.variant.parameters
    return parameter in parameters and value_key(parameters[parameter]) == value_key(value)
