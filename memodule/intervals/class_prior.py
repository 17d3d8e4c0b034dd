"""What class probabilities say about an interval: whether it is an expression, and of which emotion."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from typing_extensions import override

from memodule.datasets.catalog import Expression
from memodule.emotions import EMOTIONS, NEUTRAL
from memodule.intervals.base import Detections, FloatArray, IntArray, LabelledCurve, SelectionRule, check_rule
from memodule.intervals.timing import LogNormal

_SHRINK: Final = 10.0
"""An emotion's duration is weighed as if this many expressions of the usual duration had been seen as well."""

_LEAST: Final = 1e-6


def class_mass(frames: IntArray, probabilities: FloatArray) -> FloatArray:
    """(n, 5) mean class probabilities over the inner frames of intervals (n, 3), the voters of `vote_emotions`.

    Where there is no inner frame, all frames of the interval count; one outside the curve is neutral.
    """
    sums = np.concatenate([np.zeros((1, NEUTRAL + 1)), np.cumsum(probabilities, axis=0)])
    onsets, offsets = frames[:, 0], frames[:, 2]
    short = np.clip(offsets - 1, 0, len(probabilities)) <= np.clip(onsets + 1, 0, len(probabilities))
    starts = np.clip(np.where(short, onsets, onsets + 1), 0, len(probabilities))
    stops = np.maximum(starts, np.clip(np.where(short, offsets + 1, offsets - 1), 0, len(probabilities)))
    mass = (sums[stops] - sums[starts]) / np.maximum(1, stops - starts)[:, None]
    mass[stops == starts] = np.eye(NEUTRAL + 1)[NEUTRAL]
    return np.asarray(mass)


def is_expression(frames: IntArray, probabilities: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,) whether the four emotions together outweigh neutral inside each interval (n, 3)."""
    return np.asarray(class_mass(frames, probabilities)[:, NEUTRAL] < 0.5)


@dataclasses.dataclass
class ClassPrior(SelectionRule):
    """Labels another rule's intervals by probability mass, weighted by each emotion's frequency and usual length.

    An interval is neutral if neutral outweighs all emotions together (the protocol decides whether it is then
    discarded). Otherwise the emotion with the largest product of probability mass, frequency and density of its
    duration wins. Curves without probabilities are labelled by `vote_emotions`, the published way, which uses no prior.
    Class weights in training already balance frequencies; weighting by them gains accuracy and may cost macro scores.

    No published counterpart. Make it the outermost rule: rules around it may regroup intervals and lose their labels.

    Attributes:
        rule: The rule that finds the intervals.
        frequencies: Weight by the emotions' frequencies among training expressions.
        durations: Weight by the density of the interval's length (log-normal around each emotion's usual length, which
            is drawn towards the overall one if examples are few).
        neutral: Whether an interval can be neutral; if not, every interval gets an emotion.
        log_frequency: Learned log-frequency of each emotion.
        log_median: Learned log of each emotion's usual length in samples.
        spread: Learned standard deviation of log-lengths.
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

    @override
    def fit(self, expressions: Sequence[Expression], *, fps: float, frame_step: int = 1) -> Self:
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

    @override
    def _calibrate(self, curves: Sequence[LabelledCurve]) -> None:
        self.rule.calibrate(curves)

    @property
    @override
    def learns_from_curves(self) -> bool:
        return self.rule.learns_from_curves

    @property
    @override
    def uncalibrated(self) -> str | None:
        return self.rule.uncalibrated

    def vote(self, frames: IntArray, probabilities: FloatArray) -> IntArray:
        """(n,) int64 class index 0..4, 4 is neutral, of intervals (n, 3), given class probabilities (T, 5)."""
        if not self.log_frequency:
            raise RuntimeError("ClassPrior has not learned the emotions' frequencies and durations: call .fit(...)")
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

    @override
    def state(self) -> dict[str, Any]:
        own = {"log_frequency": self.log_frequency, "log_median": self.log_median, "spread": self.spread}
        return super().state() | {"rule": self.rule.state()} | own

    @override
    def load_state(self, state: Mapping[str, Any]) -> Self:
        self.rule.load_state(state["rule"])
        self.log_frequency, self.log_median = list(state["log_frequency"]), list(state["log_median"])
        self.spread = float(state["spread"])
        return super().load_state(state)

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        return self._detect_spread(curve, probabilities, None)

    @override
    def _detect_spread(
        self, curve: FloatArray, probabilities: FloatArray | None, spread: FloatArray | None
    ) -> Detections:
        found = self.rule.detect(curve, probabilities, spread=spread)
        if probabilities is None:
            return found
        return dataclasses.replace(found, emotions=self.vote(found.frames, probabilities))
