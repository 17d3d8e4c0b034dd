"""What was found in one video, and what could not be analysed."""

import dataclasses
import operator
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from memodule.emotions import FRAME_CLASSES
from memodule.runtime.csv_files import csv_text
from memodule.spotting.coverage import Reason
from memodule.spotting.sampling import Sampling
from memodule.spotting.video_source import VideoSource

COLUMNS: Final = (
    "video",
    "kind",
    "onset",
    "apex",
    "offset",
    "onset_s",
    "apex_s",
    "offset_s",
    "emotion",
    "confidence",
    *FRAME_CLASSES,
    "remark",
)
"""Columns of the CSV file. `kind` is micro, or not_analysed for a part that could not be analysed; `remark` says why,
and of an expression whether an uncalibrated rule found it.
Frames are those of the video file, 0-based, both ends inclusive; seconds count from its first frame. The class columns
hold the mean probability of each class inside the interval."""


@dataclasses.dataclass(frozen=True, slots=True)
class SpottedExpression:
    """A micro-expression that was found.

    Attributes:
        onset: First frame, 0-based, in frames of the video.
        offset: Last frame, inclusive.
        onset_s: When the first frame is shown, in seconds from the first frame of the video; so are apex_s, offset_s.
        emotion: The class that most frames of the interval vote for, unless the selection rule labels intervals itself.
        probabilities: Mean probability of each of `memodule.emotions.FRAME_CLASSES` inside the interval.
        confidence: Higher is more certain; comparable within one checkpoint.
    """

    onset: int
    apex: int
    offset: int
    onset_s: float
    apex_s: float
    offset_s: float
    emotion: str
    probabilities: dict[str, float]
    confidence: float


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """Part of a video that was, or was not, analysed.

    Attributes:
        last: Last frame, inclusive.
        first_s: When the first frame is shown, in seconds; last_s, when the last one is.
        reason: Why it was not analysed; None where it was.
    """

    first: int
    last: int
    first_s: float
    last_s: float
    reason: Reason | None

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.last_s - self.first_s


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where the face was at the start of a window.

    Attributes:
        sample: The window's first sample with the face.
        box: Left, top, width, height in pixels of the frame.
    """

    sample: int
    box: tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class AdaptedBlock:
    """Part of a video that was scored by weights adapted to the rest of it.

    Attributes:
        first_s: Where the block's windows begin, in seconds; last_s, where they end. Those of blocks overlap by half a
            window.
        before: How well the original weights recognise injected movements that were held back (ROC area).
        after: The same for the adapted weights.
        steps: Steps of training after which weights were kept; 0: the original ones were best.
    """

    first_s: float
    last_s: float
    before: float
    after: float
    steps: int


@dataclasses.dataclass(frozen=True, eq=False)
class SpottedVideo:
    """The result of spotting one video.

    Attributes:
        sample_frames: (n,) source frame of each sample.
        sample_seconds: (n,) when that frame is shown.
        score: (n,) spotting score of each sample, 0..1; NaN where nothing was analysed.
        probabilities: (n, 5) class probabilities of each sample.
        spread: (n,) standard deviation of the scores that the windows around a sample give it; NaN where a single one
            covers it or nothing was analysed; None where that is so everywhere.
        phases: In how many places the windows begin within half a window.
        expressions: What was found, by onset.
        sections: The whole video, split into parts that were and were not analysed.
        faces: The largest number of faces seen at once.
        warnings: What may impair the result.
        uncalibrated: Why the selection rule runs half-fitted; None if it does not.
        adapted: The blocks, if each was scored by weights adapted to the others.
    """

    source: VideoSource
    frames: int
    sampling: Sampling
    sample_frames: npt.NDArray[np.int64]
    sample_seconds: npt.NDArray[np.float64]
    score: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]
    expressions: tuple[SpottedExpression, ...]
    sections: tuple[Section, ...]
    places: tuple[Place, ...]
    faces: int
    warnings: tuple[str, ...]
    checkpoint: str
    rule: str
    uncalibrated: str | None = None
    spread: npt.NDArray[np.float32] | None = None
    phases: int = 1
    adapted: tuple[AdaptedBlock, ...] = ()

    @property
    def path(self) -> Path:
        """The video file or folder of images."""
        return self.source.path

    @property
    def fps(self) -> float:
        """Frame rate; where it changes, the mean over the first frames."""
        return self.source.fps

    @property
    def seconds(self) -> float:
        """When its last frame is shown, in seconds from the first one."""
        return self.sections[-1].last_s if self.sections else 0.0

    @property
    def not_analysed(self) -> tuple[Section, ...]:
        """The parts that were not analysed."""
        return tuple(section for section in self.sections if section.reason is not None)

    @property
    def is_analysed(self) -> bool:
        """Whether any part was analysed."""
        return any(section.reason is None for section in self.sections)

    def summary(self) -> str:
        """One line: how many were found in how many seconds, and how much was not analysed."""
        if not self.is_analysed:
            if self.faces and all(section.reason == "no face" for section in self.sections):
                seen = "1 face" if self.faces == 1 else f"{self.faces} faces"
                return f"not analysed: the chosen face never appeared, at most {seen} at once ({self.frames} frames)"
            reasons = ", ".join(sorted({str(section.reason) for section in self.sections}))
            return f"not analysed: {reasons} in the whole video ({self.frames} frames)"
        count = len(self.expressions)
        found = f"{count or 'no'} micro-expression{'' if count == 1 else 's'} in {self.seconds:.1f} s"
        missing = sum(section.seconds for section in self.not_analysed)
        return found + (f"; {missing:.1f} s of them not analysed" if missing else "")

    def as_dict(self) -> dict[str, Any]:
        """What `memodule spot --json` prints (see docs/own-video.md); the curve is null where nothing was analysed."""
        return {
            "video": str(self.path),
            "file": str(self.path.resolve()),
            "analysed": self.is_analysed,
            "fps": round(self.fps, 6),
            "frames": self.frames,
            "seconds": round(self.seconds, 3),
            "sampling": {
                "rate": round(self.sampling.rate, 6),
                "trained_at": round(self.sampling.wanted, 6),
                "frame_step": self.sampling.frame_step,
                "phases": self.phases,
            },
            "checkpoint": self.checkpoint,
            "rule": self.rule,
            "uncalibrated": self.uncalibrated,
            "adapted": [_rounded(dataclasses.asdict(block)) for block in self.adapted],
            "faces": self.faces,
            "warnings": list(self.warnings),
            "expressions": [_rounded(dataclasses.asdict(found)) for found in self.expressions],
            "sections": [
                {"analysed": section.reason is None, **_rounded(dataclasses.asdict(section))}
                for section in self.sections
            ],
            "curve": {
                "frame": self.sample_frames.tolist(),
                "score": _numbers(self.score),
                "spread": _numbers(np.full_like(self.score, np.nan) if self.spread is None else self.spread),
            },
        }


def spotted_csv(videos: Iterable[SpottedVideo]) -> str:
    """The CSV file of videos: a row for each expression and each part that was not analysed, by onset."""
    onset_and_offset = operator.itemgetter(COLUMNS.index("onset"), COLUMNS.index("offset"))
    return csv_text(COLUMNS, (row for video in videos for row in sorted(_rows(video), key=onset_and_offset)))


def _rows(video: SpottedVideo) -> Iterator[tuple[Any, ...]]:
    name, nothing = str(video.path), ("",) * len(FRAME_CLASSES)
    mark = "" if video.uncalibrated is None else "UNCALIBRATED"
    for e in video.expressions:
        times = (f"{seconds:.3f}" for seconds in (e.onset_s, e.apex_s, e.offset_s))
        classes = (f"{e.probabilities[name]:.4f}" for name in FRAME_CLASSES)
        yield (name, "micro", e.onset, e.apex, e.offset, *times, e.emotion, f"{e.confidence:.6g}", *classes, mark)
    for s in video.not_analysed:
        ends = f"{s.first_s:.3f}", "", f"{s.last_s:.3f}"
        yield (name, "not_analysed", s.first, "", s.last, *ends, "", "", *nothing, s.reason)


def _numbers(values: npt.NDArray[np.float32]) -> list[float | None]:
    """Rounded values, None where they are not known."""
    return [round(value, 5) if value == value else None for value in values.tolist()]


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    """Floats to six decimals."""
    return {
        name: _rounded(value) if isinstance(value, dict) else round(value, 6) if isinstance(value, float) else value
        for name, value in values.items()
    }
