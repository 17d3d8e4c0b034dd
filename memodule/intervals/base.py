"""What every selection rule offers, and what it returns.

A rule turns a score curve into intervals. It may have something to learn: `fit` learns the interval prior from the
labelled expressions of the training subjects, `calibrate` (optional) from their score curves. A rule receives nothing
else, so a rule that only saw training subjects cannot leak.
"""

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self, final

import numpy as np
import numpy.typing as npt

from memodule.datasets.catalog import Expression
from memodule.errors import UserError
from memodule.intervals.timing import Timing
from memodule.intervals.unknown import Bridged

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_LONG: Final = 2.0
"""Standard deviations of the log-duration above the median."""

_BRIDGE: Final = 60
"""Samples of the longest bridge over a gap, for rules that were not fitted."""

_LARGEST: Final = 1e12
"""Larger scores are cut off: real ones never come near, and sums of larger ones could overflow."""


NOTHING_FOUND: Final = "it found no micro-expression on the curves that should have calibrated it"
"""A reason for `SelectionRule.uncalibrated`: without any hit no level is better than another."""


@dataclasses.dataclass(frozen=True, eq=False)
class Detections:
    """Intervals found on one curve.

    Attributes:
        frames: (n, 3) int64: onset, apex, offset in sampled frames, 0-based, both ends inclusive, sorted by onset.
        confidence: (n,) float64, finite; larger is more certain, and comparable between all curves of one rule.
        emotions: (n,) int64 class indices 0..4 if the rule labels its intervals; None leaves that to a vote of frames.
    """

    frames: IntArray
    confidence: FloatArray
    emotions: IntArray | None = None

    @classmethod
    def of(cls, frames: npt.ArrayLike, confidence: npt.ArrayLike) -> Self:
        """Detections from rows in any order, without emotions; rows with equal onsets keep their order."""
        rows = np.asarray(frames, dtype=np.int64).reshape(-1, 3)
        order = np.argsort(rows[:, 0], kind="stable")
        return cls(rows[order], np.asarray(confidence, dtype=np.float64).reshape(-1)[order])

    @classmethod
    def none(cls) -> Self:
        """No intervals."""
        return cls.of((), ())

    def __len__(self) -> int:
        return len(self.frames)

    def where(self, keep: npt.NDArray[np.bool_]) -> "Detections":
        """The intervals for which `keep` (n,) holds, in the same order."""
        emotions = None if self.emotions is None else self.emotions[keep]
        return Detections(self.frames[keep], self.confidence[keep], emotions)


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledCurve:
    """The score curve of one video together with its true expressions, for `SelectionRule.calibrate`.

    Attributes:
        curve: (T,) scores.
        micro: (m, 3) onset, apex, offset of the true micro-expressions in sampled frames, inclusive.
        macro: (j, 3) the same for macro-expressions.
        probabilities: (T, 5) class probabilities per frame, or None.
        emotions: (m,) class of each micro-expression, or None.
        known: (T,) False where there is no score; None if all are known.
        spread: (T,) how much the windows around a sample disagree about it (standard deviation of their scores), NaN
            where that is not known; None if it never is.
    """

    curve: FloatArray
    micro: IntArray
    macro: IntArray = dataclasses.field(default_factory=lambda: np.empty((0, 3), np.int64))
    probabilities: FloatArray | None = None
    emotions: IntArray | None = None
    known: npt.NDArray[np.bool_] | None = None
    spread: FloatArray | None = None

    def bridged(self, longest: int) -> "LabelledCurve":
        """Without unknown samples, and without expressions whose apex is unknown; see `memodule.intervals.unknown`.

        Args:
            longest: Length of the longest bridge over a gap, in samples.
        """
        if self.known is None or self.known.all():
            return self
        if not self.known.any():
            nothing = np.empty((0, 3), np.int64)
            none = None if self.probabilities is None else self.probabilities[:0]
            return LabelledCurve(self.curve[:0], nothing, nothing, none, np.empty(0, np.int64))
        bridged = Bridged.of(self.curve, self.probabilities, self.known, longest)
        micro, kept = bridged.rows(self.micro)
        emotions = None if self.emotions is None else self.emotions[kept]
        return LabelledCurve(
            bridged.curve,
            micro,
            bridged.rows(self.macro)[0],
            bridged.probabilities,
            emotions,
            spread=bridged.spread(self.spread),
        )


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What a rule was calibrated on.

    Attributes:
        videos: Number of score curves.
        micro: Number of labelled micro-expressions on them.
    """

    videos: int
    micro: int


class SelectionRule(abc.ABC):
    """Score curve -> intervals.

    Rules are dataclasses whose constructor arguments are plain values (durations in milliseconds), so that a rule can
    be built from a config, varied with `dataclasses.replace`, and pickled. Every rule accepts every curve, however
    short, constant or broken, and returns a defined result. Samples that are not finite count as score 0.
    """

    timing: Timing | None = None
    """What `fit` learned; None before it."""

    calibration: Calibration | None = None
    """What `calibrate` learned from; None before it."""

    def fit(self, expressions: Sequence[Expression], *, fps: float, frame_step: int = 1) -> Self:
        """Learn the interval prior, in place, from labelled micro-expressions (most rules ignore macro-expressions).

        Args:
            expressions: Of training subjects only.
            frame_step: Source frames per sample of the curve.

        Raises:
            UserError: If there is no micro-expression to learn from.
        """
        self.timing = Timing.of(expressions, fps=fps, frame_step=frame_step)
        return self

    @final
    def calibrate(self, curves: Sequence[LabelledCurve]) -> Self:
        """Learn, in place, from score curves, after `fit`; see `learns_from_curves`.

        The curves belong to training or inner validation subjects, never to the scored one. An earlier calibration is
        forgotten.
        """
        curves = [labelled.bridged(self._longest_bridge()) for labelled in curves]
        self._calibrate(curves)
        self.calibration = Calibration(len(curves), sum(len(labelled.micro) for labelled in curves))
        return self

    def _calibrate(self, curves: Sequence[LabelledCurve]) -> None:  # noqa: B027 - rules may have nothing to learn
        """`calibrate` of rules that learn from curves; the others do without."""

    @property
    def learns_from_curves(self) -> bool:
        """Whether `calibrate` can change what the rule finds, so that it is only half fitted without it."""
        return type(self)._calibrate is not SelectionRule._calibrate

    @property
    def uncalibrated(self) -> str | None:
        """Why the rule, which learns from curves, runs without what it should have learned; None if it does not."""
        seen = self.calibration.micro if self.calibration else 0
        return "no labelled score curve has calibrated it" if self.learns_from_curves and not seen else None

    def detect(
        self,
        curve: npt.ArrayLike,
        probabilities: npt.ArrayLike | None = None,
        known: npt.NDArray[np.bool_] | None = None,
        spread: npt.ArrayLike | None = None,
    ) -> Detections:
        """Find the micro-expressions of one curve (T,).

        Args:
            probabilities: (T, 5) class probabilities per frame, the softmax of the logits; some rules use them.
            known: (T,) False where there is no score, whatever `curve` holds there: such samples decide nothing, and
                no interval reaches into them (see `memodule.intervals.unknown`). None if all are known.
            spread: As in `LabelledCurve`; some rules use it.

        Raises:
            RuntimeError: If the rule needs `fit` first.
        """
        scores = _finite(np.asarray(curve, dtype=np.float64).reshape(-1))
        if not scores.size:
            return Detections.none()
        classes = None if probabilities is None else _finite(np.asarray(probabilities, np.float64))
        scatter = None if spread is None else np.asarray(spread, np.float64)
        if known is None or known.all():
            return self._detect_spread(scores, classes, scatter)
        if not known.any():
            return Detections.none()
        bridged = Bridged.of(scores, classes, known, self._longest_bridge())
        found = self._detect_spread(bridged.curve, bridged.probabilities, bridged.spread(scatter))
        frames, kept = bridged.found(found.frames)
        return dataclasses.replace(found.where(kept), frames=frames)

    def _longest_bridge(self) -> int:
        """Samples of the longest bridge over a gap: two long expressions, so that both sides are apart."""
        return _BRIDGE if self.timing is None else max(2, round(2 * self.timing.duration.quantile(_LONG)))

    def select(self, curve: npt.ArrayLike) -> IntArray:
        """The `frames` of `detect` alone: (n, 3) int64, 0-based and inclusive."""
        return self.detect(curve).frames

    @abc.abstractmethod
    def _detect(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        """`detect` on a curve of at least one sample, all finite."""

    def _detect_spread(
        self, curve: FloatArray, probabilities: FloatArray | None, spread: FloatArray | None
    ) -> Detections:
        """`_detect` of rules that weigh how much overlapping windows disagree; others do without."""
        return self._detect(curve, probabilities)

    def candidates(self, curve: FloatArray, probabilities: FloatArray | None) -> Detections:
        """Everything that the rule could detect on a finite curve (T,), more than it does: proposals for `Calibrated`.

        The default is what it detects.
        """
        return self._detect(curve, probabilities)

    def state(self) -> dict[str, Any]:
        """What the rule has learned, as plain values for JSON and checkpoints."""
        timing, calibration = (
            None if part is None else dataclasses.asdict(part) for part in (self.timing, self.calibration)
        )
        return {"timing": timing, "calibration": calibration}

    def load_state(self, state: Mapping[str, Any]) -> Self:
        """Restore what `state` returned, in place."""
        self.timing = None if state["timing"] is None else Timing.from_state(state["timing"])
        seen = state.get("calibration")  # files of older versions have none
        self.calibration = None if seen is None else Calibration(**seen)
        return self

    def _fitted(self) -> Timing:
        if self.timing is None:
            name = type(self).__name__
            raise RuntimeError(f"{name} has not been fitted: call .fit(training expressions, fps=..., frame_step=...)")
        return self.timing


def check_rule(name: str, rule: SelectionRule) -> None:
    """Refuse an argument that is not a selection rule."""
    if not isinstance(rule, SelectionRule):
        raise UserError(f"intervals.{name}: {rule!r} is not a selection rule; use a class_path with init_args")


def _finite(values: FloatArray) -> FloatArray:
    if values.size and values.min() >= -_LARGEST and values.max() <= _LARGEST:  # False if any is NaN
        return values
    return np.clip(np.where(np.isfinite(values), values, 0.0), -_LARGEST, _LARGEST)
