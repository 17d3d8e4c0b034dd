"""Boundaries at a share of each peak's own height above its surroundings."""

import dataclasses
from typing import Final

import numpy as np
from typing_extensions import override

from memodule.intervals.base import Detections, FloatArray
from memodule.intervals.checks import check_positive, check_share
from memodule.intervals.level import FAINT, Level, TallRule
from memodule.intervals.overlap import strongest
from memodule.intervals.peaks import prominent_peaks

_SMOOTH: Final = 0.2
"""Width of the Gaussian, in median durations: rough curves have a peak every few samples, expressions do not."""


@dataclasses.dataclass
class RelativeHeight(TallRule):
    """Each prominent peak extends down to a share of its own prominence.

    The published thresholds are shares of the whole curve's mean and maximum, so one strong expression decides how wide
    a weak one is. Here every peak is measured by itself: prominence is its height above the higher of the two lowest
    points that separate it from higher ground, and onset and offset are the outermost samples around the peak above
    peak - share * prominence. Peaks of a prominence below a level are dropped, so a curve without an expression may
    have no interval. Of intervals that share a frame the most prominent stays. Confidence is the prominence.

    No published counterpart (half-prominence widths are standard in peak analysis).

    Attributes:
        least: Smallest prominence of a detection, in units of the score; None lets `calibrate` choose, see `TallRule`.
        share: Where the boundaries are: 0 at the peak, 1 at its foot.
        smooth_ms: Standard deviation of the Gaussian that first smooths the curve; None takes a fifth of the training
            expressions' median duration.
        reach_ms: Width of the surroundings, centred on the peak, within which its prominence is measured.
        learned: What `calibrate` chose.
    """

    least: float | None = None
    share: float = 0.5
    smooth_ms: float | None = None
    reach_ms: float = 2500.0

    learned: Level | None = dataclasses.field(default=None, init=False)

    def __post_init__(self) -> None:
        check_share("share", self.share)
        if self.least is not None:
            check_positive("least", self.least)
        if self.smooth_ms is not None:
            check_positive("smooth_ms", self.smooth_ms)
        check_positive("reach_ms", self.reach_ms)

    @override
    def candidates(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        from scipy.ndimage import gaussian_filter1d
        from scipy.signal import peak_widths

        timing = self._fitted()
        smooth = timing.duration.median * _SMOOTH if self.smooth_ms is None else timing.samples(self.smooth_ms)
        smoothed = gaussian_filter1d(curve, smooth, mode="nearest")
        reach = max(3, round(timing.samples(self.reach_ms)))
        peaks, measured = prominent_peaks(smoothed, FAINT * float(smoothed.std()), reach)
        _, _, left, right = peak_widths(smoothed, peaks, rel_height=self.share, prominence_data=measured)
        onsets = np.minimum(np.ceil(left), peaks)
        offsets = np.maximum(np.floor(right), peaks)
        detections = Detections.of(np.stack([onsets, peaks, offsets], axis=1), measured[0])
        return detections.where(strongest(detections.frames, detections.confidence))
