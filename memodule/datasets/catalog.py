"""The Catalog: which videos there are, and which expressions they hold.

On disk a Catalog is two CSV files in one folder, which is also the way to bring in data of one's own:

- `videos.csv`: subject, video, path, fps, frames. `path` is a video file or a folder of images, relative to the CSV.
- `expressions.csv`: subject, video, kind, onset, apex, offset, emotion. `kind` is micro or macro; onset, apex and
  offset are 0-based frames of the source video, both ends inclusive; `apex` may be empty; `emotion` is negative,
  positive, surprise or others (a macro-expression's may be empty). The file may be missing where nothing is labelled.
"""

import dataclasses
import functools
import math
from collections.abc import Collection, Container
from pathlib import Path
from typing import Final, Literal, cast, get_args

from memodule.datasets.provenance import Provenance
from memodule.emotions import EMOTIONS
from memodule.errors import UserError
from memodule.runtime.atomic import write_json, write_text
from memodule.runtime.csv_files import csv_rows, csv_text, number

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
    """One face video.

    Attributes:
        subject: Code of the person.
        video: Code of the video, unique within the subject.
        path: The video file, or the folder of its images.
        fps: Frames per second.
        frames: Number of frames.
    """

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
        subject: Code of the person.
        video: Code of the video.
        kind: "micro" or "macro".
        onset: First frame of the movement (0-based, inclusive, in frames of the source video).
        apex: Frame of the strongest movement, or None where it is unknown.
        offset: Last frame of the movement (inclusive).
        emotion: One of `memodule.emotions.EMOTIONS`; "" where unknown (macro-expressions only).
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
        """Its video, kind, onset and offset; no two expressions have the same."""
        return self.key, self.kind, self.onset, self.offset

    def problem(self) -> str | None:
        """What is wrong with this expression on its own, or None.

        Returns:
            The reason in words, beginning with the field; None if nothing is wrong.
        """
        if self.kind not in get_args(Kind):
            return f"kind {self.kind!r} is neither 'micro' nor 'macro'"
        if self.onset < 0:
            return f"onset {self.onset} is negative; frames count from 0"
        if self.offset < self.onset:
            return f"offset {self.offset} lies before onset {self.onset}"
        if self.apex is not None and not self.onset <= self.apex <= self.offset:
            return (
                f"apex {self.apex} lies outside onset {self.onset} .. offset {self.offset}; leave it empty if unknown"
            )
        if self.emotion not in EMOTIONS and not (self.kind == "macro" and not self.emotion):
            return f"emotion {self.emotion!r} is none of {', '.join(EMOTIONS)}"
        return None


@dataclasses.dataclass(frozen=True)
class Catalog:
    """Videos and their expressions, checked against each other.

    Attributes:
        videos: All videos, in the order of the data set; (subject, video) is unique.
        expressions: All expressions of these videos.
        name: What the data set is called in tables and messages.
        provenance: The label files behind it, and what was dropped or mended on the way; does not count in `==`.

    Raises:
        UserError: If a video occurs twice, or an expression is impossible, belongs to no video or is labelled twice.
    """

    videos: tuple[Video, ...]
    expressions: tuple[Expression, ...] = ()
    name: str = "catalog"
    provenance: Provenance = dataclasses.field(default=Provenance(), compare=False)

    def __post_init__(self) -> None:
        frames: dict[VideoKey, int] = {}
        for video in self.videos:
            if video.key in frames:
                raise UserError(f"{self.name}: video {'/'.join(video.key)} occurs twice; give every video its own code")
            frames[video.key] = video.frames
        labelled: set[ExpressionKey] = set()
        for expression in self.expressions:
            problem = expression.problem() or _misplaced(expression, frames) or _repeated(expression, labelled)
            if problem:
                raise UserError(f"{self.name}: expression of {'/'.join(expression.key)}: {problem}")
            labelled.add(expression.identity)

    @property
    def subjects(self) -> tuple[str, ...]:
        """All subjects, in the order of their first video."""
        return tuple(dict.fromkeys(video.subject for video in self.videos))

    def video(self, key: VideoKey) -> Video:
        """One video by its codes.

        Args:
            key: (subject, video).

        Returns:
            The video.

        Raises:
            KeyError: If there is none.
        """
        return self._video_of[key]

    def of(self, subjects: Collection[str]) -> "Catalog":
        """The part of the Catalog that belongs to these subjects.

        Args:
            subjects: Their codes; those that the Catalog does not know are passed over.

        Returns:
            Their videos and expressions, in the same order, under the same name.
        """
        return Catalog(
            tuple(video for video in self.videos if video.subject in subjects),
            tuple(expression for expression in self.expressions if expression.subject in subjects),
            self.name,
            self.provenance,
        )

    def expressions_of(self, key: VideoKey, kind: Kind | None = None) -> tuple[Expression, ...]:
        """The expressions of one video, sorted by onset.

        Args:
            key: (subject, video).
            kind: Only micro- or only macro-expressions; None for both.

        Returns:
            The expressions; none for a video that the Catalog does not know.
        """
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
        """Write `videos.csv` and `expressions.csv`; paths below `folder` are written relative to it.

        A Catalog that was read from label files also leaves `provenance.json`: which files, and every remark.

        Args:
            folder: Where the files go; made if it is absent.

        Raises:
            OSError: If they cannot be written.
        """
        root = folder.resolve()
        video_rows = [(v.subject, v.video, _relative(v.path, root), f"{v.fps:g}", str(v.frames)) for v in self.videos]
        expression_rows = [
            (e.subject, e.video, e.kind, str(e.onset), "" if e.apex is None else str(e.apex), str(e.offset), e.emotion)
            for e in self.expressions
        ]
        if self.provenance.label_files or self.provenance.remarks:
            write_json(folder / "provenance.json", self.provenance.as_dict())
        write_text(folder / "expressions.csv", csv_text(EXPRESSION_COLUMNS, expression_rows))
        write_text(folder / "videos.csv", csv_text(VIDEO_COLUMNS, video_rows))


def read_catalog(folder: Path | str, name: str | None = None) -> Catalog:
    """Read a Catalog from `videos.csv` and `expressions.csv` in a folder.

    Args:
        folder: Where the two files are. Without `expressions.csv` nothing is labelled.
        name: What to call the data set; the folder's name unless given.

    Returns:
        The Catalog; paths of videos are below `folder` unless they are absolute.

    Raises:
        UserError: With file, row and mend, at the first row that cannot be right.
    """
    folder = Path(folder)
    videos_csv, expressions_csv = folder / "videos.csv", folder / "expressions.csv"
    if not videos_csv.is_file():
        raise UserError(
            f"{videos_csv}: no such file; a Catalog needs {', '.join(VIDEO_COLUMNS)} there (data/README.md)"
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
        problem = expression.problem() or _misplaced(expression, frames) or _repeated(expression, expressions)
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
        raise UserError(f"{where}: fps {row['fps']} is no frame rate; give frames per second, such as 30")
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


def _misplaced(expression: Expression, frames: dict[VideoKey, int]) -> str | None:
    """Why the expression does not fit the videos, or None."""
    if expression.key not in frames:
        return f"there is no video {'/'.join(expression.key)}; add it to videos.csv or drop the row"
    if expression.offset >= frames[expression.key]:
        last = frames[expression.key] - 1
        return f"offset {expression.offset} lies behind the last frame {last} of {'/'.join(expression.key)}"
    return None


def _repeated(expression: Expression, labelled: Container[ExpressionKey]) -> str | None:
    """Why the expression cannot be another one beside those already labelled, or None."""
    if expression.identity not in labelled:
        return None
    frames = f"{expression.onset} .. {expression.offset}"
    return f"frames {frames} of {'/'.join(expression.key)} are labelled {expression.kind} already; drop one row"


def _relative(path: Path, root: Path) -> str:
    absolute = path.resolve()
    return str(absolute.relative_to(root) if absolute.is_relative_to(root) else absolute)
