"""How long expressions last: the interval prior that selection rules learn from training expressions."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from memodule.datasets.catalog import Expression
from memodule.errors import UserError

_NARROWEST: Final = 0.05
"""Smallest spread of log-durations, so that a handful of equal ones still leaves room for others."""

_MOST_CANDIDATES: Final = 64


@dataclasses.dataclass(frozen=True)
class LogNormal:
    """A log-normal density of durations in samples, by median and MAD, which wrong labels hardly move.

    Attributes:
        median: Samples.
        spread: Standard deviation of the log-duration.
    """

    median: float
    spread: float

    @classmethod
    def of(cls, durations: npt.ArrayLike) -> "LogNormal":
        """The density of (n,) durations in samples, n >= 1; those below half a sample count as half."""
        logs = np.log(np.maximum(np.asarray(durations, dtype=np.float64), 0.5))
        median = float(np.median(logs))
        return cls(math.exp(median), max(_NARROWEST, 1.4826 * float(np.median(np.abs(logs - median)))))

    def log_density(self, durations: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Log-density, per sample, of durations (samples, above 0)."""
        logs = np.log(np.asarray(durations, dtype=np.float64))
        z = (logs - math.log(self.median)) / self.spread
        return np.asarray(-0.5 * z * z - logs - math.log(self.spread * math.sqrt(2 * math.pi)))

    def quantile(self, z: float) -> float:
        """The duration, in samples, `z` standard deviations (of the log-duration) from the median."""
        return self.median * math.exp(z * self.spread)


@dataclasses.dataclass(frozen=True)
class Timing:
    """Durations of the training subjects' expressions, in samples of the curve.

    Attributes:
        rate: Samples of the curve per second (fps / frame_step).
        half_window: k_p, half of the median duration of micro-expressions; see `half_window_of`.
        duration: Of micro-expressions, onset and offset included.
        rise: Onset to apex, of those with a known apex; half of the duration if none is known.
        fall: Apex to offset, likewise.
        lengths: The two durations that together fit all micro-expressions best; see `two_lengths_of`.
        macro: Durations of macro-expressions; None if none is labelled.
    """

    rate: float
    half_window: int
    duration: LogNormal
    rise: LogNormal
    fall: LogNormal
    lengths: tuple[int, int]
    macro: LogNormal | None

    @classmethod
    def of(cls, expressions: Sequence[Expression], *, fps: float, frame_step: int = 1) -> "Timing":
        """Learn the timing of expressions; see `SelectionRule.fit`."""
        micro = _sampled((e for e in expressions if e.kind == "micro"), frame_step)
        if not len(micro):
            raise UserError(
                "interval prior: no micro-expression among the training subjects; label some or add subjects"
            )
        macro = _sampled((e for e in expressions if e.kind == "macro"), frame_step)
        durations = micro[:, 2] - micro[:, 0]
        known = micro[micro[:, 1] >= 0]
        rises, falls = (known[:, 1] - known[:, 0], known[:, 2] - known[:, 1]) if len(known) else (durations / 2,) * 2
        return cls(
            rate=fps / frame_step,
            half_window=half_window_of(durations),
            duration=LogNormal.of(durations + 1),
            rise=LogNormal.of(rises),
            fall=LogNormal.of(falls),
            lengths=two_lengths_of(durations + 1),
            macro=LogNormal.of(macro[:, 2] - macro[:, 0] + 1) if len(macro) else None,
        )

    @classmethod
    def from_state(cls, state: dict[str, object]) -> "Timing":
        """The timing that `dataclasses.asdict` made plain, as `SelectionRule.state` holds it."""
        parts = {
            name: LogNormal(**value) if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value
            for name, value in state.items()
        }
        return cls(**parts)  # type: ignore[arg-type]  # names and types as `asdict` wrote them

    def samples(self, milliseconds: float) -> float:
        """A duration in samples of the curve, not rounded."""
        return milliseconds * self.rate / 1000.0


def half_window_of(durations: npt.ArrayLike) -> int:
    """k_p of the published code: half of the upper median of offset - onset (n,) in samples, rounded half up.

    The paper's predecessor uses the mean, which single wrong labels move a lot.
    """
    ordered = np.sort(np.asarray(durations))
    return int((ordered[len(ordered) // 2] + 1) / 2)


def two_lengths_of(durations: npt.ArrayLike) -> tuple[int, int]:
    """The pair of lengths, shorter first, that fits (n,) durations best; all in samples, onset and offset included.

    An interval of length a in the middle of an expression of length b has the IoU min(a, b) / max(a, b). The pair
    reaches IoU .5 with as many of the durations as possible; among such pairs the mean IoU decides.
    """
    lengths = np.maximum(1, np.asarray(durations, dtype=np.int64))
    candidates = np.unique(lengths)
    if len(candidates) > _MOST_CANDIDATES:
        candidates = np.unique(np.quantile(lengths, np.linspace(0, 1, _MOST_CANDIDATES), method="nearest"))
    iou = np.minimum(candidates[:, None], lengths) / np.maximum(candidates[:, None], lengths)
    better = np.maximum(iou[:, None], iou[None])  # (first, second, expression)
    worth = (better >= 0.5).mean(axis=2) + 1e-3 * better.mean(axis=2)
    first, second = np.unravel_index(int(np.argmax(worth)), worth.shape)
    shorter, longer = sorted((int(candidates[first]), int(candidates[second])))
    return shorter, longer


def _sampled(expressions: Iterable[Expression], frame_step: int) -> npt.NDArray[np.int64]:
    """(n, 3) onset, apex, offset in sampled frames; apex -1 if unknown."""
    rows = [(e.onset, -frame_step if e.apex is None else e.apex, e.offset) for e in expressions]
    return np.array(rows, dtype=np.int64).reshape(-1, 3) // frame_step
