"""Score curves of other systems as files: one file a video, or one file for all.

What a video's curve may look like, wherever it is from:

- (n,) scores, one per sample, nan where there is none;
- (n, 6): score, then negative, positive, surprise, others, neutral as probabilities or logits;
- named: `score`, optionally `frame` (the source frame of each sample) and the classes; in a CSV file the classes are
  columns of their own, elsewhere (n, 5) `probabilities` or `logits`.

Files for all videos name each curve: CSV by the columns subject and video, .npz and .pkl by SUBJECT/VIDEO, or an .npz
holds `scores`, `offsets` (curve i is scores[offsets[i]:offsets[i + 1]]), `subjects` and `videos`.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memodule import console
from memodule.datasets.catalog import VideoKey
from memodule.errors import UserError
from memodule.runtime.plain_pickle import read_plain_pickle
from memodule.runtime.yaml_files import did_you_mean
from memodule.studies.foreign.samples import KNOWN, SampledScores, samples_of
from memodule.studies.foreign.tables import read_table, read_tables

SUFFIXES: Final = (".csv", ".npy", ".npz", ".pkl", ".pickle")
"""Files that can hold score curves."""


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
    known = set(videos)
    unknown = [curve for curve in curves if curve.key not in known]
    if unknown:
        name = "/".join(unknown[0].key)
        near = did_you_mean(name, map("/".join, videos))
        more = f" ({len(unknown)} curves of {len(curves)} have such names)" if len(unknown) > 1 else ""
        raise UserError(
            f"{unknown[0].where}: the Catalog has no video {name}{near}{more}; correct the name, "
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
        yield read_table(path, key)
    elif suffix == ".npz":
        arrays = _arrays(path)
        yield samples_of(str(path), key, next(iter(arrays.values())) if len(arrays) == 1 else arrays)
    else:
        yield samples_of(str(path), key, _array(path) if suffix == ".npy" else read_plain_pickle(path))


def _file_of_all(path: Path) -> Iterator[SampledScores]:
    """The curves of a file about all videos, each under its name."""
    suffix = path.suffix.lower()
    if not path.is_file():
        raise UserError(f"{path}: no such file or folder; use a folder or file of score curves ({', '.join(SUFFIXES)})")
    if suffix == ".csv":
        yield from read_tables(path)
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
                    yield samples_of(f"{path}, {name}/{video}", (name, str(video)), own)
                continue
            parts = tuple(map(str, name)) if isinstance(name, tuple) else tuple(str(name).split("/", 1))
            if len(parts) != 2:
                raise UserError(f"{path}: {name!r} does not say which video it is about; {wanted}")
            yield samples_of(f"{path}, {'/'.join(parts)}", (parts[0], parts[1]), value)
        return
    if not isinstance(contents, list | tuple):
        raise UserError(f"{path}: holds {type(contents).__name__}, not curves by name; {wanted}")
    for place, row in enumerate(contents):
        if not isinstance(row, list | tuple) or len(row) != 3 or not all(isinstance(part, str) for part in row[:2]):
            raise UserError(f"{path}: entry {place} is not (subject, video, curve); write such rows, or {wanted}")
        yield samples_of(f"{path}, entry {place}", (row[0], row[1]), row[2])


def _joined(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Iterator[SampledScores]:
    """Curves one after the other in one array."""
    missing = [name for name in ("scores", "subjects", "videos") if name not in arrays]
    if missing:
        raise UserError(f"{path}: has offsets but no {missing[0]}; it needs scores, offsets, subjects and videos")
    offsets, names = arrays["offsets"].ravel(), [arrays[name].ravel().tolist() for name in ("subjects", "videos")]
    parts = {name: arrays[name] for name in KNOWN if name in arrays}
    ends, count = offsets.tolist(), arrays["scores"].size
    if other := [name for name, part in parts.items() if part.shape[:1] != (count,)]:
        raise UserError(f"{path}: {other[0]} has shape {parts[other[0]].shape}, and there are {count} scores")
    if offsets.dtype.kind not in "iu" or len({len(ends) - 1, *map(len, names)}) > 1:
        raise UserError(f"{path}: offsets need one whole number more than there are subjects and videos")
    if ends != sorted(ends) or ends[0] != 0 or ends[-1] != count:
        raise UserError(
            f"{path}: offsets must rise from 0 to {count}, the number of scores; curve i is "
            "scores[offsets[i]:offsets[i + 1]]"
        )
    for subject, video, start, end in zip(*names, ends[:-1], ends[1:], strict=True):
        own = {name: part[start:end] for name, part in parts.items()}
        yield samples_of(f"{path}, {subject}/{video}", (str(subject), str(video)), own)


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
