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
from memodule.decoding.decode import Decoded
from memodule.emotions import EMOTIONS, NEUTRAL, SCORED_EMOTIONS
from memodule.runtime.atomic import write_text
from memodule.runtime.csv_files import read_text

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
    """The mean curve of one video over the folds of an ensemble: mean score and mean logits of each frame.

    Args:
        curves: At least one, all of the same video and length.

    Returns:
        Their mean; logits are averaged before any softmax.

    Raises:
        ValueError: If they are not curves of one video.
    """
    first = curves[0]
    if any((c.key, len(c.score), c.frame_step) != (first.key, len(first.score), first.frame_step) for c in curves):
        raise ValueError("only curves of the same video can be averaged")
    score, logits = np.stack([c.score for c in curves]), np.stack([c.logits for c in curves])
    return dataclasses.replace(
        first, score=score.mean(axis=0).astype(np.float32), logits=logits.mean(axis=0).astype(np.float32)
    )


def rows(videos: Iterable[Decoded], catalog: Catalog, year: Year) -> Iterator[tuple[Any, ...]]:
    """The rows of a submission; what was voted neutral is left out, and in 2025 what was voted others too.

    Args:
        videos: What was found, in 0-based source frames.
        catalog: Holds the videos: their names, and their lengths, to which intervals are cut.
        year: The format.

    Yields:
        The values of `COLUMNS[year]`; frames count from 1, both ends inclusive.

    Raises:
        KeyError: If the Catalog lacks a video.
    """
    for decoded in videos:
        video = catalog.video(decoded.key)
        for (onset, _, offset), emotion in zip(decoded.frames.tolist(), decoded.emotions.tolist(), strict=True):
            first, last = max(onset, 0) + 1, min(offset + 1, video.frames)
            if emotion == NEUTRAL or last < first:
                continue
            if year != "2025":
                yield video_name(video), first, last, "me"
            elif EMOTIONS[emotion] in SCORED_EMOTIONS:
                yield video.subject, video.video, first, last, EMOTIONS[emotion]


def video_name(video: Video) -> str:
    """How the formats of 2022 and 2023 call a video.

    Args:
        video: A video of a Catalog.

    Returns:
        Its own code where that begins with the subject's (006_1), else subject_video (dzw_d1).
    """
    same = video.video == video.subject or video.video.startswith(f"{video.subject}_")
    return video.video if same else f"{video.subject}_{video.video}"


def write_submission(
    folder: Path, part: Part, year: Year, videos: Iterable[Decoded], catalog: Catalog
) -> tuple[Path, int]:
    """Write `<part>_pred.csv`, and check it.

    Args:
        folder: Where the file goes; made if it is absent.
        part: Names the file: cas or samm.
        year: The format.
        videos: What was found, in 0-based source frames.
        catalog: Holds the challenge's videos.

    Returns:
        The file and its number of rows.

    Raises:
        OSError: If the file cannot be written.
        KeyError: If the Catalog lacks a video.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    written = list(rows(videos, catalog, year))
    writer.writerows([COLUMNS[year], *written])
    path = folder / f"{part}_pred.csv"
    write_text(path, text.getvalue())
    problems = find_problems(path, year, catalog)
    if problems:
        raise AssertionError(f"{path}: {problems[0]}")
    return path, len(written)


def find_problems(path: Path, year: Year, catalog: Catalog | None = None) -> list[str]:
    """What is wrong with a submission file, in words, row by row; nothing if it is valid.

    Args:
        path: The file.
        year: Its format.
        catalog: The challenge's videos, to check names and lengths too.

    Returns:
        One line for each problem, beginning with the row, counted from 1 (the header).

    Raises:
        UserError: If the file cannot be read.
    """
    table = list(csv.reader(io.StringIO(read_text(path, "a submission file (CSV)"))))
    if not table or tuple(table[0]) != COLUMNS[year]:
        found = ",".join(table[0]) if table else "nothing"
        return [f"row 1: the header is {found}; the format of {year} wants {','.join(COLUMNS[year])}"]
    known = None if catalog is None else {_name(video, year): video.frames for video in catalog.videos}
    problems, seen = [], set()
    for number, row in enumerate(table[1:], 2):
        problem = _row_problem(row, year, known)
        if problem is None and tuple(row) in seen:
            problem = "the same row stands above already"
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
            return f"{column} {value!r} is no whole number"
        if int(value) < 1:
            return f"{column} {value}: frames count from 1"
    if int(offset) < int(onset):
        return f"offset {offset} lies before onset {onset}"
    if label not in _LABELS[year]:
        return f"{COLUMNS[year][-1]} {label!r} is none of {', '.join(_LABELS[year])}"
    if known is not None and tuple(name) not in known:
        return f"there is no video {'/'.join(name)} in the Catalog"
    if known is not None and int(offset) > known[tuple(name)]:
        return f"offset {offset} lies behind the last frame {known[tuple(name)]} of {'/'.join(name)}"
    return None
