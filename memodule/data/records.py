"""Windows from the flow store into memory, checked to be finite."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from memodule.errors import UserError
from memodule.flow import FlowRecord


def finite_windows(record: FlowRecord, kept: Any = slice(None)) -> npt.NDArray[np.float32]:
    """Copy windows (w, 36, window) of one video; all of them unless `kept` says which.

    Raises:
        UserError: If a number is not finite: it would spoil every weight that learns from it.
    """
    windows = np.array(record.windows[kept])
    if not np.isfinite(windows).all():
        raise UserError(
            f"{record.path}: features that are not finite, so the file was changed after it was written; run "
            "`memodule extract` with --verify"
        )
    return windows


def gather(
    records: Sequence[FlowRecord], counts: Sequence[int], kept: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Copy windows (w, 36, window) of many videos.

    Args:
        counts: How many windows of each record take part, from its first one on.
        kept: Which of them are copied, counted from 0 over all records, ascending.
    """
    parts, first = [], 0
    for record, count in zip(records, counts, strict=True):
        inside = kept[(kept >= first) & (kept < first + count)] - first
        parts.append(finite_windows(record, inside))
        first += count
    return np.concatenate(parts)
