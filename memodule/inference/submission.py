"""Submission files of the Micro-Expression Grand Challenge (MEGC): writing and checking them.

A submission is two CSV files, `cas_pred.csv` and `samm_pred.csv`. Frames in them count from 1, both ends inclusive, in
frames of the source video. The formats, as public submissions of those years show them:

| year | columns | a row |
|---|---|---|
| 2022 | vid, pred_onset, pred_offset, type | an expression; type is me or mae (macro) |
| 2023 | vid, onset, offset, type | the same |
| 2025 (and 2024) | subject, video, onset, offset, emotion | a micro-expression that is negative, positive or surprise |

`vid` is subject_video for the CAS part (dzw_d1) and the video's own code for the SAMM part (004_3).

Differences from the published code, whose SAMM frames are one sampled step (7 frames) too early and may be negative,
and whose CAS frames count from 0: here frame f of a Catalog is always f + 1 in the file.
"""

import csv
import dataclasses
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from memodule.datasets.catalog import Catalog, Video
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import UNKNOWN, Decoded
from memodule.emotions import EMOTIONS, NEUTRAL, SCORED_EMOTIONS
from memodule.errors import UserError
from memodule.runtime.csv_files import read_text, write_csv

Year = Literal["2022", "2023", "2025"]
Part = Literal["cas", "samm"]

COLUMNS: Final[dict[Year, tuple[str, ...]]] = {
    "2022": ("vid", "pred_onset", "pred_offset", "type"),
    "2023": ("vid", "onset", "offset", "type"),
    "2025": ("subject", "video", "onset", "offset", "emotion"),
}
"""The header of each format."""

_LABELS: Final[dict[Year, tuple[str, ...]]] = {"2022": ("me", "mae"), "2023": ("me", "mae"), "2025": SCORED_EMOTIONS}


def average(curves: Sequence[VideoCurve]) -> VideoCurve:
    """The mean curve of one video over the folds of an ensemble; logits are averaged before any softmax.

    Its spread is the mean of theirs.

    Raises:
        ValueError: If they are curves of different videos.
    """
    first = curves[0]
    if any((c.key, len(c.score), c.frame_step) != (first.key, len(first.score), first.frame_step) for c in curves):
        raise ValueError("only curves of the same video can be averaged")
    score, logits = np.stack([c.score for c in curves]), [c.logits for c in curves if c.logits is not None]
    spread = [c.spread for c in curves if c.spread is not None]
    return dataclasses.replace(
        first,
        spread=np.stack(spread).mean(axis=0).astype(np.float32) if len(spread) == len(curves) else None,
        score=score.mean(axis=0).astype(np.float32),
        logits=np.stack(logits).mean(axis=0).astype(np.float32) if logits else None,
    )


def rows(videos: Iterable[Decoded], catalog: Catalog, year: Year) -> Iterator[tuple[Any, ...]]:
    """The rows of a submission, values of `COLUMNS[year]`; frames count from 1, both ends inclusive.

    Intervals voted neutral are left out, in 2025 also those voted others.

    Args:
        catalog: Names of the videos, and their lengths, to which intervals are cut.

    Raises:
        UserError: If the format needs emotions and none are known.
    """
    for decoded in videos:
        video = catalog.video(decoded.key)
        for (onset, _, offset), emotion in zip(decoded.frames.tolist(), decoded.emotions.tolist(), strict=True):
            first, last = max(onset, 0) + 1, min(offset + 1, video.frames)
            if emotion == NEUTRAL or last < first:
                continue
            if year != "2025":
                yield video_name(video), first, last, "me"
            elif emotion == UNKNOWN:
                raise UserError(
                    f"{'/'.join(video.key)}: its curves have no classes, and the format of 2025 needs emotions; use "
                    "--format 2023"
                )
            elif EMOTIONS[emotion] in SCORED_EMOTIONS:
                yield video.subject, video.video, first, last, EMOTIONS[emotion]


def video_name(video: Video) -> str:
    """A video's name in the formats of 2022 and 2023.

    Its own code if that begins with the subject's (006_1), otherwise subject_video (dzw_d1).
    """
    same = video.video == video.subject or video.video.startswith(f"{video.subject}_")
    return video.video if same else f"{video.subject}_{video.video}"


def write_submission(
    folder: Path, part: Part, year: Year, videos: Iterable[Decoded], catalog: Catalog
) -> tuple[Path, int]:
    """Write `<part>_pred.csv` into a folder, check it, and return the file and its number of rows."""
    written = list(rows(videos, catalog, year))
    path = folder / f"{part}_pred.csv"
    write_csv(path, COLUMNS[year], written)
    problems = find_problems(path, year, catalog)
    if problems:
        raise AssertionError(f"{path}: {problems[0]}")
    return path, len(written)


def find_problems(path: Path, year: Year, catalog: Catalog | None = None) -> list[str]:
    """What is wrong with a submission file, one line per problem, beginning with the row, counted from 1 (the header).

    Args:
        catalog: The challenge's videos, to check names and lengths too.
    """
    table = list(csv.reader(io.StringIO(read_text(path, "a submission file (CSV)"))))
    if not table or tuple(table[0]) != COLUMNS[year]:
        found = ",".join(table[0]) if table else "nothing"
        return [f"row 1: the header is {found}; the format of {year} needs {','.join(COLUMNS[year])}"]
    known = None if catalog is None else {_name(video, year): video.frames for video in catalog.videos}
    problems, seen = [], set()
    for number, row in enumerate(table[1:], 2):
        problem = _row_problem(row, year, known)
        if problem is None and tuple(row) in seen:
            problem = "repeats a row above"
        seen.add(tuple(row))
        if problem:
            problems.append(f"row {number}: {problem}")
    return problems


def _name(video: Video, year: Year) -> tuple[str, ...]:
    return (video.subject, video.video) if year == "2025" else (video_name(video),)


def _row_problem(row: Sequence[str], year: Year, known: dict[tuple[str, ...], int] | None) -> str | None:
    if len(row) != len(COLUMNS[year]):
        return f"{len(row)} fields instead of {len(COLUMNS[year])}"
    *name, onset, offset, label = row
    if not all(name):
        return "no video is named"
    for column, value in zip(COLUMNS[year][-3:-1], (onset, offset), strict=True):
        if not re.fullmatch(r"\d+", value):
            return f"{column} {value!r} is not a whole number"
        if int(value) < 1:
            return f"{column} {value}: frames count from 1"
    if int(offset) < int(onset):
        return f"offset {offset} is before onset {onset}"
    if label not in _LABELS[year]:
        return f"{COLUMNS[year][-1]} {label!r} is not one of {', '.join(_LABELS[year])}"
    if known is not None and tuple(name) not in known:
        return f"the Catalog has no video {'/'.join(name)}"
    if known is not None and int(offset) > known[tuple(name)]:
        return f"offset {offset} is past the last frame {known[tuple(name)]} of {'/'.join(name)}"
    return None
