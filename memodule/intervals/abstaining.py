"""Another rule's intervals without those that do not stand out: a curve may end up without intervals."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

from typing_extensions import override

from memodule.datasets.catalog import Expression
from memodule.intervals.base import NOTHING_FOUND, Detections, FloatArray, LabelledCurve, SelectionRule, check_rule
from memodule.intervals.checks import check_choice, check_number
from memodule.intervals.evidence import best_level, heights, hits
from memodule.intervals.robust import robust_deviation

_LEAST_NOISE: Final = 1e-3


@dataclasses.dataclass
class Abstaining(SelectionRule):
    """Drops the intervals of another rule that lack evidence.

    The published threshold is relative to each curve, so every curve has detections, even one without an expression.
    Here an interval must reach an absolute level that is the same for all curves:

    - "confidence": the other rule's confidence, whatever it means there;
    - "noise_floor": the mean score inside, above the curve's median, in units of the curve's robust standard deviation
      (1.4826 times the median absolute deviation), which adapts to noisy subjects. It becomes the confidence.

    Attributes:
        rule: The rule whose intervals are judged.
        evidence: What must reach the level.
        least: The level. None lets `calibrate` choose the one of the largest F1; without `calibrate`, or if no
            expression is found on its curves, all intervals stay.
        learned: The level that `calibrate` chose.
    """

    rule: SelectionRule
    evidence: Literal["confidence", "noise_floor"] = "confidence"
    least: float | None = None

    learned: float | None = dataclasses.field(default=None, init=False)

    def __post_init__(self) -> None:
        check_rule("rule", self.rule)
        check_choice("evidence", self.evidence, ("confidence", "noise_floor"))
        if self.least is not None:
            check_number("least", self.least)

    @override
    def fit(self, expressions: Sequence[Expression], *, fps: float, frame_step: int = 1) -> Self:
        self.rule.fit(expressions, fps=fps, frame_step=frame_step)
        return super().fit(expressions, fps=fps, frame_step=frame_step)

    @override
    def _calibrate(self, curves: Sequence[LabelledCurve]) -> None:
        self.rule.calibrate(curves)
        found = [self._judged(c.curve, c.probabilities, c.spread) for c in curves]
        hit = [hits(d.frames, d.confidence, c.micro) for d, c in zip(found, curves, strict=True)]
        best = best_level([d.confidence for d in found], hit, sum(len(c.micro) for c in curves))
        self.learned = None if best is None else best.least

    @property
    @override
    def learns_from_curves(self) -> bool:
        return self.least is None or self.rule.learns_from_curves

    @property
    @override
    def uncalibrated(self) -> str | None:
        missing = self.least is None and self.learned is None
        return super().uncalibrated or (NOTHING_FOUND if missing else self.rule.uncalibrated)

    @override
    def state(self) -> dict[str, Any]:
        return super().state() | {"rule": self.rule.state(), "least": self.learned}

    @override
    def load_state(self, state: Mapping[str, Any]) -> Self:
        self.rule.load_state(state["rule"])
        self.learned = state["least"]
        return super().load_state(state)

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        return self._detect_spread(curve, probabilities, None)

    @override
    def _detect_spread(
        self, curve: FloatArray, probabilities: FloatArray | None, spread: FloatArray | None
    ) -> Detections:
        found = self._judged(curve, probabilities, spread)
        least = self.learned if self.least is None else self.least
        return found if least is None else found.where(found.confidence >= least)

    def _judged(self, curve: FloatArray, probabilities: FloatArray | None, spread: FloatArray | None) -> Detections:
        found = self.rule.detect(curve, probabilities, spread=spread)
        if self.evidence == "confidence" or not len(found):
            return found
        noise = max(_LEAST_NOISE, robust_deviation(curve))
        return dataclasses.replace(found, confidence=heights(curve, found.frames) / noise)
