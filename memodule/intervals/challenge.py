"""The published code's rule for the SAMM challenge videos, with its hand-set score levels."""

import dataclasses

import numpy as np

from memodule.intervals.base import Detections, FloatArray, IntArray, SelectionRule
from memodule.intervals.checks import check_half_window, check_number, check_share
from memodule.intervals.peaks import box_mean, first_within, last_within, peaks_above, relative_threshold


@dataclasses.dataclass
class ChallengeRule(SelectionRule):
    """Peaks as in `FixedWindow`, boundaries where the smoothed score crosses fixed levels.

    Moving away from the peak, the boundary is where two consecutive samples are below `quiet` within k_p, otherwise
    where two are below `falling` between k_p and 2 * k_p, otherwise at 2 * k_p. The apex is the largest smoothed score
    in between. Overlapping intervals all stay. Confidence is the smoothed score at the peak. The published code uses
    k_p = 6.

    Differs from the published code only on curves shorter than 2 * k_p, where the published intervals leave the curve.

    Attributes:
        half_window: k_p in samples; None uses half of the training expressions' median duration.
        threshold: How far from mean to maximum a peak must reach, 0..1.
        quiet: Score below which the expression is over, within k_p of the peak.
        falling: Score below which it is over farther away.
        clip: Keep intervals inside the curve; False is the published behaviour on short curves.
    """

    half_window: int | None = None
    threshold: float = 0.65
    quiet: float = 0.2
    falling: float = 0.8
    clip: bool = True

    def __post_init__(self) -> None:
        check_half_window(self.half_window)
        check_share("threshold", self.threshold)
        check_number("quiet", self.quiet)
        check_number("falling", self.falling)

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        k = self._fitted().half_window if self.half_window is None else self.half_window
        smoothed = box_mean(curve, k, pad_short=not self.clip)
        peaks = peaks_above(smoothed, relative_threshold(smoothed, self.threshold), k)
        if not peaks.size:
            return Detections.none()
        onsets, offsets = self._boundaries(smoothed, peaks, k)
        apexes = [on + int(np.argmax(smoothed[on : off + 1])) for on, off in zip(onsets, offsets, strict=True)]
        return Detections.of(np.stack([onsets, apexes, offsets], axis=1), smoothed[peaks])

    def _boundaries(self, smoothed: FloatArray, peaks: IntArray, k: int) -> tuple[IntArray, IntArray]:
        """Onset and offset (inclusive) of each peak."""
        last = len(smoothed) - 1
        quiet, falling = (_pairs_below(smoothed, level) for level in (self.quiet, self.falling))
        near, far = np.maximum(0, peaks - k), np.maximum(0, peaks - 2 * k)
        onsets = last_within(falling, far - 1, near - 2, far - 1) + 1
        onsets = last_within(quiet, near - 1, peaks - 2, onsets - 1) + 1
        near, far = np.minimum(last, peaks + k), np.minimum(last, peaks + 2 * k)
        offsets = first_within(falling, near + 1, far - 1, far - 1) + 1
        offsets = first_within(quiet, peaks + 1, near - 1, offsets - 1) + 1
        return onsets, offsets


def _pairs_below(scores: FloatArray, level: float) -> IntArray:
    """The first of every two consecutive samples that are both below `level`."""
    low = scores < level
    return (low[:-1] & low[1:]).nonzero()[0]
