"""Scores of spotted and recognised micro-expressions.

`memodule.metrics.functional` counts and scores in plain numpy; its docstring lists the conventions and every difference
from the published scorers. `SpotThenRecognizeScore` is the torchmetrics shell for training loops; it is imported only
when asked for, so that scoring CSV files never waits for torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memodule.metrics.spot_then_recognize import SpotThenRecognizeScore

__all__ = ["SpotThenRecognizeScore"]


def __getattr__(name: str) -> Any:
    if name == "SpotThenRecognizeScore":
        from memodule.metrics.spot_then_recognize import SpotThenRecognizeScore

        return SpotThenRecognizeScore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
