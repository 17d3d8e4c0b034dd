"""A data set of semi-synthetic face videos on disk: the subjects, what they do, and their videos."""

import contextlib
import dataclasses
import functools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal

import numpy as np

from memodule.console import progress_bar
from memodule.datasets.catalog import Catalog, Expression, Video
from memodule.errors import UserError
from memodule.runtime.atomic import remove_leftovers
from memodule.runtime.opencv import opencv_alone
from memodule.runtime.workers import ReportProgress, WorkerDiedError, run
from memodule.synthetic.behaviour import draw_performances
from memodule.synthetic.camera import draw_camera
from memodule.synthetic.difficulty import DIFFICULTIES, Difficulty, Level
from memodule.synthetic.face_rig import FaceRig, build_rig
from memodule.synthetic.faces import draw_face
from memodule.synthetic.frame_files import Image, write_h264, write_images, write_video
from memodule.synthetic.performance import Performance
from memodule.synthetic.photographs import PHOTOGRAPHS
from memodule.synthetic.recipe import claim
from memodule.synthetic.rendering import render

Storage = Literal["video", "images", "h264"]
"""Lossless video files (.avi, FFV1), folders of PNG images with the same frames, or lossy video files (.mp4, H.264)."""

_SUFFIX: Final[dict[Storage, str]] = {"video": ".avi", "images": "", "h264": ".mp4"}

_VERSION: Final = 4  # increase it whenever the same arguments give other frames
_LEAST_SECONDS: Final = 3.0
_MOST_MICROS: Final = 40  # per minute; there is no room for more
_MOST_ERROR: Final = 0.06  # seconds
_LEFTOVER_AGE: Final = 3600.0  # seconds
_FACE, _BEHAVIOUR, _NOISE, _ANNOTATOR, _CAMERA = range(5)  # streams of random numbers of one subject


@dataclasses.dataclass(frozen=True)
class _Job:
    """One video to write."""

    path: Path
    storage: Storage
    seed: int
    subject: int
    video: int
    fps: float
    performance: Performance
    difficulty: Difficulty


def synthesize(
    out: Path | str,
    *,
    subjects: int = 8,
    videos: int = 4,
    frames: int = 300,
    fps: float = 30.0,
    difficulty: Level | Difficulty = "realistic",
    micros_per_minute: float | None = None,
    annotator_error: int = 0,
    seed: int = 0,
    storage: Storage = "video",
    workers: int = 1,
) -> Catalog:
    """Write semi-synthetic face videos and their Catalog.

    The videos prove that a pipeline works; they say nothing about accuracy on real micro-expressions. The same
    arguments give the same bytes with the same versions of NumPy and OpenCV (and of PyAV, for H.264), for any number of
    workers, and subject n looks the same for any number of subjects. Every video has a camera of its own: frames are
    square, of a size that differs between videos.

    Labels are those of an ideal annotator, exact to the frame, unless an error is added: onset is the first frame that
    moves, apex the first of full strength, offset the last that moves.

    Args:
        out: Folder to make, with `videos.csv`, `expressions.csv`, `synthetic.json` and one folder per subject. If it
            already holds data of the same arguments, only missing videos are made.
        fps: Frames per second; events keep their duration in milliseconds.
        micros_per_minute: Rate of micro-expressions in videos that have any, instead of the difficulty's; 0 for none
            in any video. A video that has any has at least one, so low rates need long videos.
        annotator_error: Onset, apex and offset in the labels are each off by up to so many frames; the videos are the
            same.
        seed: Seed of all randomness, 0 or more.
        storage: Lossless ("video" and "images" hold the same frames), or "h264" at a quality that differs between
            videos: what is decoded from those has the blocks, blur and shifts of real recordings.
        workers: Processes that render; 1 renders in this process. With more, a script must guard its entry point
            (`if __name__ == "__main__":`).

    Raises:
        UserError: If `out` holds anything else, an argument is impossible, or a video cannot be written.
    """
    _check(subjects, videos, frames, fps, seed, workers)
    level = DIFFICULTIES[difficulty] if isinstance(difficulty, str) else difficulty
    if micros_per_minute is not None:
        level = dataclasses.replace(level, micros_per_minute=micros_per_minute)
    _check_labels(level.micros_per_minute, annotator_error, fps)
    out = Path(out).resolve()
    made_by = {"made_by": "memodule synth", "version": _VERSION}
    sizes = {"subjects": subjects, "videos": videos, "frames": frames, "fps": fps}
    looks = {"storage": storage, "difficulty": dataclasses.asdict(level), "annotator_error": annotator_error}
    claim(out, {**made_by, **sizes, "seed": seed, **looks})
    jobs, rows, expressions = [], [], []
    for subject in range(subjects):
        rng = np.random.default_rng([seed, subject, _BEHAVIOUR])
        for video, performance in enumerate(draw_performances(rng, level, videos, frames, fps)):
            codes = f"s{subject + 1:02d}", f"v{video + 1}"
            path = out / codes[0] / f"{codes[1]}{_SUFFIX[storage]}"
            jobs.append(_Job(path, storage, seed, subject, video, fps, performance, level))
            rows.append(Video(*codes, path, fps, frames))
            labels = _labels(*codes, performance)
            if annotator_error:
                annotator = np.random.default_rng([seed, subject, _ANNOTATOR, video])
                labels = [_misjudged(annotator, label, annotator_error, frames) for label in labels]
            expressions += labels
    _write_all(jobs, workers)
    catalog = Catalog(tuple(rows), tuple(expressions), out.name)
    catalog.write(out)
    return catalog


def _check(subjects: int, videos: int, frames: int, fps: float, seed: int, workers: int) -> None:
    for name, value, least in (
        ("subjects", subjects, 1),
        ("videos", videos, 1),
        ("workers", workers, 1),
        ("seed", seed, 0),
    ):
        if value < least:
            raise UserError(f"{name}: {value} is too low; use {least} or more")
    if not 10 <= fps <= 1000:
        raise UserError(f"fps: {fps:g}; use 10 to 1000 frames per second")
    if frames < _LEAST_SECONDS * fps:
        raise UserError(f"frames: {frames} is too short at {fps:g} fps; use {math.ceil(_LEAST_SECONDS * fps)} or more")


def _check_labels(micros_per_minute: float, annotator_error: int, fps: float) -> None:
    if not 0 <= micros_per_minute <= _MOST_MICROS:
        raise UserError(f"micros_per_minute: {micros_per_minute:g}; use 0 to {_MOST_MICROS}")
    most = max(2, int(_MOST_ERROR * fps))  # so that no two expressions of a video get the same labels
    if not 0 <= annotator_error <= most:
        raise UserError(f"annotator_error: {annotator_error}; use 0 to {most} frames at {fps:g} fps")


def _labels(subject: str, video: str, performance: Performance) -> list[Expression]:
    return [
        Expression(subject, video, m.kind, m.onset, m.apex, m.offset, m.emotion)
        for m in performance.movements
        if m.kind is not None
    ]


def _misjudged(rng: np.random.Generator, label: Expression, most: int, frames: int) -> Expression:
    """The label of an annotator who misses every point in time by up to `most` frames."""
    errors = rng.integers(-most, most + 1, 3).tolist()
    onset = min(max(label.onset + errors[0], 0), frames - 3)
    offset = min(max(label.offset + errors[2], onset + 2), frames - 1)
    apex = None if label.apex is None else min(max(label.apex + errors[1], onset), offset)
    return dataclasses.replace(label, onset=onset, apex=apex, offset=offset)


def _write_all(jobs: list[_Job], workers: int) -> None:
    """Render and write the missing videos."""
    for folder in {job.path.parent for job in jobs}:
        remove_leftovers(folder, _LEFTOVER_AGE)
    missing = [job for job in jobs if not job.path.exists()]
    workers = max(1, min(workers, len(missing)))
    setup = contextlib.nullcontext if workers == 1 else opencv_alone
    total, left = (sum(len(job.performance.lids) for job in some) for some in (jobs, missing))
    with progress_bar() as bar:
        task = bar.add_task("frames", total=total, completed=total - left)
        for job, outcome in run(
            _write, missing, workers, setup, lambda done: bar.update(task, completed=total - left + done)
        ):
            if isinstance(outcome, WorkerDiedError):
                raise UserError(f"{job.path}: {outcome}; use fewer workers, and the same command makes what is missing")
            if outcome is not None:
                raise outcome


def _write(job: _Job, report: ReportProgress) -> None:
    noise = np.random.default_rng([job.seed, job.subject, _NOISE, job.video])
    camera = draw_camera(np.random.default_rng([job.seed, job.subject, _CAMERA, job.video]), job.difficulty)
    person = _person(job.seed, job.subject)
    frames = _reported(render(person, job.performance, job.difficulty, camera, job.fps, noise), report)
    match job.storage:
        case "video":
            write_video(job.path, frames, job.fps)
        case "images":
            write_images(job.path, frames)
        case "h264":
            write_h264(job.path, frames, job.fps, camera.crf)


def _reported(frames: Iterable[Image], report: ReportProgress) -> Iterator[Image]:
    """The same frames; each is reported once it is written."""
    for count, frame in enumerate(frames, 1):
        yield frame
        report(count)


@functools.lru_cache(maxsize=1)
def _person(seed: int, subject: int) -> FaceRig:
    photograph = PHOTOGRAPHS[subject % len(PHOTOGRAPHS)]
    return build_rig(draw_face(np.random.default_rng([seed, subject, _FACE]), photograph))
