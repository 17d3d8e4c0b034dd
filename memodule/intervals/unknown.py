"""Samples without a score: rules decode a curve without them, so that they decide nothing.

Unknown samples at the ends are cut off. A gap inside becomes a bridge, a straight line between the usual scores on
either side, which is never longer than a few expressions: what is found elsewhere cannot depend on how long there is no
score. The parts between gaps are not decoded one by one, since a level relative to each of them would make every short
one fire.
"""

import dataclasses
import itertools

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class Bridged:
    """A curve whose gaps are bridged.

    Attributes:
        curve: (m,) scores.
        probabilities: (m, 5) class probabilities, or None.
        places: (m,) sample of the whole curve that each one is; -1 on a bridge.
        length: Samples of the whole curve.
    """

    curve: FloatArray
    probabilities: FloatArray | None
    places: IntArray
    length: int

    @classmethod
    def of(cls, curve: FloatArray, probabilities: FloatArray | None, known: BoolArray, longest: int) -> "Bridged":
        """Bridge the unknown samples of a curve (T,), of which at least one is known.

        Args:
            longest: Length of the longest bridge, at least 1.
        """
        parts: list[IntArray] = []
        stretches = _stretches(known)
        for (first, stop), (after, _) in itertools.pairwise(stretches):
            parts += [np.arange(first, stop), np.full(min(after - stop, longest), -1)]
        places = np.concatenate([*parts, np.arange(*stretches[-1])])
        return cls(_filled(curve, places, longest), _filled_rows(probabilities, places, longest), places, len(known))

    def rows(self, frames: IntArray) -> tuple[IntArray, BoolArray]:
        """Rows onset, apex, offset (n, 3) of the whole curve, as rows of this one, and which (n,) have a known apex.

        Rows are cut to the known stretch of their apex.
        """
        inverse = np.full(int(self.places.max()) + 2, -1)
        inverse[self.places[self.places >= 0]] = np.flatnonzero(self.places >= 0)
        apex = frames[:, 1]
        inside = (apex >= 0) & (apex < len(inverse))
        here = np.where(inside, inverse[np.clip(apex, 0, len(inverse) - 1)], -1)
        kept = frames[here >= 0]
        shift = (here[here >= 0] - kept[:, 1])[:, None]
        return self._cut(kept + shift), here >= 0

    def found(self, frames: IntArray) -> tuple[IntArray, BoolArray]:
        """Rows (n, 3) of this curve as rows of the whole one, and which (n,) have a known apex; cut likewise."""
        last = len(self.places) - 1
        known = self.places[np.clip(frames[:, 1], 0, last)] >= 0
        kept = self._cut(frames[known])
        apex = np.clip(kept[:, 1], 0, last)
        return kept + (self.places[apex] - apex)[:, None], known

    def spread(self, values: FloatArray | None) -> FloatArray | None:
        """(m,) of the spread (T,) of the whole curve; NaN, not known, on bridges."""
        return None if values is None else np.where(self.places >= 0, values[np.maximum(self.places, 0)], np.nan)

    def _cut(self, frames: IntArray) -> IntArray:
        """Rows of this curve without what is unknown; where the video ends, they may leave it as the rule made them."""
        stretches = np.array(_stretches(self.places >= 0), dtype=np.int64).reshape(-1, 2)
        apex = np.clip(frames[:, 1], 0, len(self.places) - 1)
        first, stop = stretches[np.searchsorted(stretches[:, 0], apex, side="right") - 1].T
        onset = np.where(self.places[first] > 0, np.maximum(frames[:, 0], first), frames[:, 0])
        ends = self.places[stop - 1] == self.length - 1
        offset = np.where(ends, frames[:, 2], np.minimum(frames[:, 2], stop - 1))
        return np.stack([onset, frames[:, 1], offset], axis=1)


def _stretches(known: BoolArray) -> list[tuple[int, int]]:
    """(first, stop) of each run of known samples, stop exclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _filled(values: FloatArray, places: IntArray, reach: int) -> FloatArray:
    """The values at `places`; each bridge leads from the median of up to `reach` samples before it to that after it."""
    filled = values[np.maximum(places, 0)].astype(np.float64)
    stretches = _stretches(places >= 0)
    for (first, stop), (after, end) in itertools.pairwise(stretches):
        left = np.median(filled[max(first, stop - reach) : stop])
        right = np.median(filled[after : min(end, after + reach)])
        filled[stop:after] = np.linspace(left, right, after - stop + 2)[1:-1]
    return filled


def _filled_rows(values: FloatArray | None, places: IntArray, reach: int) -> FloatArray | None:
    """The same for every column."""
    if values is None:
        return None
    return np.stack([_filled(column, places, reach) for column in values.T], axis=1)
