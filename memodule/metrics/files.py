"""Predictions and truths from CSV files, checked row by row.

Columns: subject, video, onset, offset, emotion; optionally apex (may be empty), kind (micro, the default, or macro)
and, in predictions, confidence. Frames are 0-based and inclusive. A Catalog's `expressions.csv` is a truth file.
"""

import csv
import dataclasses
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from memodule import console
from memodule.datasets.catalog import Kind, VideoKey
from memodule.decoding.comparison import VideoIntervals, VideoLength
from memodule.decoding.decode import UNKNOWN
from memodule.emotions import EMOTIONS, FRAME_CLASSES
from memodule.errors import UserError
from memodule.metrics.spot_tables import NOT_ANALYSED, is_spot_table, keys_by_path, report_not_analysed, with_key
from memodule.runtime.csv_files import csv_rows

REQUIRED: Final = ("subject", "video", "onset", "offset", "emotion")
OPTIONAL: Final = ("apex", "kind", "confidence")

Role = Literal["predictions", "truth"]


@dataclasses.dataclass(frozen=True, slots=True)
class IntervalRow:
    """One interval of a file.

    Attributes:
        where: "file, row N".
        key: (subject, video).
        kind: "micro" or "macro".
        frames: Onset, apex (-1 = unknown), offset.
        emotion: Class index; -1 = unknown (macro-expressions, predictions of a system that names no emotions).
        confidence: Larger is more certain; None without such a column.
    """

    where: str
    key: VideoKey
    kind: Kind
    frames: tuple[int, int, int]
    emotion: int
    confidence: float | None


def read_rows(path: Path, role: Role, videos: Path | None = None) -> list[IntervalRow]:
    """Read and check a file of predictions or truths; rows keep the order of the file.

    Predictions may be a table of `memodule spot`. Its rows about parts that were not analysed are dropped and reported.

    Args:
        videos: A `videos.csv` whose column path gives subject and video of each file named in such a table.

    Raises:
        UserError: With the first wrong row and how to fix it.
    """
    header = _header(path)
    keys = keys_by_path(videos, path) if role == "predictions" and is_spot_table(header) else None
    columns = [column for column in (*REQUIRED, *OPTIONAL) if column in header or column in REQUIRED]
    if keys is not None:
        columns.remove("subject")
    rows, unseen = [], []
    for where, read in csv_rows(path, columns):
        cells = read if keys is None else with_key(read, keys, where)
        if role == "predictions" and cells.get("kind", "").lower() == NOT_ANALYSED:
            frames = _whole(cells, "offset", where) - _whole(cells, "onset", where) + 1
            unseen.append((_key(cells, where), frames))
        else:
            rows.append(_row(cells, where, role))
    report_not_analysed(path, unseen)
    _check_repeats(rows, role)
    _check_emotions(rows)
    return rows


def have_emotions(rows: Iterable[IntervalRow]) -> bool:
    """Whether micro-expressions have emotions; where one has none, none has."""
    return not any(row.emotion == UNKNOWN for row in rows if row.kind == "micro")


def _check_emotions(rows: Sequence[IntervalRow]) -> None:
    micro = [row for row in rows if row.kind == "micro"]
    without = [row for row in micro if row.emotion == UNKNOWN]
    if without and len(without) < len(micro):
        raise UserError(f"{without[0].where}: no emotion, while other rows have one; name all emotions, or none")


def _check_repeats(rows: Sequence[IntervalRow], role: Role) -> None:
    first: dict[tuple[object, ...], str] = {}
    repeats = []
    for row in rows:
        same = (row.key, row.kind, row.frames[0], row.frames[2])
        if same in first:
            repeats.append(f"{row.where}: the same frames as {first[same].rpartition(', ')[2]}")
        first.setdefault(same, row.where)
    if repeats and role == "truth":
        raise UserError(f"{repeats[0]}; an expression can be found only once, so delete one of them")
    if repeats:
        console.warn(f"{repeats[0]} ({len(repeats)} such rows); each counts as another prediction")


def read_lengths(path: Path) -> dict[VideoKey, VideoLength]:
    """Read subject, video, frames and, if present, fps of a Catalog's `videos.csv`."""
    columns = ["subject", "video", "frames", *(["fps"] if "fps" in _header(path) else [])]
    lengths: dict[VideoKey, VideoLength] = {}
    for where, cells in csv_rows(path, columns):
        key = _key(cells, where)
        if key in lengths:
            raise UserError(f"{where}: video {'/'.join(key)} occurs twice; every video needs its own code")
        frames = _whole(cells, "frames", where)
        fps = _finite(cells, "fps", where) if cells.get("fps") else None
        if frames < 1 or (fps is not None and fps <= 0):
            raise UserError(f"{where}: a video has at least one frame and a positive frame rate; correct frames or fps")
        lengths[key] = VideoLength(frames, fps)
    return lengths


def gather(
    predictions: Sequence[IntervalRow],
    truths: Sequence[IntervalRow],
    lengths: dict[VideoKey, VideoLength] | None = None,
    kind: Kind = "micro",
    more_videos: Iterable[VideoKey] = (),
) -> list[VideoIntervals]:
    """Group predictions and truths of one kind by video; videos without rows are included.

    Args:
        predictions: Rows of the prediction file, in the order of the file.
        lengths: All videos; None takes the videos of the two files.
        more_videos: Videos known from elsewhere, such as the predictions of another run.
    """
    keys = dict.fromkeys([*(lengths or {}), *(row.key for row in (*truths, *predictions)), *more_videos])
    of: dict[VideoKey, tuple[list[IntervalRow], list[IntervalRow]]] = {key: ([], []) for key in keys}
    for side, rows in enumerate((predictions, truths)):
        for row in rows:
            if row.kind == kind:
                of[row.key][side].append(row)
    return [_video(key, *of[key], (lengths or {}).get(key)) for key in keys]


def _row(cells: dict[str, str], where: str, role: Role) -> IntervalRow:
    key, kind = _key(cells, where), cells.get("kind", "").lower() or "micro"
    if kind not in ("micro", "macro"):
        raise UserError(f"{where}: kind {cells['kind']!r} is neither 'micro' nor 'macro'")
    onset, offset = _whole(cells, "onset", where), _whole(cells, "offset", where)
    apex = _whole(cells, "apex", where) if cells.get("apex") else UNKNOWN
    if onset < 0 and role == "truth":
        raise UserError(f"{where}: onset {onset} is negative; frames count from 0")
    if offset < onset:
        raise UserError(f"{where}: offset {offset} is before onset {onset}; swap or correct them")
    if apex != UNKNOWN and not onset <= apex <= offset:
        raise UserError(f"{where}: apex {apex} is outside {onset} .. {offset}; leave it empty if unknown")
    confidence = _finite(cells, "confidence", where) if role == "predictions" and "confidence" in cells else None
    emotion = _emotion(cells["emotion"], kind, where, role)
    return IntervalRow(where, key, cast(Kind, kind), (onset, apex, offset), emotion, confidence)


def _emotion(name: str, kind: str, where: str, role: Role) -> int:
    """The class index; unknown for a macro-expression, which counts in spotting only, and for an empty prediction."""
    classes = FRAME_CLASSES if role == "predictions" else EMOTIONS
    if kind == "macro" or (not name and role == "predictions"):
        return UNKNOWN
    if name.lower() not in classes:
        hint = "; a neutral part is not an expression, so delete the row" if name.lower() == "neutral" else ""
        raise UserError(f"{where}: emotion {name!r} is not one of {', '.join(classes)}{hint}")
    return classes.index(name.lower())


def _video(
    key: VideoKey, predicted: Sequence[IntervalRow], true: Sequence[IntervalRow], length: VideoLength | None
) -> VideoIntervals:
    def frames(rows: Sequence[IntervalRow]) -> NDArray[np.int64]:
        return np.array([row.frames for row in rows], np.int64).reshape(-1, 3)

    def emotions(rows: Sequence[IntervalRow]) -> NDArray[np.int64]:
        return np.array([row.emotion for row in rows], np.int64)

    values = [row.confidence for row in predicted if row.confidence is not None]
    confidence = np.array(values, np.float64) if len(values) == len(predicted) else None
    return VideoIntervals(key, frames(predicted), emotions(predicted), confidence, frames(true), emotions(true), length)


def _header(path: Path) -> list[str]:
    """The column names; empty if the file cannot be read, which `csv_rows` then explains."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError):
        return []


def _key(cells: dict[str, str], where: str) -> VideoKey:
    if not cells["subject"] or not cells["video"]:
        raise UserError(f"{where}: subject and video must not be empty")
    return cells["subject"], cells["video"]


def _whole(cells: dict[str, str], column: str, where: str) -> int:
    value = _finite(cells, column, where)  # pandas writes whole numbers as 12.0 where a column has gaps
    if abs(value) > 1e12 or value != int(value):
        raise UserError(f"{where}: {column} {cells[column]!r} is not a whole number; frames count from 0")
    return int(value)


def _finite(cells: dict[str, str], column: str, where: str) -> float:
    try:
        value = float(cells[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: {column} {cells[column]!r} is not a number; every row needs one")
    return value
