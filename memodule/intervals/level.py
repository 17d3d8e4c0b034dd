"""How tall an interval must be: in units of the score, of its curve's spread, or of the tallest on its curve."""

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from memodule.intervals.base import NOTHING_FOUND, Detections, FloatArray, LabelledCurve, SelectionRule
from memodule.intervals.evidence import best_level, hits

Unit = Literal["score", "spread", "tallest"]

_UNITS: Final[tuple[Unit, ...]] = ("score", "spread", "tallest")

FAINT: Final = 0.25
"""Candidates reach this share of the curve's standard deviation; every useful level is higher."""

_LEAST_SPREAD: Final = 1e-6


@dataclasses.dataclass(frozen=True)
class Level:
    """The smallest height of a detection.

    Attributes:
        unit: "score", the score itself; "spread", the standard deviation of the curve, so that gain does not matter;
            "tallest", the tallest candidate of the curve, so that every curve with a candidate has a detection.
        value: In this unit.
    """

    unit: Unit
    value: float

    def reached(self, height: FloatArray, curve: FloatArray) -> npt.NDArray[np.bool_]:
        """(n,) whether candidates of a curve (T,) are tall enough."""
        return in_unit(height, curve, self.unit) >= self.value


UNLEARNED: Final = Level("spread", 2.0)
"""In use before a level is learned; most curves have one near it."""


def in_unit(height: FloatArray, curve: FloatArray, unit: Unit) -> FloatArray:
    """(n,) heights of all candidates of a curve (T,) in a unit."""
    match unit:
        case "score":
            return height
        case "spread":
            return height / max(_LEAST_SPREAD, float(curve.std()))
        case "tallest":
            return height / max(_LEAST_SPREAD, float(height.max(initial=0.0)))


class TallRule(SelectionRule):
    """Base of rules that find candidates of some height, of which the tall ones are detected.

    Attributes:
        least: Smallest height of a detection in units of the score; None lets `calibrate` choose unit and level, those
            of the largest F1. Before it, a height of two standard deviations of the curve is enough.
        learned: What `calibrate` chose; None before it, or if its curves held no micro-expression that was found.
    """

    least: float | None
    learned: Level | None

    @property
    @override
    def learns_from_curves(self) -> bool:
        return self.least is None

    @property
    @override
    def uncalibrated(self) -> str | None:
        missing = self.least is None and self.learned is None
        return super().uncalibrated or (NOTHING_FOUND if missing else None)

    @abc.abstractmethod
    @override
    def candidates(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        """Intervals of any height, down to `FAINT`, which is their confidence."""

    @override
    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        found = self.candidates(curve, probabilities)
        level = Level("score", self.least) if self.least is not None else self.learned or UNLEARNED
        return found.where(level.reached(found.confidence, curve))

    @override
    def _calibrate(self, curves: Sequence[LabelledCurve]) -> None:
        self.learned = None
        found = [self.candidates(c.curve, c.probabilities) for c in curves]
        hit = [hits(d.frames, d.confidence, c.micro) for d, c in zip(found, curves, strict=True)]
        truths, best = sum(len(c.micro) for c in curves), 0.0
        for unit in _UNITS:
            heights = [in_unit(d.confidence, c.curve, unit) for d, c in zip(found, curves, strict=True)]
            level = best_level(heights, hit, truths)
            if level is not None and level.f1 > best:
                best, self.learned = level.f1, Level(unit, level.least)

    @override
    def state(self) -> dict[str, Any]:
        return super().state() | {"level": None if self.learned is None else dataclasses.asdict(self.learned)}

    @override
    def load_state(self, state: Mapping[str, Any]) -> Self:
        level = state.get("level")
        self.learned = None if level is None else Level(**level)
        return super().load_state(state)
