"""Examines a data set as a careful colleague would: what is there, what is missing, what looks wrong."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from memodule.datasets.catalog import Catalog, Expression, Video
from memodule.datasets.check.statistics import CatalogStatistics, catalog_statistics, duration_ms
from memodule.datasets.check.tree import found_tree
from memodule.datasets.description import DatasetDescription, Release, Training
from memodule.datasets.folders import Listing
from memodule.datasets.label_sources import LabelSources, Place, Remark
from memodule.errors import UserError

_KINDS: Final = ("micro", "macro")
_OPENED: Final = 3  # videos whose first frame is read


@dataclasses.dataclass(frozen=True)
class DatasetCheck:
    """The result of a check.

    Attributes:
        expected: The expected tree, as text; `found` is the actual one.
        problem: Why the data set cannot be used, or None.
        facts: What is right.
    """

    name: str
    root: Path
    expected: str
    found: str
    problem: str | None = None
    facts: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    catalog: Catalog | None = None
    training: Training | None = None

    @property
    def status(self) -> Literal["clean", "warnings", "unusable"]:
        """The verdict."""
        if self.problem:
            return "unusable"
        return "warnings" if any(remark.severity == "warning" for remark in self.remarks) else "clean"

    @property
    def exit_status(self) -> int:
        """0 clean, 1 warnings, 2 unusable."""
        return {"clean": 0, "warnings": 1, "unusable": 2}[self.status]

    @property
    def statistics(self) -> CatalogStatistics | None:
        """The Catalog in numbers, unless there is a problem."""
        return catalog_statistics(self.catalog) if self.catalog else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as `memodule check --json` prints them."""
        sources = self.catalog.label_sources if self.catalog else LabelSources()
        return {
            "name": self.name,
            "root": str(self.root),
            "status": self.status,
            "problem": self.problem,
            "facts": list(self.facts),
            "remarks": [remark.as_dict() for remark in self.remarks],
            "label_files": [str(path) for path in sources.files],
            "label_rows": dict(sources.rows),
            "statistics": dataclasses.asdict(self.statistics) if self.statistics else None,
        }


def check_dataset(
    description: DatasetDescription, root: Path, listing: Listing, against: Sequence[Catalog] = ()
) -> DatasetCheck:
    """Read a data set and look for everything that is missing or looks wrong.

    Args:
        against: Other Catalogs that should have no subject in common with it.
    """
    expected = description.tree.replace("ROOT", root.name or str(root), 1)
    try:
        catalog = description.read(root, listing)
    except UserError as error:
        return DatasetCheck(description.name, root, expected, found_tree(listing, root), str(error))
    facts, remarks = _compare_counts(description, catalog, root)
    sizes, unreadable = _open_frames(catalog)
    facts += sizes
    remarks += [
        *catalog.label_sources.remarks,
        *unreadable,
        *_frames(catalog, listing),
        *_durations(catalog, description.duration_ms),
        *_overlaps(catalog),
        *(_sampling(catalog, description.training) if description.training else ()),
        *(remark for other in against for remark in _shared_subjects(catalog, other)),
    ]
    return DatasetCheck(
        description.name,
        root,
        expected,
        found_tree(listing, root),
        facts=tuple(facts),
        remarks=tuple(remarks),
        catalog=catalog,
        training=description.training,
    )


def _compare_counts(description: DatasetDescription, catalog: Catalog, root: Path) -> tuple[list[str], list[Remark]]:
    """Compare the numbers of videos and label rows with the known ones."""
    facts, remarks, sources = [], [], catalog.label_sources
    videos = f"{len(catalog.videos)} videos of {len(catalog.subjects)} subjects"
    if description.videos is None or description.videos == len(catalog.videos):
        facts.append(videos)
    else:
        text = "videos are missing" if len(catalog.videos) < description.videos else "more videos than the data set has"
        remarks.append(Remark("warning", text, Place(root), f"{videos}; the data set has {description.videos} videos"))
    if sources.files:
        facts.append(f"read: {', '.join(path.name for path in sources.files)}")
    counts = ", ".join(f"{sources.rows[kind]} {kind}" for kind in _KINDS if kind in sources.rows)
    release = next((r for r in description.releases if _matches(r, sources.rows)), None)
    if release:
        facts.append(f"label rows: {counts}, as in release {release.name}")
    elif sources.rows and description.releases:
        known = "; ".join(
            f"{r.name}: {r.micro} micro" + (f", {r.macro} macro" if r.macro else "") for r in description.releases
        )
        text = "the label rows match no known release; were rows added or lost?"
        remarks.append(Remark("warning", text, Place(sources.files[0]), f"{counts}; known are {known}"))
    elif sources.rows:
        facts.append(f"label rows: {counts}")
    return facts, remarks


def _matches(release: Release, rows: Mapping[str, int]) -> bool:
    return release.micro == rows.get("micro") and release.macro in (None, rows.get("macro", release.macro))


def _frames(catalog: Catalog, listing: Listing) -> Iterator[Remark]:
    """Videos whose frames are not where the Catalog says, or differ in number."""
    for video in catalog.videos:
        if not video.path.exists():
            yield _warning(video, "no frames here: flow cannot be extracted", "/".join(video.key))
        elif video.path.is_dir() and listing.look(video.path).images.count != video.frames:
            detail = f"{listing.look(video.path).images.count} images, Catalog: {video.frames} frames"
            yield _warning(video, "number of images and number of frames differ", detail)
    if len({video.fps for video in catalog.videos}) > 1:
        rates = ", ".join(sorted({f"{video.fps:g}" for video in catalog.videos}))
        text = "several frame rates, but a fold needs one: make one Catalog per frame rate"
        yield Remark("warning", text, Place(catalog.videos[0].path.parent), f"{rates} frames per second")


def _open_frames(catalog: Catalog) -> tuple[list[str], list[Remark]]:
    """Read the first frame of a few videos, since existing files can be broken."""
    from memodule.datasets.frames import read_frames  # OpenCV takes a while to load

    sizes: set[str] = set()
    remarks = []
    there = [video for video in catalog.videos if video.path.exists()]
    for video in there[:: max(1, (len(there) - 1) // (_OPENED - 1))][:_OPENED]:
        problem = "the video is empty"
        try:
            frame = next(read_frames(video, stop=1), None)
        except UserError as error:
            frame, problem = None, str(error).removeprefix(f"{video.path}: ")
        if frame is None:
            remarks.append(_warning(video, "frames cannot be read", problem))
        else:
            sizes.add(f"{frame.shape[1]} x {frame.shape[0]}")
    return [f"frames can be read: {' and '.join(sorted(sizes))} pixels"] if sizes else [], remarks


def _durations(catalog: Catalog, usual: tuple[float, float]) -> Iterator[Remark]:
    for video in catalog.videos:
        for expression in catalog.expressions_of(video.key, "micro"):
            duration = duration_ms(expression, video.fps)
            if not usual[0] <= duration <= usual[1]:
                text = f"micro-expression outside {usual[0]:g} .. {usual[1]:g} ms"
                yield _warning(video, text, f"{_span(expression)}, {duration:.0f} ms")


def _overlaps(catalog: Catalog) -> Iterator[Remark]:
    for video in catalog.videos:
        expressions = catalog.expressions_of(video.key)
        for first, second in itertools.combinations(expressions, 2):
            if second.onset > first.offset:
                continue
            kinds = {first.kind, second.kind}
            if kinds == {"micro"}:
                text = "two micro-expressions overlap: are both right?"
                yield _warning(video, text, f"{_span(first)} and {_span(second)}")
            elif len(kinds) == 2:
                text = "a micro-expression overlaps a macro-expression"
                yield Remark("note", text, Place(video.path), f"{_span(first)} and {_span(second)}")


def _sampling(catalog: Catalog, training: Training) -> Iterator[Remark]:
    """Videos and micro-expressions that are too short for the published sampling."""
    step = training.frame_step
    for video in catalog.videos:
        sampled = -(-video.frames // step)
        if sampled < training.window:
            text = f"video shorter than a window of {training.window} frames at step {step}: nothing can be detected"
            yield _warning(video, text, f"{sampled} sampled frames")
        for expression in catalog.expressions_of(video.key, "micro"):
            if expression.offset // step - expression.onset // step < 2:
                text = f"micro-expression shorter than 3 frames at step {step}: no frame between onset and offset"
                yield _warning(video, text, _span(expression))


def _shared_subjects(catalog: Catalog, other: Catalog) -> Iterator[Remark]:
    shared = sorted(set(catalog.subjects) & set(other.subjects))
    if shared:
        text = (
            f"subjects are also in {other.name}: if they are the same people, do not train on one and test on the other"
        )
        yield Remark("warning", text, Place(other.videos[0].path.parent), ", ".join(shared))


def _warning(video: Video, text: str, detail: str) -> Remark:
    return Remark("warning", text, Place(video.path), detail)


def _span(expression: Expression) -> str:
    return f"{expression.onset} .. {expression.offset}"
