"""Smoothing and peaks, as the published decoding has them."""

import warnings

import numpy as np

from memodule.intervals.base import FloatArray, IntArray

Prominences = tuple[FloatArray, IntArray, IntArray]
"""Prominences of peaks with their left and right bases, as `scipy.signal.peak_widths` wants them."""


def box_mean(curve: FloatArray, half_window: int, *, pad_short: bool = False) -> FloatArray:
    """Moving average: out[i] = mean of curve[i - half_window .. i + half_window - 1], zeros outside.

    Args:
        curve: (T,) scores, T >= 1.
        half_window: k_p in samples; 0 leaves the curve as it is.
        pad_short: Treat curves shorter than the window as the published code does, where the result is then longer
            than the curve (2 * half_window samples) and its peaks are shifted.

    Returns:
        (T,) float64 (longer only under `pad_short`).

    Differs from the published code in dividing sums instead of adding parts: a network's scores are float32, whose sums
    are exact in float64 (unless one is below 1e-7 of another), so that windows of the same scores have equal means and
    form one flat top. Sums of rounded parts may differ in their last bit from one processor to the next, and even with
    the place of the curve in memory.
    """
    if half_window < 1:
        return curve
    box = np.ones(2 * half_window)
    if pad_short:
        return np.convolve(curve, box, mode="same") / len(box)
    return np.convolve(curve, box)[half_window - 1 : half_window - 1 + len(curve)] / len(box)


def relative_threshold(smoothed: FloatArray, share: float) -> float:
    """Mean + share * (maximum - mean): the threshold of the published code (share .55; .65 for the challenge).

    It adapts to each curve, hence lets every curve that is not flat have a detection, expression or not.

    Args:
        smoothed: (T,) scores, T at least 1.
        share: Of the way from mean to maximum, 0..1.

    Returns:
        In units of the score.
    """
    mean = float(smoothed.mean())
    return mean + share * (float(smoothed.max()) - mean)


def peaks_above(smoothed: FloatArray, threshold: float, distance: int) -> IntArray:
    """Local maxima not below `threshold`, `distance` samples apart; of nearer ones the lower gives way.

    Flat tops count once, in their middle; a plateau that touches an end of the curve is no peak.

    Args:
        smoothed: (T,) scores.
        threshold: Lowest peak, in units of the score.
        distance: Least samples between two peaks; below 1 counts as 1.

    Returns:
        (n,) int64 places, rising.
    """
    from scipy.signal import find_peaks  # most of a second, which reading a fitted rule need not wait for

    peaks, _ = find_peaks(smoothed, height=threshold, distance=max(1, distance))
    return peaks.astype(np.int64, copy=False)


def prominent_peaks(smoothed: FloatArray, least: float, reach: int) -> tuple[IntArray, Prominences]:
    """Local maxima that stand out from their surroundings by at least `least`.

    Args:
        smoothed: (T,) scores.
        least: Smallest prominence, in units of the score.
        reach: Width of the surroundings in samples, centred on the peak.

    Returns:
        (n,) places; and (n,) each: prominences, and the left and right bases that they are measured from.
    """
    from scipy.signal import find_peaks

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # peaks of prominence 0, which are left out
        peaks, found = find_peaks(smoothed, prominence=least, wlen=reach)
    return peaks.astype(np.int64, copy=False), (found["prominences"], found["left_bases"], found["right_bases"])


def first_within(places: IntArray, low: IntArray, high: IntArray, otherwise: IntArray) -> IntArray:
    """Per row the smallest of the sorted `places` in low..high (inclusive), or `otherwise`.

    Args:
        places: (p,) ascending.
        low: (n,) smallest place allowed.
        high: (n,) largest place allowed, inclusive.
        otherwise: (n,) what stands where there is none.

    Returns:
        (n,).
    """
    if not places.size:
        return otherwise
    found = places.take(places.searchsorted(low), mode="clip")
    return np.where((found >= low) & (found <= high), found, otherwise)


def last_within(places: IntArray, low: IntArray, high: IntArray, otherwise: IntArray) -> IntArray:
    """Per row the largest of the sorted `places` in low..high (inclusive), or `otherwise`.

    Args:
        places: (p,) ascending.
        low: (n,) smallest place allowed.
        high: (n,) largest place allowed, inclusive.
        otherwise: (n,) what stands where there is none.

    Returns:
        (n,).
    """
    if not places.size:
        return otherwise
    found = places.take(places.searchsorted(high, side="right") - 1, mode="clip")
    return np.where((found >= low) & (found <= high), found, otherwise)
