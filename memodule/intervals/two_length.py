"""Proposals of two typical lengths, scored by how far they stand out from their flanks."""

import dataclasses

import numpy as np
from typing_extensions import override

from memodule.intervals.base import Detections, FloatArray, IntArray
from memodule.intervals.checks import check_positive
from memodule.intervals.level import FAINT, Level, TallRule
from memodule.intervals.overlap import soften


@dataclasses.dataclass
class TwoLength(TallRule):
    """Intervals of two lengths where the score inside exceeds the score next to them.

    One fixed length cannot reach IoU .5 with both short and long expressions, two nearly can (see
    `memodule.intervals.timing.two_lengths_of`). For each length, contrast is the mean score inside minus the larger of
    the means over the half lengths before and after; its local maxima are proposals. Soft-NMS lets overlapping
    proposals weaken each other; those that stay above a level are detected, with the remaining contrast as confidence.
    The apex is the largest score inside.

    No published counterpart.

    Attributes:
        least: Smallest remaining contrast of a detection, in units of the score; None lets `calibrate` choose, see
            `TallRule`.
        lengths_ms: The two lengths; None fits them to the training expressions.
        learned: The level that `calibrate` chose.
    """

    least: float | None = None
    lengths_ms: tuple[float, float] | None = None

    learned: Level | None = dataclasses.field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.least is not None:
            check_positive("least", self.least)
        for length in self.lengths_ms or ():
            check_positive("lengths_ms", length)

    @override
    def candidates(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        faint = FAINT * float(curve.std())
        proposals = [_proposals(curve, length, faint) for length in sorted(set(self._lengths()))]
        frames = np.concatenate([rows for rows, _ in proposals])
        contrast = np.concatenate([values for _, values in proposals])
        remaining = soften(frames, contrast, faint)
        kept = (remaining >= faint) & (remaining > 0)
        frames = frames[kept]
        frames[:, 1] = [on + int(np.argmax(curve[on : off + 1])) for on, _, off in frames.tolist()]
        return Detections.of(frames, remaining[kept])

    def _lengths(self) -> tuple[int, ...]:
        timing = self._fitted()
        if self.lengths_ms is None:
            return timing.lengths
        return tuple(max(1, round(timing.samples(length))) for length in self.lengths_ms)


def _proposals(curve: FloatArray, length: int, least: float) -> tuple[IntArray, FloatArray]:
    """Intervals of one length at local maxima of contrast, and their contrast; none on a curve that is too short."""
    from scipy.signal import find_peaks

    flank = max(1, length // 2)
    if len(curve) < length:
        return np.empty((0, 3), np.int64), np.empty(0)
    sums = np.concatenate([[0.0], np.cumsum(np.pad(curve, flank, mode="edge"))])
    inside = (sums[flank + length : len(sums) - flank] - sums[flank : len(sums) - flank - length]) / length
    flanks = (sums[flank:] - sums[:-flank]) / flank
    contrast = inside - np.maximum(flanks[: len(inside)], flanks[flank + length :])
    onsets, _ = find_peaks(np.pad(contrast, 1, constant_values=-np.inf), height=least)
    onsets -= 1
    return np.stack([onsets, onsets, onsets + length - 1], axis=1), contrast[onsets]
