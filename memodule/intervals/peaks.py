"""Smoothing and peaks, as in the published decoding."""

import warnings

import numpy as np

from memodule.intervals.base import FloatArray, IntArray

Prominences = tuple[FloatArray, IntArray, IntArray]
"""Prominences of peaks with their left and right bases, the input of `scipy.signal.peak_widths`."""


def box_mean(curve: FloatArray, half_window: int, *, pad_short: bool = False) -> FloatArray:
    """Moving average: out[i] = mean of curve[i - half_window .. i + half_window - 1], zeros outside.

    Differs from the published code in dividing sums instead of adding parts: a network's scores are float32, whose sums
    are exact in float64 (unless one is below 1e-7 of another), so windows of the same scores have equal means and form
    one flat top. Sums of rounded parts may differ in their last bit between processors, and even with the curve's
    address in memory.

    Args:
        half_window: k_p in samples; 0 returns the curve unchanged.
        pad_short: Treat curves shorter than the window as the published code does: the result is longer than the curve
            (2 * half_window samples) and its peaks are shifted.
    """
    if half_window < 1:
        return curve
    box = np.ones(2 * half_window)
    if pad_short:
        return np.convolve(curve, box, mode="same") / len(box)
    return np.convolve(curve, box)[half_window - 1 : half_window - 1 + len(curve)] / len(box)


def relative_threshold(smoothed: FloatArray, share: float) -> float:
    """Mean + share * (maximum - mean): the threshold of the published code (share .55; .65 for the challenge).

    It adapts to each curve (T,), so every curve that is not flat has a detection, with or without an expression.
    """
    mean = float(smoothed.mean())
    return mean + share * (float(smoothed.max()) - mean)


def peaks_above(smoothed: FloatArray, threshold: float, distance: int) -> IntArray:
    """Local maxima (n,) not below `threshold` and `distance` samples apart; of closer ones the lower is dropped.

    Flat tops count once, in their middle; a plateau that touches an end of the curve does not count.
    """
    from scipy.signal import find_peaks  # most of a second, which reading a fitted rule does not need

    peaks, _ = find_peaks(smoothed, height=threshold, distance=max(1, distance))
    return peaks.astype(np.int64, copy=False)


def prominent_peaks(smoothed: FloatArray, least: float, reach: int) -> tuple[IntArray, Prominences]:
    """(n,) places of local maxima that stand out from their surroundings by at least `least`.

    Args:
        least: Smallest prominence, in units of the score.
        reach: Width of the surroundings in samples, centred on the peak.
    """
    from scipy.signal import find_peaks

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # about peaks of prominence 0, which are dropped
        peaks, found = find_peaks(smoothed, prominence=least, wlen=reach)
    return peaks.astype(np.int64, copy=False), (found["prominences"], found["left_bases"], found["right_bases"])


def first_within(places: IntArray, low: IntArray, high: IntArray, otherwise: IntArray) -> IntArray:
    """Per row the smallest of the ascending places (p,) in low..high (inclusive), or `otherwise`; all others (n,)."""
    if not places.size:
        return otherwise
    found = places.take(places.searchsorted(low), mode="clip")
    return np.where((found >= low) & (found <= high), found, otherwise)


def last_within(places: IntArray, low: IntArray, high: IntArray, otherwise: IntArray) -> IntArray:
    """Per row the largest of the ascending places (p,) in low..high (inclusive), or `otherwise`; all others (n,)."""
    if not places.size:
        return otherwise
    found = places.take(places.searchsorted(high, side="right") - 1, mode="clip")
    return np.where((found >= low) & (found <= high), found, otherwise)
