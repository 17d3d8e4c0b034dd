"""Scores of spotted and recognised micro-expressions.

`memodule.metrics.functional` counts and scores in plain numpy; its docstring lists the conventions and every difference
from the published scorers. `SpotThenRecognizeScore` wraps it as a torchmetrics metric for training loops; it is
imported on first use, so that scoring CSV files does not load torch.
"""

from typing import TYPE_CHECKING

from memodule.runtime.lazy import lazy_attributes

if TYPE_CHECKING:
    from memodule.metrics.spot_then_recognize import SpotThenRecognizeScore

__all__ = ["SpotThenRecognizeScore"]

__getattr__ = lazy_attributes(__name__, {"SpotThenRecognizeScore": "spot_then_recognize"})
