"""The most probable sequence of micro-expressions, macro-expressions and stretches without an expression."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

import numpy as np
from typing_extensions import override

from memodule.intervals.base import NOTHING_FOUND, Detections, FloatArray, IntArray, LabelledCurve, SelectionRule
from memodule.intervals.base_line import above_base_line
from memodule.intervals.checks import check_choice, check_number, check_positive
from memodule.intervals.evidence import hits
from memodule.intervals.noise import background_noise, contrast_noise
from memodule.intervals.timing import LogNormal

_WIDE: Final = 2.3
"""Lengths up to this many standard deviations from the median are tried (98 % of a log-normal)."""

_MACRO_COST: Final = 0.5
"""A macro-expression costs this share of a micro-expression's penalty."""

_PENALTIES: Final = (1.0, 2.0, 3.0, 4.5, 6.5, 10.0)
"""Penalties that `calibrate` chooses from."""

_UNLEARNED: Final = 3.0
"""The penalty before `calibrate` chooses one."""

_CORRELATED: Final = 2.0
"""Errors outlast the sums that noise is measured on: variance factor."""

_LEAST_NOISE: Final = 0.1
_LEAST_SD: Final = 0.05
"""Of what is learned, relative to the mean height of micro-expressions."""

_SMALLEST: Final = 1e-6
"""No deviation is 0, even where all heights are."""

_Segments = tuple[IntArray, IntArray, FloatArray]
"""Onset, stop (exclusive) and gain of each segment."""


@dataclasses.dataclass(frozen=True)
class Heights:
    """How far scores are above the base line.

    Attributes:
        micro: Mean over micro-expressions of the mean score inside.
        micro_sd: Its standard deviation between micro-expressions.
        macro: The same for macro-expressions.
        macro_sd: Its standard deviation between macro-expressions.
        noise: Standard deviation per sample, correlation included; None measures it on each curve.
    """

    micro: float
    micro_sd: float
    macro: float
    macro_sd: float
    noise: float | None


@dataclasses.dataclass
class SemiMarkov(SelectionRule):
    """Decodes the whole curve at once: no smoothing, no overlaps to resolve.

    The curve, above its base line, is a sequence of segments: no expression, a micro-expression, or (if `macro`) a
    macro-expression. Each expression has its own height, drawn from a normal density, and a log-normal duration. Its
    gain is the log-likelihood ratio of its scores against no expression (the height integrated out), plus the
    log-density of its duration relative to that of the median, minus the penalty; a segment that is not higher than
    what is next to it on both sides (half its length) gains nothing. Dynamic programming finds the sequence with the
    largest sum of gains: the exact optimum over all sequences of segments of usual length. So the number of
    micro-expressions plus half the number of macro-expressions never rises with the penalty. Confidence is a
    micro-expression's gain without the penalty. The apex is the segment's largest score.

    `fit` learns durations; `calibrate` learns heights, noise and the penalty of the largest F1. A curve may have no
    interval. Takes two to six milliseconds for a curve of 1,000 to 2,000 samples; peak rules take less than one.

    No published counterpart.

    Attributes:
        penalty: Log-odds that every micro-expression must earn, and every macro-expression half of it: larger means
            fewer and more certain intervals. None lets `calibrate` choose; before it, 3.
        density: "log_normal" durations, or "flat" between their shortest and longest.
        macro: Explain macro-expressions away; no effect without labelled macro-expressions.
        micro_height: Mean height of micro-expressions above the base line, until `calibrate` learns it.
        micro_height_sd: Its standard deviation between micro-expressions, likewise.
        macro_height: Mean height of macro-expressions, likewise.
        macro_height_sd: Its standard deviation between macro-expressions, likewise.
        noise: Standard deviation of a sample's noise, likewise; None measures it on each curve.
        learned: The heights that `calibrate` learned; None before it.
        chosen: The penalty that `calibrate` chose.
    """

    penalty: float | None = None
    density: Literal["log_normal", "flat"] = "log_normal"
    macro: bool = True
    micro_height: float = 0.45
    micro_height_sd: float = 0.2
    macro_height: float = 0.2
    macro_height_sd: float = 0.15
    noise: float | None = None

    learned: Heights | None = dataclasses.field(default=None, init=False)
    chosen: float | None = dataclasses.field(default=None, init=False)

    def __post_init__(self) -> None:
        check_choice("density", self.density, ("log_normal", "flat"))
        for name in ("micro_height", "macro_height"):
            check_number(name, getattr(self, name))
        if self.penalty is not None:
            check_number("penalty", self.penalty)
        check_positive("micro_height_sd", self.micro_height_sd)
        check_positive("macro_height_sd", self.macro_height_sd)
        if self.noise is not None:
            check_positive("noise", self.noise)

    @property
    def heights(self) -> Heights:
        """The score levels in use: learned, otherwise as given."""
        given = Heights(self.micro_height, self.micro_height_sd, self.macro_height, self.macro_height_sd, self.noise)
        return self.learned or given

    @property
    @override
    def uncalibrated(self) -> str | None:
        missing = self.penalty is None and self.chosen is None
        return super().uncalibrated or (NOTHING_FOUND if missing else None)

    @override
    def _calibrate(self, curves: Sequence[LabelledCurve]) -> None:
        self.learned = self.chosen = None  # an earlier calibration must not count as given
        known, timing = self.heights, self._fitted()
        levelled = [dataclasses.replace(c, curve=above_base_line(c.curve, timing)) for c in curves]
        micro = _height_of(levelled, "micro") or (known.micro, known.micro_sd)
        macro = _height_of(levelled, "macro") or (known.macro, known.macro_sd)
        noise = background_noise(levelled, timing.half_window)
        if noise is not None:
            noise = max(_LEAST_NOISE * abs(micro[0]), noise * math.sqrt(_CORRELATED))
        self.learned = Heights(*micro, *macro, noise=known.noise if noise is None else noise)
        if self.penalty is None:
            self.chosen = self._best_penalty(curves)

    def _best_penalty(self, curves: Sequence[LabelledCurve]) -> float | None:
        """The penalty of the largest F1; None if no micro-expression is found."""
        hit, found = np.zeros(len(_PENALTIES)), np.zeros(len(_PENALTIES))
        for labelled in curves:
            for row, some in enumerate(self._decoded(labelled.curve, _PENALTIES)):
                hit[row] += hits(some.frames, some.confidence, labelled.micro).sum()
                found[row] += len(some)
        f1 = 2 * hit / np.maximum(1, found + sum(len(labelled.micro) for labelled in curves))
        return _PENALTIES[int(f1.argmax())] if f1.any() else None

    @override
    def state(self) -> dict[str, Any]:
        return super().state() | {
            "heights": None if self.learned is None else dataclasses.asdict(self.learned),
            "penalty": self.chosen,
        }

    @override
    def load_state(self, state: Mapping[str, Any]) -> Self:
        self.learned = None if state["heights"] is None else Heights(**state["heights"])
        self.chosen = state.get("penalty")  # files of older versions have none
        return super().load_state(state)

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        chosen = _UNLEARNED if self.chosen is None else self.chosen
        return self._decoded(curve, [chosen if self.penalty is None else self.penalty])[0]

    def _decoded(self, curve: FloatArray, penalties: Sequence[float]) -> list[Detections]:
        """What is found on a curve under each of the penalties, smallest first."""
        timing, heights, least = self._fitted(), self.heights, penalties[0]
        scores = above_base_line(curve, timing)
        noise = heights.noise
        if noise is None:
            noise = max(_LEAST_NOISE * abs(heights.micro), contrast_noise(scores, timing.half_window))
        micro = self._segments(scores, timing.duration, heights.micro, heights.micro_sd, noise, least)
        segments, share = micro, np.ones(len(micro[0]))
        if self.macro and timing.macro is not None:
            cost = _MACRO_COST * least
            macro = self._segments(scores, timing.macro, heights.macro, heights.macro_sd, noise, cost)
            segments, share = _joined(micro, macro), np.append(share, np.full(len(macro[0]), _MACRO_COST))
        found = []
        for penalty in penalties:
            onsets, stops, gains = segments
            gains = gains - share * (penalty - least)
            worth = np.flatnonzero(gains > 0)
            chain = worth[best_chain(onsets[worth], stops[worth], gains[worth], length=len(curve))]
            chain = chain[chain < len(micro[0])]
            onsets, stops, gains = onsets[chain], stops[chain], gains[chain]
            apexes = [on + int(np.argmax(curve[on:stop])) for on, stop in zip(onsets, stops, strict=True)]
            found.append(Detections.of(np.stack([onsets, apexes, stops - 1], axis=1), gains + penalty))
        return found

    def _segments(
        self, scores: FloatArray, duration: LogNormal, height: float, height_sd: float, noise: float, penalty: float
    ) -> _Segments:
        """Every segment of one kind with a positive gain."""
        lengths = _lengths(duration, len(scores))
        prior = np.zeros(len(lengths))
        if self.density == "log_normal":
            prior = duration.log_density(lengths) - duration.log_density(duration.median)
        sums = np.concatenate([[0.0], np.cumsum(scores)])
        margin = int(lengths.max(initial=2))
        padded = np.pad(sums, margin, mode="edge")
        onsets, stops, gains = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
        shorter, less = 0, np.full(len(scores) + 1, -np.inf)
        for length, log_prior in zip(lengths.tolist(), prior.tolist(), strict=True):
            gain = _likelihood_ratio(sums[length:] - sums[:-length], length, height, height_sd, noise**2)
            gain = np.where(_higher_than_flanks(padded, margin, length), gain + log_prior - penalty, -np.inf)
            # A segment that contains a shorter one with a larger gain is never part of the best sequence.
            sides = np.maximum(less[: len(gain)], less[length - shorter :][: len(gain)])
            found = ((gain > 0) & (gain > sides)).nonzero()[0]
            onsets.append(found)
            stops.append(found + length)
            gains.append(gain[found])
            shorter, less = length, gain
        return np.concatenate(onsets), np.concatenate(stops), np.concatenate(gains)


def _higher_than_flanks(padded: FloatArray, margin: int, length: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether the mean of each segment is above the base line and above the means of half its length on either side.

    Args:
        padded: (T + 1 + 2 * margin,) cumulated scores; beyond the ends of the curve the base line goes on.
    """
    flank = max(1, length // 2)
    sums = padded[margin : len(padded) - margin]
    inside = (sums[length:] - sums[:-length]) / length
    means = padded[margin - flank : len(padded) - margin + flank]
    means = (means[flank:] - means[:-flank]) / flank
    return np.asarray(inside > np.maximum(0.0, np.maximum(means[: len(inside)], means[flank + length :])))


def best_chain(onsets: IntArray, stops: IntArray, gains: FloatArray, *, length: int) -> IntArray:
    """Indices of the disjoint segments with the largest sum of gains, in the order of time.

    Args:
        onsets: (n,) first samples.
        stops: (n,) exclusive ends, at most `length`.
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
    """The lengths to try, in samples: every one, since two others would take the place of one that is skipped."""
    least, most = max(2.0, duration.quantile(-_WIDE)), duration.quantile(_WIDE)
    return np.arange(round(least), min(longest, round(max(most, least))) + 1)


def _height_of(curves: Sequence[LabelledCurve], kind: Literal["micro", "macro"]) -> tuple[float, float] | None:
    """Mean and deviation of the mean score inside labelled expressions; None for fewer than two."""
    means = []
    for labelled in curves:
        rows = labelled.micro if kind == "micro" else labelled.macro
        scores = labelled.curve
        means += [float(scores[on : off + 1].mean()) for on, _, off in rows.tolist() if on < len(scores)]
    if len(means) < 2:
        return None
    mean = float(np.mean(means))
    return mean, max(_LEAST_SD * abs(mean), float(np.std(means)), _SMALLEST)
