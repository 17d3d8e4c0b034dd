"""Score curves of other systems as files: one file a video, or one file for all.

What a video's curve may look like, wherever it is from:

- (n,) scores, one per sample, nan where there is none;
- (n, 6): score, then negative, positive, surprise, others, neutral as probabilities or logits;
- named: `score`, optionally `frame` (the source frame of each sample) and the classes; in a CSV file the classes are
  columns of their own, elsewhere (n, 5) `probabilities` or `logits`.

Files for all videos name each curve: CSV by the columns subject and video, .npz and .pkl by SUBJECT/VIDEO, or an .npz
holds `scores`, `offsets` (curve i is scores[offsets[i]:offsets[i + 1]]), `subjects` and `videos`.
"""

import csv
import dataclasses
import io
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memodule import console
from memodule.datasets.catalog import VideoKey
from memodule.emotions import FRAME_CLASSES
from memodule.errors import UserError
from memodule.runtime.csv_files import csv_rows, number, read_text
from memodule.runtime.plain_pickle import read_plain_pickle
from memodule.runtime.yaml_files import did_you_mean

SUFFIXES: Final = (".csv", ".npy", ".npz", ".pkl", ".pickle")
"""Files that can hold score curves."""

_SCORES: Final = ("score", "scores")
_FRAMES: Final = ("frame", "frames")
_CLASSES: Final = ("probabilities", "logits", "classes")
_WIDTH: Final = 1 + len(FRAME_CLASSES)
_SHAPES: Final = f"use (samples,) scores, or (samples, {_WIDTH}) with the classes {', '.join(FRAME_CLASSES)} behind"


@dataclasses.dataclass(frozen=True, eq=False)
class SampledScores:
    """What another system said about one video, sample by sample.

    Attributes:
        where: File, and the name or rows inside it, for messages.
        scores: (n,) float64; nan where the system said nothing.
        classes: (n, 5) probabilities or logits in the order of `FRAME_CLASSES`; None if the system has no classes.
        frames: (n,) the source frame of each sample, if the file names it.
    """

    where: str
    key: VideoKey
    scores: NDArray[np.float64]
    classes: NDArray[np.float64] | None = None
    frames: NDArray[np.int64] | None = None


def read_curve_files(path: Path, videos: Sequence[VideoKey], pattern: str | None = None) -> list[SampledScores]:
    """Read all curves of a folder or file, and find out which videos they belong to.

    Args:
        videos: (subject, video) of the Catalog; other names are refused.
        pattern: Path of each video's file below the folder, with `{subject}`, `{number}` (what follows the last full
            stop of the subject) and `{video}`. None accepts SUBJECT/VIDEO, SUBJECT_VIDEO and names of videos that no
            two subjects share.

    Raises:
        UserError: If a file cannot be read, is not about a video of the Catalog, or two are about the same one.
    """
    if path.is_dir():
        files = _by_pattern(path, videos, pattern) if pattern else _by_name(path, videos)
        curves = [curve for key, file in console.track(files, "curves") for curve in _file_of_video(file, key)]
    elif pattern:
        raise UserError(f"--pattern {pattern}: names files of a folder, and {path} is not a folder; leave it out")
    else:
        curves = list(_file_of_all(path))
    if not curves:
        raise UserError(f"{path}: holds no score curve; use a folder or file of them ({', '.join(SUFFIXES)})")
    _check_names(curves, videos)
    return curves


def _check_names(curves: Sequence[SampledScores], videos: Sequence[VideoKey]) -> None:
    known = {"/".join(key): key for key in videos}
    unknown = [curve for curve in curves if curve.key not in set(known.values())]
    if unknown:
        name = "/".join(unknown[0].key)
        more = f" ({len(unknown)} curves of {len(curves)} have such names)" if len(unknown) > 1 else ""
        raise UserError(
            f"{unknown[0].where}: the Catalog has no video {name}{did_you_mean(name, known)}{more}; correct the name, "
            "or use the Catalog that these curves are about"
        )
    first: dict[VideoKey, str] = {}
    for curve in curves:
        if curve.key in first:
            raise UserError(
                f"{curve.where}: video {'/'.join(curve.key)} has a curve in {first[curve.key]} already; remove one"
            )
        first[curve.key] = curve.where


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())


def _by_pattern(folder: Path, videos: Sequence[VideoKey], pattern: str) -> list[tuple[VideoKey, Path]]:
    """The file of each video that has one."""
    try:
        named = {
            (subject, video): folder / pattern.format(subject=subject, video=video, number=subject.rpartition(".")[2])
            for subject, video in videos
        }
    except (KeyError, IndexError, ValueError, AttributeError):
        named = {}
    if len(set(named.values())) < len(videos):
        raise UserError(f"--pattern {pattern}: needs {{subject}} and {{video}}, as in {{subject}}/{{video}}_scores.npy")
    found = [(key, file) for key, file in named.items() if file.is_file()]
    if not found:
        raise UserError(
            f"{next(iter(named.values()))}: no such file, and neither has any other video one; set "
            "--pattern to the names of the files"
        )
    others = len(set(_files(folder)) - {file for _, file in found})
    if others:
        console.note(f"{folder}: {others} files do not follow --pattern {pattern} and are left out")
    return found


def _by_name(folder: Path, videos: Sequence[VideoKey]) -> list[tuple[VideoKey, Path]]:
    """The files of a folder, all of which must be named after a video."""
    meant: dict[str, set[VideoKey]] = {}
    for subject, video in videos:
        for name in (f"{subject}/{video}", f"{subject}_{video}", video):
            meant.setdefault(name, set()).add((subject, video))
    found = []
    for file in _files(folder):
        name = file.relative_to(folder).with_suffix("").as_posix()
        keys = meant.get(name, set())
        if len(keys) > 1:
            both = " and ".join("/".join(key) for key in sorted(keys)[:2])
            raise UserError(f"{file}: may be {both}; set --pattern, such as {{subject}}/{{video}}{file.suffix}")
        if not keys:
            raise UserError(
                f"{file}: is not named after a video of the Catalog{did_you_mean(name, meant)}; use SUBJECT/VIDEO or "
                "SUBJECT_VIDEO, set --pattern, or move the file elsewhere"
            )
        found.append((next(iter(keys)), file))
    return found


def _file_of_video(path: Path, key: VideoKey) -> Iterator[SampledScores]:
    """The curve of a file about one video."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        yield _csv_of_video(path, key)
    elif suffix == ".npz":
        arrays = _arrays(path)
        yield _samples(str(path), key, next(iter(arrays.values())) if len(arrays) == 1 else arrays)
    else:
        yield _samples(str(path), key, _array(path) if suffix == ".npy" else read_plain_pickle(path))


def _file_of_all(path: Path) -> Iterator[SampledScores]:
    """The curves of a file about all videos, each under its name."""
    suffix = path.suffix.lower()
    if not path.is_file():
        raise UserError(f"{path}: no such file or folder; use a folder or file of score curves ({', '.join(SUFFIXES)})")
    if suffix == ".csv":
        yield from _csv_of_all(path)
    elif suffix == ".npz":
        arrays = _arrays(path)
        yield from _joined(path, arrays) if "offsets" in arrays else _named(path, arrays)
    elif suffix in (".pkl", ".pickle"):
        yield from _named(path, read_plain_pickle(path))
    else:
        raise UserError(
            f"{path}: does not say which video it is about; use a folder with one file a video, or one of .csv, .npz, "
            ".pkl for all of them"
        )


def _named(path: Path, contents: Any) -> Iterator[SampledScores]:
    """Curves by SUBJECT/VIDEO or (subject, video), by subject and then video, or rows of subject, video, curve."""
    wanted = "name each curve SUBJECT/VIDEO"
    if isinstance(contents, Mapping):
        for name, value in contents.items():
            if isinstance(name, str) and isinstance(value, Mapping) and "/" not in name:
                for video, own in value.items():
                    yield _samples(f"{path}, {name}/{video}", (name, str(video)), own)
                continue
            parts = tuple(map(str, name)) if isinstance(name, tuple) else tuple(str(name).split("/", 1))
            if len(parts) != 2:
                raise UserError(f"{path}: {name!r} does not say which video it is about; {wanted}")
            yield _samples(f"{path}, {'/'.join(parts)}", (parts[0], parts[1]), value)
        return
    if not isinstance(contents, list | tuple):
        raise UserError(f"{path}: holds {type(contents).__name__}, not curves by name; {wanted}")
    for place, row in enumerate(contents):
        if not isinstance(row, list | tuple) or len(row) != 3 or not all(isinstance(part, str) for part in row[:2]):
            raise UserError(f"{path}: entry {place} is not (subject, video, curve); write such rows, or {wanted}")
        yield _samples(f"{path}, entry {place}", (row[0], row[1]), row[2])


def _joined(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Iterator[SampledScores]:
    """Curves one after the other in one array."""
    missing = [name for name in ("scores", "subjects", "videos") if name not in arrays]
    if missing:
        raise UserError(f"{path}: has offsets but no {missing[0]}; it needs scores, offsets, subjects and videos")
    samples = _samples(str(path), ("", ""), {name: arrays[name] for name in arrays if name in _KNOWN})
    offsets, names = arrays["offsets"].ravel(), [arrays[name].ravel().tolist() for name in ("subjects", "videos")]
    ends = offsets.tolist()
    if offsets.dtype.kind not in "iu" or len({len(ends) - 1, *map(len, names)}) > 1:
        raise UserError(f"{path}: offsets need one whole number more than there are subjects and videos")
    if ends != sorted(ends) or ends[0] != 0 or ends[-1] != len(samples.scores):
        raise UserError(
            f"{path}: offsets must rise from 0 to the {len(samples.scores)} samples of scores; curve i is "
            "scores[offsets[i]:offsets[i + 1]]"
        )
    for subject, video, start, end in zip(*names, ends[:-1], ends[1:], strict=True):
        yield dataclasses.replace(
            samples,
            where=f"{path}, {subject}/{video}",
            key=(str(subject), str(video)),
            scores=samples.scores[start:end],
            classes=None if samples.classes is None else samples.classes[start:end],
            frames=None if samples.frames is None else samples.frames[start:end],
        )


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz file; objects, which would be pickles, are refused."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # numpy and zipfile raise many kinds for a broken file
        raise _damaged(path, error) from None


def _array(path: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except Exception as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> UserError:
    reason = str(error).partition("\n")[0] or type(error).__name__
    return UserError(f"{path}: not a file of numpy arrays of numbers, or damaged ({reason}); write or copy it again")


_KNOWN: Final = (*_SCORES, *_FRAMES, *_CLASSES)


def _samples(where: str, key: VideoKey, value: Any) -> SampledScores:
    """A curve from an array, or from arrays by name."""
    if not isinstance(value, Mapping):
        table = _numbers(where, value)
        if table.ndim == 2 and table.shape[1] == _WIDTH:
            return _checked(SampledScores(where, key, table[:, 0], table[:, 1:]))
        if table.ndim == 2 and 1 in table.shape:
            table = table.ravel()
        if table.ndim != 1:
            raise UserError(f"{where}: has shape {table.shape}; {_SHAPES}")
        return _checked(SampledScores(where, key, table))
    named = {str(name): part for name, part in value.items()}
    if unknown := [name for name in named if name not in _KNOWN]:
        raise UserError(f"{where}: {unknown[0]!r} is not understood; use score, frame, and probabilities or logits")
    parts = [[named[name] for name in names if name in named] for names in (_SCORES, _CLASSES, _FRAMES)]
    if len(parts[0]) != 1 or len(parts[1]) > 1 or len(parts[2]) > 1:
        raise UserError(f"{where}: needs one score array, at most one of the classes and one of frames")
    scores = _numbers(where, parts[0][0]).ravel()
    classes = _numbers(where, parts[1][0]) if parts[1] else None
    if classes is not None and classes.shape != (len(scores), len(FRAME_CLASSES)):
        raise UserError(
            f"{where}: classes have shape {classes.shape}, not ({len(scores)}, {len(FRAME_CLASSES)}): one column for "
            f"each of {', '.join(FRAME_CLASSES)}"
        )
    return _checked(SampledScores(where, key, scores, classes, _frames(where, parts[2], len(scores))))


def _numbers(where: str, value: Any) -> NDArray[np.float64]:
    try:
        found: NDArray[Any] = np.asarray(value)
    except ValueError:  # rows of different lengths
        found = np.empty(0, object)
    if found.dtype.kind not in "iufb":
        raise UserError(f"{where}: does not hold numbers alone; {_SHAPES}")
    return found.astype(np.float64)


def _frames(where: str, given: Sequence[Any], length: int) -> NDArray[np.int64] | None:
    if not given:
        return None
    numbers = _numbers(where, given[0]).ravel()
    if len(numbers) != length or not (np.isfinite(numbers) & (numbers >= 0) & (numbers % 1 == 0)).all():
        raise UserError(f"{where}: frame must be a whole number from 0 for each of the {length} samples")
    frames = numbers.astype(np.int64)
    if len(np.unique(frames)) < length:
        raise UserError(f"{where}: two samples are about the same frame; keep one of them, or their mean")
    return frames


def _checked(samples: SampledScores) -> SampledScores:
    """Refuse what no rule can use."""
    if np.isinf(samples.scores).any():
        place = int(np.isinf(samples.scores).argmax())
        raise UserError(f"{samples.where}: the score of sample {place} is infinite; use a number, or nan if unknown")
    known = np.isfinite(samples.scores)
    if samples.classes is not None and not np.isfinite(samples.classes[known]).all():
        place = int((known & ~np.isfinite(samples.classes).all(axis=1)).argmax())
        raise UserError(f"{samples.where}: sample {place} has a score, but not all of its classes are finite numbers")
    return samples


def _csv_of_video(path: Path, key: VideoKey) -> SampledScores:
    """A CSV file with a column score, or of numbers alone."""
    text, header = _csv_text(path)
    if header and _is_number(header[0]):
        return _samples(str(path), key, _table(path, text))
    columns = _Columns(header)
    for where, cells in csv_rows(path, ["score", *columns.names]):
        columns.add(cells, where)
    return columns.curve(str(path), key)


def _csv_of_all(path: Path) -> Iterator[SampledScores]:
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
        return _checked(SampledScores(where, key, scores, classes, _frames(where, frames, len(scores))))


def sums_to_one(classes: NDArray[np.float64]) -> bool:
    """Whether all rows are probabilities: not negative, with a sum of 1 (give or take rounding)."""
    return bool((classes >= 0).all() and (np.abs(classes.sum(axis=1) - 1) < _ROUNDING).all())


_ROUNDING: Final = 0.02
"""How far from 1 the sum of printed probabilities may be."""


def _table(path: Path, text: str) -> NDArray[np.float64]:
    """The numbers of a CSV file without header; an empty cell is nan."""
    try:
        rows = [
            [float(cell) if cell.strip() else math.nan for cell in row] for row in csv.reader(io.StringIO(text)) if row
        ]
        return np.array(rows)
    except ValueError:
        raise UserError(f"{path}: not all rows hold as many numbers as the first; {_SHAPES}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
