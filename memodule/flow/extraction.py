"""A Catalog's videos -> a flow store: in parallel, resumable, and with a report of everything that went wrong."""

import dataclasses
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import numpy as np

from memodule.console import console, note, warn
from memodule.datasets.catalog import Catalog, Video, VideoKey
from memodule.datasets.frames import folder_remarks
from memodule.errors import UserError
from memodule.flow.engines import flow_engine
from memodule.flow.face import landmark_model
from memodule.flow.farneback import EngineName
from memodule.flow.fingerprints import contents_sha256, source_stamp
from memodule.flow.parts import PartResult, extract_part, split
from memodule.flow.quality import find_problem, find_remarks, shortened, summarize, write_quality_table
from memodule.flow.record import FlowRecord
from memodule.flow.store import FlowStore
from memodule.runtime.opencv import opencv_alone
from memodule.runtime.workers import run_with_bar

State = Literal["extracted", "complete", "failed"]

_KIND: Final = "frames"
_WINDOWS_PER_WORKER: Final = 60
"""Starting a worker takes as long as dozens of windows."""


@dataclasses.dataclass(frozen=True, slots=True)
class VideoOutcome:
    """The outcome of one video.

    Attributes:
        state: "extracted" now; "complete" before; or "failed": nothing could be stored.
        problem: Why the video has no usable features (one line), or None.
        remarks: What looks wrong (one line each).
    """

    key: VideoKey
    state: State
    problem: str | None = None
    remarks: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ExtractionReport:
    """The outcomes of all videos, in the order of the Catalog, and the duration of the extraction."""

    outcomes: tuple[VideoOutcome, ...]
    seconds: float

    @property
    def problems(self) -> tuple[VideoOutcome, ...]:
        """The videos without usable features."""
        return tuple(outcome for outcome in self.outcomes if outcome.problem)

    def __str__(self) -> str:
        """Lines for users: the numbers, then every problem and remark."""
        counts = Counter(outcome.state for outcome in self.outcomes)
        took = f" in {self.seconds:.0f} s" if counts["extracted"] else ""
        failed = f", {counts['failed']} failed" if counts["failed"] else ""
        lines = [f"{counts['extracted']} videos extracted{took}, {counts['complete']} were complete before{failed}"]
        lines += [f"problem: {'/'.join(outcome.key)}: {outcome.problem}" for outcome in self.problems]
        lines += [f"remark: {'/'.join(outcome.key)}: {text}" for outcome in self.outcomes for text in outcome.remarks]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """`seconds`, and `videos`: subject, video, state, problem (or None) and remarks of each."""
        videos = [
            {"subject": o.key[0], "video": o.key[1], "state": o.state, "problem": o.problem, "remarks": list(o.remarks)}
            for o in self.outcomes
        ]
        return {"seconds": round(self.seconds, 3), "videos": videos}


def extract_catalog(
    catalog: Catalog, store: FlowStore, *, workers: int = 1, engine: EngineName = "auto", verify: bool = False
) -> ExtractionReport:
    """Compute the features that are missing in the store, and write its `quality.csv`.

    A video is skipped if its features exist with the same parameters and its frames have not changed, judged by sizes
    and times, or else by contents. Features of another kind of source (imported ones) are kept. A video that fails does
    not stop the others. Several processes may extract into one store at once.

    Args:
        workers: Number of processes. With several, a script must guard its start with
            `if __name__ == "__main__"`. Results do not depend on this number.
        verify: Hash stored features and their frames instead of trusting sizes and times.

    Raises:
        UserError: If the landmark model or the engine is not installed.
    """
    started = time.monotonic()
    landmark_model()
    engine = flow_engine(engine).name
    store.remove_leftovers()
    with console.status("looking for existing features"):
        outcomes = {video.key: _known(video, store, verify) for video in catalog.videos}
    wanted = [video for video in catalog.videos if outcomes[video.key] is None]
    for outcome in _extract(wanted, store, engine, workers) if wanted else ():
        outcomes[outcome.key] = outcome
    write_quality_table(store.folder / "quality.csv", filter(None, (_record(video, store) for video in catalog.videos)))
    return ExtractionReport(tuple(filter(None, outcomes.values())), time.monotonic() - started)


def _record(video: Video, store: FlowStore) -> FlowRecord | None:
    try:
        return store.get(video.subject, video.video)
    except UserError:
        return None


def _known(video: Video, store: FlowStore, verify: bool) -> VideoOutcome | None:
    """The outcome of a video whose features exist and are up to date; None if they must be computed."""
    if not store.description_path(video.subject, video.video).is_file():
        return None
    try:
        record = store.get(video.subject, video.video)
        if verify:
            store.verify(record)
    except UserError as damage:
        warn(f"{damage}; computing the features again")
        return None
    if record.source["kind"] != _KIND:
        return VideoOutcome(video.key, "complete", None, (f"features come from {record.source['kind']}; kept",))
    try:
        unchanged = _still_holds(video, store, record, verify)
    except OSError:
        unchanged = True  # frames were deleted to save space; their features remain valid
    if not unchanged:
        note(f"{'/'.join(video.key)}: the frames have changed since extraction; computing features again")
        return None
    return VideoOutcome(video.key, "complete", record.quality.get("problem"), tuple(record.quality.get("remarks", ())))


def _still_holds(video: Video, store: FlowStore, record: FlowRecord, verify: bool) -> bool:
    """Whether the features were computed from this source; updates a new path or frame rate in the store."""
    if record.source["frames"] != video.frames:
        return False
    stamp = source_stamp(video.path)
    suspect = verify or record.source["stamp"] != stamp
    if suspect and record.source["sha256"] != contents_sha256(video.path):
        return False
    source = {**record.source, "path": str(video.path), "stamp": stamp}
    if (source, video.fps) != (record.source, record.fps):
        store.describe(record, fps=video.fps, source=source)
    return True


def _extract(videos: Sequence[Video], store: FlowStore, engine: EngineName, workers: int) -> Iterator[VideoOutcome]:
    """Compute the features of videos and store each as soon as all of its parts are done."""
    total = sum(store.parameters.padded_windows(video.frames) for video in videos)
    workers = max(1, min(workers, total // _WINDOWS_PER_WORKER))
    parts = split(videos, store.parameters, engine, workers)
    count = Counter(part.video.key for part in parts)
    results: dict[VideoKey, dict[int, PartResult | Exception]] = {video.key: {} for video in videos}
    for part, result in run_with_bar(extract_part, parts, workers, opencv_alone, "windows of flow", total):
        done = results[part.video.key]
        done[part.first] = result
        if len(done) == count[part.video.key]:
            yield _store(part.video, [done[first] for first in sorted(done)], store, engine)
            done.clear()


def _store(
    video: Video, results: Sequence[PartResult | Exception], store: FlowStore, engine: EngineName
) -> VideoOutcome:
    """Store the features of a video, unless something went wrong."""
    failure = next((result for result in results if isinstance(result, Exception)), None)
    if failure is not None:
        return VideoOutcome(video.key, "failed", str(failure))
    parts = [result for result in results if isinstance(result, PartResult)]
    parameters = store.parameters
    windows = [window for part in parts for window in part.windows]
    sampled = min(
        (part.ends_at for part in parts if part.ends_at is not None), default=parameters.sampled(video.frames)
    )
    frames = min(sampled * parameters.frame_step, video.frames)
    if parameters.windows(video.frames) - parameters.windows(frames) > parameters.phases:
        remedy = f"copy the file again, or set `frames` in videos.csv to {frames}"
        return VideoOutcome(video.key, "failed", f"{video.path}: {_early_end(video, frames)[0]}; {remedy}")
    replaced = [remark for part in parts for remark in part.remarks]
    problem = find_problem(windows, sampled, parameters)
    remarks = [
        *map(str, folder_remarks(video)),
        *_early_end(video, frames),
        *shortened(replaced),
        *find_remarks(windows, parameters),
    ]
    quality = {
        **summarize(windows, parameters.window),
        "replaced_frames": len(replaced),
        "problem": problem,
        "remarks": remarks,
        "face": next((dataclasses.asdict(part.face) for part in parts if part.face), None),
    }
    assert parts[0].source is not None
    source = {"kind": _KIND, "path": str(video.path), "frames": video.frames, "engine": engine, **parts[0].source}
    flow = np.concatenate([part.flow for part in parts])
    store.put(video.subject, video.video, flow, fps=video.fps, frames=frames, source=source, quality=quality)
    return VideoOutcome(video.key, "extracted", problem, tuple(remarks))


def _early_end(video: Video, frames: int) -> list[str]:
    if frames == video.frames:
        return []
    return [f"ends before frame {frames} though the Catalog says {video.frames} frames"]
