"""Intervals proposed by other rules, each with the probability that it is a micro-expression."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from typing_extensions import override

from memodule.datasets.catalog import Expression
from memodule.emotions import NEUTRAL
from memodule.errors import UserError
from memodule.intervals import evidence
from memodule.intervals.base import Detections, FloatArray, IntArray, LabelledCurve, SelectionRule, check_rule
from memodule.intervals.base_line import above_base_line
from memodule.intervals.checks import check_share
from memodule.intervals.class_prior import class_mass
from memodule.intervals.logistic import Logistic, cross_fit
from memodule.intervals.overlap import iou_with, strongest

_UNSURE: Final = 0.02
"""Less probable proposals are dropped at once; every useful threshold is higher."""

_FEW: Final = 5
"""With fewer true or fewer false proposals there is too little to learn from."""


@dataclasses.dataclass
class Calibrated(SelectionRule):
    """Weighs the paper's three priors against each other instead of applying them one after the other.

    The proposals of all given rules are pooled (let those rules propose too much rather than too little). A logistic
    regression, learned in `calibrate`, maps each proposal's evidence to the probability that it reaches IoU .5 with a
    micro-expression: its height, always, and

    - `temporal_evolution`: how the score rises into it and falls out of it;
    - `duration`: how far its length is from the usual one;
    - `class_distribution`: how much probability mass the emotions have inside, and how clearly one of them leads;
    - `within_video`, which is no prior: how it compares with the others of its video;
    - `agreement`, neither: its height per disagreement of the windows around it. Where every sample has one score, it
      weighs nothing.

    How much the weights are shrunk is chosen by cross-validation over the curves, and the threshold is half of
    the largest F1 that cross-fitted probabilities promise. Of proposals that share a frame the most probable stays. The
    confidence is the probability. Before `calibrate`, and after one on too few proposals, the rule is `uncalibrated`
    and returns the intervals of the first of its rules.

    No published counterpart.

    Attributes:
        rules: Rules that propose intervals: all their `candidates`, more than they detect.
        temporal_evolution: Use this prior.
        duration: Use this prior.
        class_distribution: Use this prior; no effect on curves without probabilities.
        within_video: Use this evidence.
        agreement: Use this evidence; off, because it gained nothing where it was measured (docs/rules.md).
        least: Smallest probability of a detection. None lets `calibrate` choose the one of the largest F1.
        learned: The regression; None before `calibrate`, or if its curves held too few proposals of either kind.
        threshold: The smallest probability that `calibrate` chose.
        true: How many proposals reached a micro-expression in calibration.
        false: How many did not.
    """

    rules: list[SelectionRule]
    temporal_evolution: bool = True
    duration: bool = True
    class_distribution: bool = True
    within_video: bool = True
    least: float | None = None
    agreement: bool = False

    learned: Logistic | None = dataclasses.field(default=None, init=False)
    threshold: float = dataclasses.field(default=0.0, init=False)
    true: int = dataclasses.field(default=0, init=False)
    false: int = dataclasses.field(default=0, init=False)

    def __post_init__(self) -> None:
        if not self.rules:
            raise UserError("intervals.rules: Calibrated needs at least one rule to propose intervals")
        for rule in self.rules:
            check_rule("rules", rule)
        if self.least is not None:
            check_share("least", self.least)

    @override
    def fit(self, expressions: Sequence[Expression], *, fps: float, frame_step: int = 1) -> Self:
        for rule in self.rules:
            rule.fit(expressions, fps=fps, frame_step=frame_step)
        return super().fit(expressions, fps=fps, frame_step=frame_step)

    @override
    def _calibrate(self, curves: Sequence[LabelledCurve]) -> None:
        for rule in self.rules:
            rule.calibrate(curves)
        proposals = [self._proposals(c.curve, c.probabilities) for c in curves]
        rows = [self._features(c.curve, p, c.probabilities, c.spread) for c, p in zip(curves, proposals, strict=True)]
        true = [_reaches(p, c.micro) for c, p in zip(curves, proposals, strict=True)]
        self.true, self.false = (int(sum((t == kind).sum() for t in true)) for kind in (True, False))
        self.learned = None
        if min(self.true, self.false) < _FEW:
            return
        self.learned, expected = cross_fit(rows, true)
        found = [_most_probable(p, chance) for p, chance in zip(proposals, expected, strict=True)]
        # Of calibrated probabilities, those above half of the best expected F1 give the best expected F1 (Lipton et al.
        # 2014). Counted hits would let the threshold depend on chance where few subjects calibrate.
        certain = [some.confidence for some in found]
        best = evidence.best_level(certain, certain, sum(len(c.micro) for c in curves))
        self.threshold = 0.0 if best is None else best.f1 / 2

    @property
    @override
    def uncalibrated(self) -> str | None:
        if self.calibration is None or self.learned is not None:
            return super().uncalibrated
        return f"{self.true} true and {self.false} false proposals are too few to learn from"

    @override
    def state(self) -> dict[str, Any]:
        learned = None if self.learned is None else dataclasses.asdict(self.learned)
        own = {"rules": [rule.state() for rule in self.rules], "learned": learned, "threshold": self.threshold}
        own |= {"true": self.true, "false": self.false}
        return super().state() | own

    @override
    def load_state(self, state: Mapping[str, Any]) -> Self:
        for rule, part in zip(self.rules, state["rules"], strict=True):
            rule.load_state(part)
        self.learned = None if state["learned"] is None else Logistic(**state["learned"])
        self.threshold = state["threshold"]
        if "true" in state:
            self.true, self.false = state["true"], state["false"]
        else:  # an older version, which did not compare within the video
            self.within_video = False
        return super().load_state(state)

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        return self._detect_spread(curve, probabilities, None)

    @override
    def _detect_spread(
        self, curve: FloatArray, probabilities: FloatArray | None, spread: FloatArray | None
    ) -> Detections:
        if self.learned is None:
            return self.rules[0].detect(curve, probabilities)
        proposals = self._proposals(curve, probabilities)
        rows = self._features(curve, proposals, probabilities, spread)
        found = _most_probable(proposals, self.learned.probability(rows))
        return found.where(found.confidence >= (self.threshold if self.least is None else self.least))

    def _proposals(self, curve: FloatArray, probabilities: FloatArray | None) -> IntArray:
        """(n, 3) the distinct candidates of all rules."""
        rows = np.concatenate([rule.candidates(curve, probabilities).frames for rule in self.rules])
        _, first = np.unique(rows[:, [0, 2]], axis=0, return_index=True)
        return rows[first]

    def _features(
        self, curve: FloatArray, frames: IntArray, probabilities: FloatArray | None, spread: FloatArray | None
    ) -> FloatArray:
        """(n, f) evidence; which columns there are depends on the options only."""
        columns = [evidence.heights(curve, frames)[:, None]]
        if self.temporal_evolution:
            columns.append(evidence.evolution(curve, frames))
        if self.duration:
            columns.append(evidence.duration(frames, self._fitted().duration))
        if self.temporal_evolution and self.duration:
            columns.append(columns[1][:, :1] * columns[2][:, :1])
        if self.within_video:
            columns.append(evidence.standing(curve, frames, above_base_line(curve, self._fitted())))
        if self.class_distribution:
            columns.append(_class_evidence(frames, probabilities))
        if self.agreement:
            columns.append(evidence.agreement(curve, frames, spread))
        return np.concatenate(columns, axis=1)


def _most_probable(frames: IntArray, probability: FloatArray) -> Detections:
    """The proposals that do not overlap a more probable one, with their probabilities."""
    sure = probability >= _UNSURE
    found = Detections.of(frames[sure], probability[sure])
    return found.where(strongest(found.frames, found.confidence))


def _class_evidence(frames: IntArray, probabilities: FloatArray | None) -> FloatArray:
    """(n, 2) log-odds of an expression against neutral, and the leading emotion's share of all emotions."""
    if probabilities is None:
        return np.zeros((len(frames), 2))
    mass = np.clip(class_mass(frames, probabilities), 1e-6, 1.0)
    emotions = mass[:, :NEUTRAL]
    return np.stack([np.log(emotions.sum(axis=1) / mass[:, NEUTRAL]), emotions.max(axis=1) / emotions.sum(axis=1)], 1)


def _reaches(frames: IntArray, truth: IntArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,) whether an interval has IoU >= .5 with any true one (m, 3)."""
    reached = np.zeros(len(frames), dtype=bool)
    for row in truth:
        reached |= iou_with(frames, row) >= 0.5
    return reached
