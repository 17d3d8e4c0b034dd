"""Boxes between the sharpest rises and falls of the score: event boxes by change detection."""

import dataclasses

import numpy as np
from typing_extensions import override

from memodule.intervals.base import Detections, FloatArray, IntArray
from memodule.intervals.base_line import above_base_line
from memodule.intervals.checks import check_positive, check_share
from memodule.intervals.level import FAINT, Level, TallRule


@dataclasses.dataclass
class EventBoxes(TallRule):
    """Where an event is, is decided apart from how certain it is.

    A step filter compares the means of the samples after and before each point. Its local maxima are rises, its local
    minima falls; each run of rises up to the next run of falls becomes a box from the sharpest rise to the sharpest
    fall. Neighbouring boxes become one while the mean between them is at least `merge` of the lower box's mean. Its
    height, the mean inside above the base line, is the confidence. The apex is the largest score inside.

    After "Sound Event Bounding Boxes" (Ebbers et al. 2024, arXiv 2406.04212), the strongest post-processing of sound
    event detection. Differs from it in merging by the relative threshold alone, and in heights above a base line.

    Attributes:
        least: Smallest height of a detection, in units of the score; None lets `calibrate` choose, see `TallRule`.
        step: Length of the step filter, as a share of the training expressions' median duration.
        merge: How much of the height must remain between boxes that become one; 1 keeps nearly all apart.
        learned: What `calibrate` chose.
    """

    least: float | None = None
    step: float = 1.5
    merge: float = 0.9

    learned: Level | None = dataclasses.field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.least is not None:
            check_positive("least", self.least)
        check_positive("step", self.step)
        check_share("merge", self.merge)

    @override
    def candidates(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        timing = self._fitted()
        scores = above_base_line(curve, timing)
        rises, falls, step = _changes(scores, max(1, round(self.step * timing.duration.median / 2)))
        sums = np.concatenate([[0.0], np.cumsum(scores)])
        boxes = _merged(_boxes(rises, falls, step), sums, self.merge)
        if not boxes:
            return Detections.none()
        onsets, stops = np.array(boxes, dtype=np.int64).T
        height = (sums[stops] - sums[onsets]) / (stops - onsets)
        apexes = [on + int(np.argmax(curve[on:stop])) for on, stop in boxes]
        found = Detections.of(np.stack([onsets, apexes, stops - 1], axis=1), height)
        return found.where((found.confidence > 0) & (found.confidence >= FAINT * float(scores.std())))


def _changes(scores: FloatArray, half: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Where the step filter of 2 * half samples is largest and smallest, and its (T + 1,) values.

    Value t compares samples t .. t + half - 1 with t - half .. t - 1; beyond its ends the curve stays as it is.
    """
    from scipy.signal import find_peaks

    sums = np.concatenate([[0.0], np.cumsum(np.pad(scores, half, mode="edge"))])
    means = (sums[half:] - sums[:-half]) / half
    step = means[half:] - means[:-half]
    rises, _ = find_peaks(step, height=0)
    falls, _ = find_peaks(-step, height=0)
    return rises, falls, step


def _boxes(rises: IntArray, falls: IntArray, step: FloatArray) -> list[tuple[int, int]]:
    """(onset, stop), stop exclusive: the sharpest of each run of rises, and of the run of falls after it."""
    boxes: list[tuple[int, int]] = []
    onset = stop = -1  # of the box at hand; -1 before its first rise and fall
    for point in np.sort(np.concatenate([rises, falls])).tolist():
        if step[point] > 0:
            if stop >= 0:
                boxes.append((onset, stop))
                onset = stop = -1
            if onset < 0 or step[point] > step[onset]:
                onset = point
        elif onset >= 0 and (stop < 0 or step[point] < step[stop]):
            stop = point
    return [*boxes, (onset, stop)] if stop >= 0 else boxes


def _merged(boxes: list[tuple[int, int]], sums: FloatArray, merge: float) -> list[tuple[int, int]]:
    """Neighbours become one from left to right, where the mean between is at least `merge` of the lower one's mean."""
    kept: list[tuple[int, int]] = []
    for box in boxes:
        if kept:
            last = kept[-1]
            lower = min(_mean(sums, *last), _mean(sums, *box))
            if lower > 0 and _mean(sums, last[1], box[0]) >= merge * lower:
                box = (kept.pop()[0], box[1])
        kept.append(box)
    return kept


def _mean(sums: FloatArray, start: int, stop: int) -> float:
    return float(sums[stop] - sums[start]) / max(1, stop - start)
