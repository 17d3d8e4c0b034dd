"""Quality of an extraction: a summary per video, stored with the features and as one CSV file of all videos."""

import dataclasses
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from memodule.flow.parameters import FlowParameters
from memodule.flow.record import FlowRecord
from memodule.flow.window import WindowFlow
from memodule.runtime.csv_files import write_csv

COLUMNS: Final = (
    "subject",
    "video",
    "frames",
    "windows",
    "windows_without_face",
    "face_share",
    "shifts",
    "saturated_frames",
    "box_side",
    "box_side_min",
    "box_side_max",
    "replaced_frames",
    "problem",
    "remarks",
)

_SHOWN: Final = 5
_TOLERATED: Final = 0.1
"""Share of frames with saturated alignment up to which there is no remark."""


@dataclasses.dataclass(frozen=True, slots=True)
class WindowQuality:
    """What is kept of a `WindowFlow` in addition to its flow; `box_side` is the width of the face box in the frame."""

    reference: int | None
    box_side: float | None
    shifts: int
    saturated: int
    undefined: tuple[str, ...]

    @classmethod
    def of(cls, window: WindowFlow) -> "WindowQuality":
        """The quality of a window."""
        side = None if window.box is None else float(window.box.rectangle[2])
        return cls(window.reference, side, window.shifts, window.saturated, window.undefined)


def summarize(windows: Sequence[WindowQuality], length: int) -> dict[str, Any]:
    """Quality of a video with windows of `length` frames, as plain values.

    Returns:
        `windows_without_face`; `face_share`, the share of window columns from the reference frame on, where flow is
        measured (a face lost later only shows as saturated frames); `shifts`; `saturated_frames`; median, smallest and
        largest `box_side` in pixels of the frame; and `undefined`, the number of windows per patch without defined
        flow.
    """
    with_face = [window for window in windows if window.reference is not None]
    measured = sum(length - window.reference for window in with_face if window.reference is not None)
    sides = [window.box_side for window in with_face if window.box_side is not None]
    return {
        "windows_without_face": len(windows) - len(with_face),
        "face_share": round(measured / (length * len(windows)), 4) if windows else 0.0,
        "shifts": sum(window.shifts for window in windows),
        "saturated_frames": sum(window.saturated for window in windows),
        "box_side": statistics.median(sides) if sides else None,
        "box_side_min": min(sides, default=None),
        "box_side_max": max(sides, default=None),
        "undefined": dict(Counter(patch for window in windows for patch in window.undefined)),
    }


def find_problem(windows: Sequence[WindowQuality], sampled: int, parameters: FlowParameters) -> str | None:
    """Why the features of a video of `sampled` sampled frames are unusable, or None."""
    if not windows:
        return f"too short: {sampled} sampled frames are less than one window of {parameters.window}"
    if all(window.reference is None for window in windows):
        return f"no face in any of its {sampled} sampled frames"
    return None


def find_remarks(windows: Sequence[WindowQuality], parameters: FlowParameters) -> list[str]:
    """What looks wrong with the features of a video, one line each; frames are source frames, 0-based."""
    remarks = []
    faceless = [i for i, window in enumerate(windows) if window.reference is None]
    if 0 < len(faceless) < len(windows):
        frame = faceless[0] * parameters.stride * parameters.frame_step
        remarks.append(f"no face in {len(faceless)} of {len(windows)} windows, the first from frame {frame} on")
    late = [i for i, window in enumerate(windows) if window.reference]
    if late:
        frame = late[0] * parameters.stride * parameters.frame_step
        remarks.append(f"the face comes late in {len(late)} windows, the first from frame {frame} on")
    for patch, count in Counter(patch for window in windows for patch in window.undefined).items():
        remarks.append(f"{patch} outside of the crop in {count} windows")
    saturated = sum(window.saturated for window in windows)
    if saturated > _TOLERATED * len(windows) * parameters.window:
        remarks.append(f"head too fast to follow, or face lost, in {saturated} frames of windows")
    return remarks


def shortened(remarks: Sequence[object]) -> list[str]:
    """The first remarks, and the number of the others."""
    more = [f"… and {len(remarks) - _SHOWN} more frames"] if len(remarks) > _SHOWN else []
    return [*map(str, remarks[:_SHOWN]), *more]


def write_quality_table(path: Path, records: Iterable[FlowRecord]) -> None:
    """Write one CSV row per video: `COLUMNS`, empty where nothing is known (imported features)."""
    write_csv(path, COLUMNS, map(_row, records))


def _row(record: FlowRecord) -> list[object]:
    known = {"subject": record.subject, "video": record.video, "frames": record.frames, "windows": record.shape[0]}
    cells = {**record.quality, "remarks": "; ".join(record.quality.get("remarks", ())), **known}
    return [cells.get(column, "") for column in COLUMNS]
