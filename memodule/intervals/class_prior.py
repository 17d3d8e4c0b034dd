"""What class probabilities say about an interval: whether it is an expression, and which."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np

from memodule.datasets.catalog import Expression
from memodule.emotions import EMOTIONS, NEUTRAL
from memodule.intervals.base import Detections, FloatArray, IntArray, LabelledCurve, SelectionRule, check_rule
from memodule.intervals.timing import LogNormal

_SHRINK: Final = 10.0
"""An emotion's duration is trusted as if this many expressions of usual duration had been seen as well."""

_LEAST: Final = 1e-6


def class_mass(frames: IntArray, probabilities: FloatArray) -> FloatArray:
    """Mean class probabilities over each interval's inner frames, the voters of `vote_emotions`.

    Args:
        frames: (n, 3) onset, apex, offset in samples.
        probabilities: (T, 5) per sample.

    Returns:
        (n, 5); intervals without inner frames inside the curve are neutral.
    """
    sums = np.concatenate([np.zeros((1, NEUTRAL + 1)), np.cumsum(probabilities, axis=0)])
    starts = np.clip(frames[:, 0] + 1, 0, len(probabilities))
    stops = np.maximum(starts, np.clip(frames[:, 2] - 1, 0, len(probabilities)))
    mass = (sums[stops] - sums[starts]) / np.maximum(1, stops - starts)[:, None]
    mass[stops == starts] = np.eye(NEUTRAL + 1)[NEUTRAL]
    return np.asarray(mass)


def is_expression(frames: IntArray, probabilities: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,) whether the four emotions together outweigh neutral inside each interval.

    Args:
        frames: (n, 3) onset, apex, offset in samples.
        probabilities: (T, 5) per sample.

    Returns:
        (n,) bool.
    """
    return np.asarray(class_mass(frames, probabilities)[:, NEUTRAL] < 0.5)


@dataclasses.dataclass
class ClassPrior(SelectionRule):
    """Labels another rule's intervals: probability mass, weighted by how frequent and how long each emotion usually is.

    An interval is neutral where neutral outweighs all emotions together (the protocol decides whether a neutral one is
    a detection); else the emotion with the largest product of probability mass, frequency and density of its duration
    wins. `vote_emotions` is the published way, without prior; it also labels curves that come without probabilities.
    Class weights in training already even out frequencies; weighting by them gains accuracy and may cost macro scores.

    No published counterpart. Put it outermost: rules around it may regroup intervals and lose their labels.

    Attributes:
        rule: The rule that finds the intervals.
        frequencies: Weight by the emotions' frequencies among training expressions.
        durations: Weight by the density of the interval's length (log-normal about each emotion's usual length, drawn
            towards the overall one where examples are few).
        neutral: Whether an interval can be neutral; off, every interval gets an emotion.
        log_frequency: Log-frequency of each emotion, as `fit` learned it.
        log_median: Log of each emotion's usual length in samples.
        spread: Standard deviation of log-lengths.
    """

    rule: SelectionRule
    frequencies: bool = True
    durations: bool = True
    neutral: bool = True

    log_frequency: list[float] = dataclasses.field(default_factory=list, init=False)
    log_median: list[float] = dataclasses.field(default_factory=list, init=False)
    spread: float = dataclasses.field(default=1.0, init=False)

    def __post_init__(self) -> None:
        check_rule("rule", self.rule)

    def fit(self, expressions: Sequence[Expression], *, fps: float, frame_step: int = 1) -> Self:
        """Fit the other rule, then learn frequencies and durations from the micro-expressions.

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
        super().fit(expressions, fps=fps, frame_step=frame_step)
        micro = [e for e in expressions if e.kind == "micro"]
        lengths = np.array([e.offset // frame_step - e.onset // frame_step + 1 for e in micro])
        emotions = np.array([EMOTIONS.index(e.emotion) for e in micro])
        usual = self._fitted().duration
        counts = np.bincount(emotions, minlength=len(EMOTIONS))
        self.log_frequency = np.log((counts + 1) / (counts.sum() + len(EMOTIONS))).tolist()
        shifts = [
            np.log(LogNormal.of(lengths[emotions == c]).median / usual.median) if n else 0.0
            for c, n in enumerate(counts.tolist())
        ]
        self.log_median = (np.log(usual.median) + np.array(shifts) * counts / (counts + _SHRINK)).tolist()
        self.spread = usual.spread
        return self

    def calibrate(self, curves: Sequence[LabelledCurve]) -> Self:
        """Calibrate the other rule.

        Args:
            curves: Curves of training or inner validation subjects, with their truth.

        Returns:
            The rule itself.
        """
        self.rule.calibrate(curves)
        return self

    def vote(self, frames: IntArray, probabilities: FloatArray) -> IntArray:
        """The emotion of each interval.

        Args:
            frames: (n, 3) onset, apex, offset in sampled frames, inclusive.
            probabilities: (T, 5) class probabilities per sampled frame.

        Returns:
            (n,) int64 class indices 0..4; 4 is neutral.

        Raises:
            RuntimeError: Before `fit`.
        """
        self._fitted()
        rows = np.asarray(frames, dtype=np.int64).reshape(-1, 3)
        mass = class_mass(rows, probabilities)
        worth = np.log(np.maximum(_LEAST, mass[:, :NEUTRAL]))
        if self.frequencies:
            worth += np.array(self.log_frequency)
        if self.durations:
            logs = np.log(np.maximum(1, rows[:, 2] - rows[:, 0] + 1))
            worth -= 0.5 * ((logs[:, None] - np.array(self.log_median)) / self.spread) ** 2
        emotions = worth.argmax(axis=1)
        return np.where(mass[:, NEUTRAL] > 0.5, NEUTRAL, emotions) if self.neutral else emotions

    def state(self) -> dict[str, Any]:
        """The fitted numbers as plain values, the other rule's included.

        Returns:
            Numbers, lists and mappings, ready for JSON; `load_state` takes them.
        """
        own = {"log_frequency": self.log_frequency, "log_median": self.log_median, "spread": self.spread}
        return super().state() | {"rule": self.rule.state()} | own

    def load_state(self, state: Mapping[str, Any]) -> Self:
        """Take over the fitted numbers that `state` gave.

        Args:
            state: What `state` gave.

        Returns:
            The rule itself.
        """
        self.rule.load_state(state["rule"])
        self.log_frequency, self.log_median = list(state["log_frequency"]), list(state["log_median"])
        self.spread = float(state["spread"])
        return super().load_state(state)

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        found = self.rule.detect(curve, probabilities)
        if probabilities is None:
            return found
        return dataclasses.replace(found, emotions=self.vote(found.frames, probabilities))
