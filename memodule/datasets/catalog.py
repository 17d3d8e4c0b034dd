"""The Catalog: which videos there are, and which expressions they hold.

On disk a Catalog is two CSV files in one folder, which is also the format for your own data:

- `videos.csv`: subject, video, path, fps, frames. `path` is a video file or a folder of images, relative to the CSV.
- `expressions.csv`: subject, video, kind, onset, apex, offset, emotion. `kind` is micro or macro; onset, apex and
  offset are 0-based frames of the source video, both ends inclusive; `apex` may be empty; `emotion` is negative,
  positive, surprise or others (a macro-expression's may be empty). Without labels the file may be missing.
"""

import dataclasses
import functools
import math
from collections.abc import Collection, Container
from pathlib import Path
from typing import Final, Literal, cast, get_args

from memodule.datasets.label_sources import LabelSources
from memodule.emotions import EMOTIONS
from memodule.errors import UserError
from memodule.runtime.atomic import write_json
from memodule.runtime.csv_files import csv_rows, number, write_csv

Kind = Literal["micro", "macro"]
"""A micro-expression, or a macro-expression (a distractor)."""

VideoKey = tuple[str, str]
"""(subject, video): what identifies a video within a Catalog."""

ExpressionKey = tuple[VideoKey, Kind, int, int]
"""(video, kind, onset, offset): what identifies an expression within a Catalog."""

VIDEO_COLUMNS: Final = ("subject", "video", "path", "fps", "frames")
EXPRESSION_COLUMNS: Final = ("subject", "video", "kind", "onset", "apex", "offset", "emotion")


@dataclasses.dataclass(frozen=True, slots=True)
class Video:
    """One face video: a video file or a folder of images; its code is unique within the subject."""

    subject: str
    video: str
    path: Path
    fps: float
    frames: int

    @property
    def key(self) -> VideoKey:
        """(subject, video)."""
        return self.subject, self.video


@dataclasses.dataclass(frozen=True, slots=True)
class Expression:
    """One labelled facial expression.

    Attributes:
        onset: First frame of the movement (0-based, inclusive, in frames of the source video).
        apex: Frame of the strongest movement, or None if unknown.
        offset: Last frame of the movement (inclusive).
        emotion: One of `memodule.emotions.EMOTIONS`; "" if unknown (macro-expressions only).
    """

    subject: str
    video: str
    kind: Kind
    onset: int
    apex: int | None
    offset: int
    emotion: str

    @property
    def key(self) -> VideoKey:
        """(subject, video)."""
        return self.subject, self.video

    @property
    def identity(self) -> ExpressionKey:
        """Its video, kind, onset and offset, unique within a Catalog."""
        return self.key, self.kind, self.onset, self.offset

    def problem(self) -> str | None:
        """What is wrong with this expression by itself, beginning with the field; None if nothing is wrong."""
        if self.kind not in get_args(Kind):
            return f"kind {self.kind!r} is neither 'micro' nor 'macro'"
        if self.onset < 0:
            return f"onset {self.onset} is negative; frames count from 0"
        if self.offset < self.onset:
            return f"offset {self.offset} is before onset {self.onset}"
        if self.apex is not None and not self.onset <= self.apex <= self.offset:
            return f"apex {self.apex} is outside onset {self.onset} .. offset {self.offset}; leave it empty if unknown"
        if self.emotion not in EMOTIONS and not (self.kind == "macro" and not self.emotion):
            return f"emotion {self.emotion!r} is not one of {', '.join(EMOTIONS)}"
        return None


@dataclasses.dataclass(frozen=True)
class Catalog:
    """Videos and their expressions, checked against each other.

    Attributes:
        videos: All videos, in the order of the data set; (subject, video) is unique.
        name: Name of the data set in tables and messages.
        label_sources: The label files behind it, and what was dropped or corrected; does not count in `==`.

    Raises:
        UserError: If a video occurs twice, or an expression is impossible, belongs to no video or is labelled twice.
    """

    videos: tuple[Video, ...]
    expressions: tuple[Expression, ...] = ()
    name: str = "catalog"
    label_sources: LabelSources = dataclasses.field(default=LabelSources(), compare=False)

    def __post_init__(self) -> None:
        frames: dict[VideoKey, int] = {}
        for video in self.videos:
            if video.key in frames:
                raise UserError(f"{self.name}: video {'/'.join(video.key)} occurs twice; give every video its own code")
            frames[video.key] = video.frames
        labelled: set[ExpressionKey] = set()
        for expression in self.expressions:
            problem = _problem(expression, frames, labelled)
            if problem:
                raise UserError(f"{self.name}: expression of {'/'.join(expression.key)}: {problem}")
            labelled.add(expression.identity)

    @property
    def subjects(self) -> tuple[str, ...]:
        """All subjects, in the order of their first video."""
        return tuple(dict.fromkeys(video.subject for video in self.videos))

    def video(self, key: VideoKey) -> Video:
        """The video of (subject, video), or a KeyError if there is none."""
        return self._video_of[key]

    def of(self, subjects: Collection[str]) -> "Catalog":
        """The videos and expressions of some subjects, in the same order; unknown subjects are ignored."""
        return Catalog(
            tuple(video for video in self.videos if video.subject in subjects),
            tuple(expression for expression in self.expressions if expression.subject in subjects),
            self.name,
            self.label_sources,
        )

    def expressions_of(self, key: VideoKey, kind: Kind | None = None) -> tuple[Expression, ...]:
        """The expressions of one video, of one kind or both, sorted by onset; none for an unknown video."""
        return tuple(e for e in self._by_video.get(key, ()) if kind in (None, e.kind))

    @functools.cached_property
    def _video_of(self) -> dict[VideoKey, Video]:
        return {video.key: video for video in self.videos}

    @functools.cached_property
    def _by_video(self) -> dict[VideoKey, list[Expression]]:
        groups: dict[VideoKey, list[Expression]] = {}
        for expression in sorted(self.expressions, key=lambda e: (e.onset, e.offset)):
            groups.setdefault(expression.key, []).append(expression)
        return groups

    def write(self, folder: Path) -> None:
        """Write `videos.csv` and `expressions.csv`, with paths below `folder` relative to it.

        A Catalog that was read from label files also writes `provenance.json`: which files, and every remark.
        """
        root = folder.resolve()
        video_rows = [(v.subject, v.video, _relative(v.path, root), _rate(v.fps), v.frames) for v in self.videos]
        expression_rows = [
            (e.subject, e.video, e.kind, e.onset, "" if e.apex is None else e.apex, e.offset, e.emotion)
            for e in self.expressions
        ]
        if self.label_sources.files or self.label_sources.remarks:
            write_json(folder / "provenance.json", self.label_sources.as_dict())
        write_csv(folder / "expressions.csv", EXPRESSION_COLUMNS, expression_rows)
        write_csv(folder / "videos.csv", VIDEO_COLUMNS, video_rows)


def read_catalog(folder: Path | str, name: str | None = None) -> Catalog:
    """Read `videos.csv` and (if anything is labelled) `expressions.csv` in a folder; the default name is the folder's.

    Raises:
        UserError: At the first row that cannot be right.
    """
    folder = Path(folder)
    videos_csv, expressions_csv = folder / "videos.csv", folder / "expressions.csv"
    if not videos_csv.is_file():
        raise UserError(
            f"{videos_csv}: no such file; make the Catalog with `memodule catalog` (a data set), `memodule demo` or "
            f"`memodule synth` (generated videos), or write its columns {', '.join(VIDEO_COLUMNS)} yourself"
        )
    videos: dict[VideoKey, Video] = {}
    for where, row in csv_rows(videos_csv, VIDEO_COLUMNS):
        video = _video(row, folder, where)
        if video.key in videos:
            raise UserError(f"{where}: video {'/'.join(video.key)} occurs twice; give every video its own code")
        videos[video.key] = video
    frames = {key: video.frames for key, video in videos.items()}
    expressions: dict[ExpressionKey, Expression] = {}
    for where, row in csv_rows(expressions_csv, EXPRESSION_COLUMNS) if expressions_csv.is_file() else ():
        expression = _expression(row, where)
        problem = _problem(expression, frames, expressions)
        if problem:
            raise UserError(f"{where}: {problem}")
        expressions[expression.identity] = expression
    return Catalog(tuple(videos.values()), tuple(expressions.values()), name or folder.resolve().name)


def _video(row: dict[str, str], folder: Path, where: str) -> Video:
    fps = number(row, "fps", float, where)
    frames = number(row, "frames", int, where)
    if not row["subject"] or not row["video"]:
        raise UserError(f"{where}: subject and video must not be empty")
    if not math.isfinite(fps) or fps <= 0:
        raise UserError(f"{where}: fps {row['fps']} is not a frame rate; use frames per second, such as 30")
    if frames < 1:
        raise UserError(f"{where}: frames {frames}; a video has at least one frame")
    return Video(row["subject"], row["video"], folder / row["path"], fps, frames)


def _expression(row: dict[str, str], where: str) -> Expression:
    return Expression(
        row["subject"],
        row["video"],
        cast(Kind, row["kind"].lower()),
        number(row, "onset", int, where),
        number(row, "apex", int, where) if row["apex"] else None,
        number(row, "offset", int, where),
        row["emotion"].lower(),
    )


def _problem(expression: Expression, frames: dict[VideoKey, int], labelled: Container[ExpressionKey]) -> str | None:
    """Why an expression is impossible, outside the videos, or one of those already labelled; None if it is fine."""
    problem, code = expression.problem(), "/".join(expression.key)
    if problem:
        return problem
    if expression.key not in frames:
        return f"there is no video {code}; add it to videos.csv or delete the row"
    if expression.offset >= frames[expression.key]:
        return f"offset {expression.offset} is after the last frame {frames[expression.key] - 1} of {code}"
    if expression.identity in labelled:
        span = f"{expression.onset} .. {expression.offset}"
        return f"frames {span} of {code} are already labelled {expression.kind}; delete one row"
    return None


def _rate(fps: float) -> str:
    """A frame rate that is read again as the same number: 30, 29.97002997002997."""
    return f"{fps!r}".removesuffix(".0")


def _relative(path: Path, root: Path) -> str:
    absolute = path.resolve()
    return str(absolute.relative_to(root) if absolute.is_relative_to(root) else absolute)
