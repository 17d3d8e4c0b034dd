"""The most probable sequence of micro-expressions, macro-expressions and stretches without expression."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

import numpy as np

from memodule.intervals.base import Detections, FloatArray, IntArray, LabelledCurve, SelectionRule
from memodule.intervals.checks import check_choice, check_number, check_positive
from memodule.intervals.timing import LogNormal

_WIDE: Final = 2.3
"""Lengths up to this many standard deviations from the median are tried (98 % of a log-normal)."""

_MACRO_COST: Final = 0.5
"""A macro-expression costs this share of the penalty of a micro-expression."""

_CORRELATED: Final = 2.0
"""Neighbouring samples err alike, so the noise of a sum is larger than of independent samples: factor of variance."""

_LEAST_NOISE: Final = 0.05
_LEAST_SD: Final = 0.02

_Segments = tuple[IntArray, IntArray, FloatArray]
"""Onset, stop (exclusive) and gain of each segment."""


@dataclasses.dataclass(frozen=True)
class Heights:
    """How high scores stand above the base line (the curve's median).

    Attributes:
        micro: Mean over micro-expressions of the mean score inside.
        micro_sd: How much that differs between micro-expressions.
        macro: The same of macro-expressions.
        macro_sd: How much that differs between macro-expressions.
        noise: Standard deviation per sample, correlation included; None measures it on each curve.
    """

    micro: float
    micro_sd: float
    macro: float
    macro_sd: float
    noise: float | None


@dataclasses.dataclass
class SemiMarkov(SelectionRule):
    """Decodes the whole curve at once: no threshold, no smoothing, no overlap to clean up.

    The curve is a sequence of segments: no expression, a micro-expression, or (if `macro`) a macro-expression. A
    segment of either expression has a height of its own, drawn from a normal density, and a log-normal duration; its
    gain is the log-likelihood ratio of its scores against no expression (the height integrated out), plus the
    log-density of its duration, minus the penalty. The sequence with the largest sum of gains is found by dynamic
    programming: the exact optimum over all sequences of segments of usual length. So the number of micro-expressions
    plus half of that of macro-expressions never rises with the penalty. Confidence is a micro-expression's gain without
    the penalty. The apex is the segment's largest score.

    Durations come from `fit`; heights and noise from `calibrate`, or as given. A curve may stay without interval.
    Takes two to six milliseconds for a curve of 1,000 to 2,000 samples, where the peak rules take less than one.

    No published counterpart.

    Attributes:
        penalty: Log-odds that every micro-expression has to earn, and every macro-expression half of it: larger means
            fewer and surer intervals.
        density: "log_normal" durations, or "flat" between their shortest and longest.
        macro: Explain macro-expressions away; needs labelled macro-expressions, and is idle without.
        micro_height: Mean height of micro-expressions above the curve's median; `calibrate` learns a better one.
        micro_height_sd: How much it differs between micro-expressions; likewise.
        macro_height: Mean height of macro-expressions; likewise.
        macro_height_sd: How much it differs between macro-expressions; likewise.
        noise: Standard deviation of a sample's noise; None measures it on each curve; likewise.
        learned: What `calibrate` learned; None before.
    """

    penalty: float = 3.0
    density: Literal["log_normal", "flat"] = "log_normal"
    macro: bool = True
    micro_height: float = 0.45
    micro_height_sd: float = 0.2
    macro_height: float = 0.2
    macro_height_sd: float = 0.15
    noise: float | None = None

    learned: Heights | None = dataclasses.field(default=None, init=False)

    def __post_init__(self) -> None:
        check_choice("density", self.density, ("log_normal", "flat"))
        for name in ("penalty", "micro_height", "macro_height"):
            check_number(name, getattr(self, name))
        check_positive("micro_height_sd", self.micro_height_sd)
        check_positive("macro_height_sd", self.macro_height_sd)
        if self.noise is not None:
            check_positive("noise", self.noise)

    @property
    def heights(self) -> Heights:
        """The score levels to go by: learned, or else as given."""
        given = Heights(self.micro_height, self.micro_height_sd, self.macro_height, self.macro_height_sd, self.noise)
        return self.learned or given

    def calibrate(self, curves: Sequence[LabelledCurve]) -> Self:
        """Learn heights and noise; what the curves hold too little of stays as it was given.

        Args:
            curves: Curves of training or inner validation subjects, with their truth.

        Returns:
            The rule itself.

        Raises:
            RuntimeError: Before `fit`.
        """
        self.learned = None  # else an earlier calibration would count as given
        known = self.heights
        micro, macro = _inner_means(curves, "micro"), _inner_means(curves, "macro")
        noise = _noise_of(curves, self._fitted().half_window)
        self.learned = Heights(
            *(
                (float(micro.mean()), max(_LEAST_SD, float(micro.std())))
                if len(micro) > 1
                else (known.micro, known.micro_sd)
            ),
            *(
                (float(macro.mean()), max(_LEAST_SD, float(macro.std())))
                if len(macro) > 1
                else (known.macro, known.macro_sd)
            ),
            noise=known.noise if noise is None else noise,
        )
        return self

    def state(self) -> dict[str, Any]:
        """The fitted numbers as plain values.

        Returns:
            Numbers, lists and mappings, ready for JSON; `load_state` takes them.
        """
        return super().state() | {"heights": None if self.learned is None else dataclasses.asdict(self.learned)}

    def load_state(self, state: Mapping[str, Any]) -> Self:
        """Take over the fitted numbers that `state` gave.

        Args:
            state: What `state` gave.

        Returns:
            The rule itself.
        """
        self.learned = None if state["heights"] is None else Heights(**state["heights"])
        return super().load_state(state)

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        timing, heights = self._fitted(), self.heights
        scores = curve - np.median(curve)
        noise = _noise(scores) if heights.noise is None else heights.noise
        micro = self._segments(scores, timing.duration, heights.micro, heights.micro_sd, noise, self.penalty)
        segments: _Segments = micro
        if self.macro and timing.macro is not None:
            cost = _MACRO_COST * self.penalty
            macro = self._segments(scores, timing.macro, heights.macro, heights.macro_sd, noise, cost)
            segments = _joined(micro, macro)
        chain = best_chain(*segments, length=len(curve))
        chosen = chain[chain < len(micro[0])]
        onsets, stops, gains = (part[chosen] for part in micro)
        apexes = [on + int(np.argmax(curve[on:stop])) for on, stop in zip(onsets, stops, strict=True)]
        return Detections.of(np.stack([onsets, apexes, stops - 1], axis=1), gains + self.penalty)

    def _segments(
        self, scores: FloatArray, duration: LogNormal, height: float, height_sd: float, noise: float, penalty: float
    ) -> _Segments:
        """Every segment of one kind that gains anything."""
        lengths = _lengths(duration, len(scores))
        prior = duration.log_density(lengths) if self.density == "log_normal" else np.zeros(len(lengths))
        sums = np.concatenate([[0.0], np.cumsum(scores)])
        onsets, stops, gains = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
        shorter, less = 0, np.full(len(scores) + 1, -np.inf)
        for length, log_prior in zip(lengths.tolist(), prior.tolist(), strict=True):
            gain = _likelihood_ratio(sums[length:] - sums[:-length], length, height, height_sd, noise**2)
            gain += log_prior - penalty
            # A segment that holds a shorter one of more gain is never part of the best sequence.
            sides = np.maximum(less[: len(gain)], less[length - shorter :][: len(gain)])
            found = ((gain > 0) & (gain > sides)).nonzero()[0]
            onsets.append(found)
            stops.append(found + length)
            gains.append(gain[found])
            shorter, less = length, gain
        return np.concatenate(onsets), np.concatenate(stops), np.concatenate(gains)


def best_chain(onsets: IntArray, stops: IntArray, gains: FloatArray, *, length: int) -> IntArray:
    """The disjoint segments with the largest sum of gains.

    Args:
        onsets: (n,) first samples.
        stops: (n,) samples behind the last ones, at most `length`.
        gains: (n,) what each segment is worth (> 0).
        length: Samples of the curve.

    Returns:
        Indices of the chosen segments, in the order of time.
    """
    if not stops.size:
        return stops
    order = np.argsort(stops, kind="stable")
    onsets, gains = onsets[order], gains[order]
    ends, first = np.unique(stops[order], return_index=True)
    best, back, done = np.zeros(length + 1), np.full(length + 1, -1), 0
    for end, a, b in zip(ends.tolist(), first.tolist(), [*first[1:].tolist(), len(order)], strict=True):
        best[done + 1 : end + 1] = best[done]
        worth = best[onsets[a:b]] + gains[a:b]
        top = int(worth.argmax())
        if worth[top] > best[done]:
            best[end] = worth[top]
            back[end] = a + top
        done = end
    chain, end = [], done
    while end > 0:
        if back[end] >= 0:
            chain.append(int(order[back[end]]))
            end = int(onsets[back[end]])
        else:
            end -= 1
    return np.array(chain[::-1], dtype=np.int64)


def _joined(first: _Segments, second: _Segments) -> _Segments:
    onsets, stops, gains = (np.concatenate(parts) for parts in zip(first, second, strict=True))
    return onsets, stops, gains


def _likelihood_ratio(sums: FloatArray, length: int, height: float, height_sd: float, variance: float) -> FloatArray:
    """Log-likelihood ratio of segments with normal height against height 0, given their (n,) summed scores."""
    spread, total = height_sd**2, variance + length * height_sd**2
    evidence = sums * sums * (spread / variance) + 2 * height * sums - length * height**2
    return np.asarray(evidence / (2 * total) - 0.5 * np.log(total / variance))


def _lengths(duration: LogNormal, longest: int) -> IntArray:
    """The lengths to try, in samples: every one, since where one is left out two others would fill its place."""
    least, most = max(2.0, duration.quantile(-_WIDE)), duration.quantile(_WIDE)
    return np.arange(round(least), min(longest, round(max(most, least))) + 1)


def _inner_means(curves: Sequence[LabelledCurve], kind: Literal["micro", "macro"]) -> FloatArray:
    """Mean score above the median inside every labelled expression of one kind."""
    means = []
    for labelled in curves:
        rows = labelled.micro if kind == "micro" else labelled.macro
        scores = labelled.curve - np.median(labelled.curve) if len(rows) else labelled.curve
        means += [float(scores[on : off + 1].mean()) for on, _, off in rows.tolist() if on < len(scores)]
    return np.array(means)


def _noise_of(curves: Sequence[LabelledCurve], block: int) -> float | None:
    """Root of the variance per sample of sums over `block` samples without expression, for correlated noise too."""
    block = max(2, block)
    squares = []
    for labelled in curves:
        free = np.ones(len(labelled.curve), dtype=bool)
        for on, _, off in [*labelled.micro.tolist(), *labelled.macro.tolist()]:
            free[on : off + 1] = False
        scores = (labelled.curve - np.median(labelled.curve))[free] if free.any() else labelled.curve[:0]
        blocks = scores[: len(scores) // block * block].reshape(-1, block)
        squares.append(blocks.sum(axis=1) ** 2 / block)
    pooled = np.concatenate(squares) if squares else np.empty(0)
    return max(_LEAST_NOISE, float(np.sqrt(_CORRELATED * pooled.mean()))) if pooled.size else None


def _noise(scores: FloatArray) -> float:
    """The same from one curve without labels: its robust standard deviation, made larger for correlation."""
    deviation = 1.4826 * float(np.median(np.abs(scores - np.median(scores))))
    return max(_LEAST_NOISE, deviation * float(np.sqrt(2 * _CORRELATED)))
