"""Peak +- k_p: the fixed-length rule of SOFTNet, MEAN, ME-TST and the published code's interval strategy 0."""

import dataclasses

import numpy as np

from memodule.intervals.base import Detections, FloatArray, SelectionRule
from memodule.intervals.checks import check_half_window, check_share
from memodule.intervals.peaks import box_mean, peaks_above, relative_threshold


@dataclasses.dataclass
class FixedWindow(SelectionRule):
    """Every peak of the smoothed curve becomes an interval of the typical length.

    The curve is smoothed by a moving average of 2 * k_p samples. Peaks not below mean + threshold * (maximum - mean) of
    the smoothed curve, at least k_p apart, become [peak - k_p, peak, peak + k_p]. Confidence is the smoothed score at
    the peak.

    Differs from the published code only at the ends of the curve: by default intervals are clipped to it.

    Attributes:
        half_window: k_p in samples; None uses half of the training expressions' median duration.
        threshold: How far from mean to maximum a peak must reach, 0..1.
        clip: Keep intervals inside the curve; False is the published behaviour, where onsets may be negative and
            offsets may be past the last sample.
    """

    half_window: int | None = None
    threshold: float = 0.55
    clip: bool = True

    def __post_init__(self) -> None:
        check_half_window(self.half_window)
        check_share("threshold", self.threshold)

    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        k = self._fitted().half_window if self.half_window is None else self.half_window
        smoothed = box_mean(curve, k, pad_short=not self.clip)
        peaks = peaks_above(smoothed, relative_threshold(smoothed, self.threshold), k)
        frames = np.stack([peaks - k, peaks, peaks + k], axis=1)
        if self.clip:
            frames = np.clip(frames, 0, len(curve) - 1)
        return Detections.of(frames, smoothed[peaks])
