"""How long micro-expressions last: what the selection rules learn from training expressions."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from memodule.datasets.catalog import Expression
from memodule.errors import UserError


@dataclasses.dataclass(frozen=True)
class Timing:
    """Durations of the training subjects' micro-expressions.

    Attributes:
        rate: Samples of the curve per second (fps / frame_step).
        half_window: k_p, half of the median duration, in samples; see `half_window_of`.
    """

    rate: float
    half_window: int

    @classmethod
    def of(cls, expressions: Sequence[Expression], *, fps: float, frame_step: int = 1) -> "Timing":
        """Learn the timing of micro-expressions; macro-expressions are left out.

        Args:
            expressions: Of training subjects only.
            fps: Frame rate of the source videos.
            frame_step: Source frames per sample of the curve.

        Raises:
            UserError: If there is no micro-expression.
        """
        micro = [e for e in expressions if e.kind == "micro"]
        if not micro:
            raise UserError(
                "interval prior: no micro-expression among the training subjects; label some or add subjects"
            )
        durations = [e.offset // frame_step - e.onset // frame_step for e in micro]
        return cls(rate=fps / frame_step, half_window=half_window_of(durations))

    def samples(self, milliseconds: float) -> float:
        """A duration in samples of the curve."""
        return milliseconds * self.rate / 1000.0


def half_window_of(durations: npt.ArrayLike) -> int:
    """k_p of the published code: half of the upper median of offset - onset (in samples), rounded half up.

    The paper's predecessor takes the mean instead, which single wrong labels move a lot.

    Args:
        durations: (n,) whole numbers, n >= 1.
    """
    ordered = np.sort(np.asarray(durations))
    return int((ordered[len(ordered) // 2] + 1) / 2)
