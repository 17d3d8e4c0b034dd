"""Another rule's intervals, save those that do not stand out: a curve may stay empty."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

import numpy as np

from memodule.datasets.catalog import Expression
from memodule.intervals.base import Detections, FloatArray, LabelledCurve, SelectionRule, check_rule
from memodule.intervals.checks import check_choice, check_number
from memodule.intervals.evidence import best_threshold, heights, hits

_LEAST_NOISE: Final = 1e-3


@dataclasses.dataclass
class Abstaining(SelectionRule):
    """Drops the intervals of another rule that lack evidence.

    The published threshold is relative to each curve, so every curve has detections, those without any expression too.
    Here an interval must reach an absolute level that is the same for all curves:

    - "confidence": of the other rule, whatever that means there;
    - "noise_floor": its mean score above the curve's median in units of the curve's robust standard deviation (1.4826
      times the median absolute deviation), which adapts to noisy subjects. This then is the confidence.

    Attributes:
        rule: The rule whose intervals are judged.
        evidence: What has to be reached.
        least: The level. None chooses it in `calibrate`, for the largest F1 on the curves given there; without
            `calibrate`, or where none of their expressions is found at all, everything stays.
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

    def fit(self, expressions: Sequence[Expression], *, fps: float, frame_step: int = 1) -> Self:
        """Fit the other rule.

        Args:
            expressions: Of training subjects only; macro-expressions may be among them.
            fps: Frame rate of the source videos.
            frame_step: Source frames per sample of the curve.

        Returns:
            The rule itself.

        Raises:
            UserError: If there is no micro-expression to learn from.
        """
        self.rule.fit(expressions, fps=fps, frame_step=frame_step)
        return super().fit(expressions, fps=fps, frame_step=frame_step)

    def calibrate(self, curves: Sequence[LabelledCurve]) -> Self:
        """Calibrate the other rule, then choose the level.

        Args:
            curves: Curves of training or inner validation subjects, with their truth.

        Returns:
            The rule itself.
        """
        self.rule.calibrate(curves)
        found = [self._judged(c.curve, c.probabilities) for c in curves]
        hit = [hits(d.frames, d.confidence, c.micro) for d, c in zip(found, curves, strict=True)]
        self.learned = best_threshold([d.confidence for d in found], hit, sum(len(c.micro) for c in curves))
        return self

    def state(self) -> dict[str, Any]:
        """The fitted numbers as plain values, the other rule's included.

        Returns:
            Numbers, lists and mappings, ready for JSON; `load_state` takes them.
        """
        return super().state() | {"rule": self.rule.state(), "least": self.learned}

    def load_state(self, state: Mapping[str, Any]) -> Self:
        """Take over the fitted numbers that `state` gave.

        Args:
            state: What `state` gave.

        Returns:
            The rule itself.
        """
        self.rule.load_state(state["rule"])
        self.learned = state["least"]
        return super().load_state(state)

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        found = self._judged(curve, probabilities)
        least = self.learned if self.least is None else self.least
        return found if least is None else found.where(found.confidence >= least)

    def _judged(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        found = self.rule.detect(curve, probabilities)
        if self.evidence == "confidence" or not len(found):
            return found
        deviation = 1.4826 * float(np.median(np.abs(curve - np.median(curve))))
        return dataclasses.replace(found, confidence=heights(curve, found.frames) / max(_LEAST_NOISE, deviation))
