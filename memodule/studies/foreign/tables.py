"""Score curves in CSV files, of one video or of all of them."""

import csv
import io
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memodule.datasets.catalog import VideoKey
from memodule.emotions import FRAME_CLASSES
from memodule.errors import UserError
from memodule.runtime.csv_files import csv_rows, number, read_text
from memodule.studies.foreign.samples import SHAPES, SampledScores, checked, frames_of, samples_of, sums_to_one


def read_table(path: Path, key: VideoKey) -> SampledScores:
    """A CSV file with a column score, or of numbers alone."""
    text, header = _csv_text(path)
    if header and _is_number(header[0]):
        return samples_of(str(path), key, _table(path, text))
    columns = _Columns(header)
    for where, cells in csv_rows(path, ["score", *columns.names]):
        columns.add(cells, where)
    return columns.curve(str(path), key)


def read_tables(path: Path) -> Iterator[SampledScores]:
    """A CSV file with the columns subject, video and score."""
    _, header = _csv_text(path)
    videos: dict[VideoKey, _Columns] = {}
    for where, cells in csv_rows(path, ["subject", "video", "score", *_Columns(header).names]):
        key = cells["subject"], cells["video"]
        if key not in videos:
            videos[key] = _Columns(header)
        videos[key].add(cells, where)
    for key, columns in videos.items():
        yield columns.curve(f"{path}, {'/'.join(key)}", key)


def _csv_text(path: Path) -> tuple[str, list[str]]:
    """The contents of a CSV file, and its first row."""
    text = read_text(path, "a CSV file of scores").removeprefix("\ufeff")
    return text, next(csv.reader(io.StringIO(text)), [])


class _Columns:
    """The numbers of one video in a CSV file, column by column.

    Attributes:
        names: Columns that the file has besides the score: frame, and the classes.
    """

    def __init__(self, header: Sequence[str]) -> None:
        self.names = [name for name in ("frame", *FRAME_CLASSES) if name in header]
        self._numbers: dict[str, array[float]] = {name: array("d") for name in ("score", *self.names)}

    def add(self, cells: Mapping[str, str], where: str) -> None:
        """Read a row; an empty cell is nan."""
        for name, numbers in self._numbers.items():
            numbers.append(number(cells, name, float, where) if cells[name] else math.nan)

    def curve(self, where: str, key: VideoKey) -> SampledScores:
        """The curve; a class without a column has probability 0."""
        values = {name: np.array(numbers) for name, numbers in self._numbers.items()}
        scores, given = values["score"], [name for name in FRAME_CLASSES if name in values]
        classes = None
        if given:
            nothing = np.zeros(len(scores))
            classes = np.stack([values.get(name, nothing) for name in FRAME_CLASSES], axis=1)
            if len(given) < len(FRAME_CLASSES) and not sums_to_one(classes[np.isfinite(scores)]):
                absent = next(name for name in FRAME_CLASSES if name not in given)
                raise UserError(
                    f"{where}: no column {absent}; only probabilities, which sum to 1, may leave out a class"
                )
        frames = [values["frame"]] if "frame" in values else []
        return checked(SampledScores(where, key, scores, classes, frames_of(where, frames, len(scores))))


def _table(path: Path, text: str) -> NDArray[np.float64]:
    """The numbers of a CSV file without header; an empty cell is nan."""
    try:
        rows = [
            [float(cell) if cell.strip() else math.nan for cell in row] for row in csv.reader(io.StringIO(text)) if row
        ]
        return np.array(rows)
    except ValueError:
        raise UserError(f"{path}: not all rows hold as many numbers as the first; {SHAPES}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
