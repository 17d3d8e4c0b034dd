"""Three kinds of generated material with the same task, and what cameras do to one of them; see `transfer.py`.

- `rendered`: the videos of `memodule synth`, and their measured optical flow;
- `simulated`: features without images (`memodule.synthetic.flow_features`), for the labels of the rendered videos;
- `injected`: measured flow of rendered videos without micro-expressions, with movements that `memodule.hardening` adds.

All are of the same difficulty, so that it is the generator that changes and not how hard the expressions are. People of
one code have the same role in all of them.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from memodule.datasets import Catalog, Expression, Video, synthesize
from memodule.datasets.frames import read_frames
from memodule.emotions import EMOTIONS, NEUTRAL
from memodule.errors import UserError
from memodule.flow import FlowParameters, FlowRecord, FlowStore, extract_catalog
from memodule.hardening import Hardening, harden
from memodule.hardening.labelled_windows import LabelledWindows
from memodule.synthetic.difficulty import DIFFICULTIES, Level
from memodule.synthetic.flow_features import simulate_flow
from memodule.synthetic.frame_files import write_h264, write_video
from memodule.synthetic.recipe import claim
from memodule.synthetic.region_responses import MAGNIFICATION

KINDS = ("rendered", "simulated", "injected")
"""Kinds of material that networks are trained on, and tested on."""

LOW_QUALITY = 35
"""Constant rate factor of H.264 at low quality; telephones write 18 to 28."""

RATES = (15,)
"""Frames per second of slower cameras."""

_SEGMENT_SECONDS = 3.0
"""A movement is injected into each segment of a video; those that fall on its ends are left out."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much is made.

    Attributes:
        training: People that networks are trained on.
        calibrating: People on whose curves the selection rule is calibrated.
        tested: People on whom it is scored.
        videos: Of each person; half as many are rendered for injection, and used twice.
        frames: Of each video, at 30 a second.
    """

    training: int = 6
    calibrating: int = 3
    tested: int = 8
    videos: int = 4
    frames: int = 300
    difficulty: Level = "moderate"
    seed: int = 0

    @property
    def people(self) -> int:
        """All of them."""
        return self.training + self.calibrating + self.tested

    def roles(self, catalog: Catalog) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """The subjects to train on, to calibrate on, and to test on."""
        first, last = self.training, self.training + self.calibrating
        return catalog.subjects[:first], catalog.subjects[first:last], catalog.subjects[last:]


@dataclasses.dataclass(frozen=True)
class Material:
    """Labelled features of one kind."""

    catalog: Catalog
    store: FlowStore

    def windows(self, video: Video) -> npt.NDArray[np.float32]:
        """Features (W, 36, k) of a video."""
        return np.array(self.store.get(*video.key).windows)


def make_kinds(root: Path, sizes: Sizes, workers: int = 1) -> dict[str, Material]:
    """Make all kinds of material, or read what is there already.

    Raises:
        UserError: If the folder holds material of other sizes, or videos cannot be used.
    """
    claim(root, {"made_by": "experiments/benchmarks/transfer.py", **dataclasses.asdict(sizes)})
    rendered = _rendered(root / "rendered", sizes, None, workers)
    fewer = dataclasses.replace(sizes, videos=-(-sizes.videos // 2))
    background = _rendered(root / "background", fewer, 0.0, workers)
    return {
        "rendered": rendered,
        "simulated": simulate(root / "simulated", rendered.catalog, sizes),
        "injected": inject_all(root / "injected", background, sizes),
    }


def simulate(root: Path, labels: Catalog, sizes: Sizes) -> Material:
    """Features without images, for given labels."""
    catalog = dataclasses.replace(labels, name=root.name)
    store = FlowStore(root / "flow", FlowParameters())
    source = {"kind": "simulated", "seed": sizes.seed}
    level = DIFFICULTIES[sizes.difficulty]
    features = simulate_flow(catalog, window=store.parameters.window, seed=sizes.seed, difficulty=level)
    for video, windows in features:
        store.put(*video.key, windows, fps=video.fps, frames=video.frames, source=source)
    return Material(catalog, store)


def make_recordings(root: Path, rendered: Material, tested: Sequence[str], workers: int = 1) -> dict[str, Material]:
    """The rendered videos of the tested people as other cameras would have recorded them.

    Labels stay as they are, also at other frame rates: a slower video is sampled 30 times a second, each time with the
    frame nearest in time, as `memodule spot` does.
    """
    catalog = rendered.catalog.of(tested)

    def compressed(path: Path, video: Video) -> None:
        write_h264(path, read_frames(video), video.fps, LOW_QUALITY)

    def slower(rate: int) -> Callable[[Path, Video], None]:
        def write(path: Path, video: Video) -> None:
            frames = list(read_frames(video))
            write_video(path, (frames[i] for i in recorded_frames(len(frames), video.fps / rate)), video.fps)

        return write

    makers = {f"H.264, CRF {LOW_QUALITY}": ("h264", ".mp4", compressed)}
    makers |= {f"{rate} frames per second": (f"fps{rate}", ".avi", slower(rate)) for rate in RATES}
    made = {}
    for name, (folder, suffix, write) in makers.items():
        videos = []
        for video in catalog.videos:
            path = root / folder / video.subject / f"{video.video}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                write(path, video)
            videos.append(dataclasses.replace(video, path=path))
        of_camera = dataclasses.replace(catalog, videos=tuple(videos))
        made[name] = _extracted(root / folder / "flow", of_camera, workers)
    return made


def recorded_frames(count: int, factor: float) -> list[int]:
    """For each of `count` frames, the nearest one of a camera that records every `factor`-th.

    >>> recorded_frames(7, 2)
    [0, 0, 2, 2, 4, 4, 6]
    """
    recorded = np.unique(np.rint(np.arange(0, count - 0.5, factor)).astype(np.int64))
    distances = np.abs(recorded[:, None] - np.arange(count))
    return [int(recorded[nearest]) for nearest in distances.argmin(axis=0)]


def inject(
    windows: npt.NDArray[np.float32], record: FlowRecord, seed: int, size: tuple[float, float]
) -> tuple[npt.NDArray[np.float32], list[Expression]]:
    """Add the movements of `Hardening.injections` to a whole video, and label them.

    A movement is drawn for each segment of some seconds; one that would not be over within its segment is left out.

    Args:
        windows: (W, 36, k) features of the video, of every sampled frame.
        size: Smallest and largest displacement, in pixels of the crop.
    """
    length = round(_SEGMENT_SECONDS * record.fps)
    count = -(-record.frames // length)
    still = LabelledWindows(
        torch.zeros(count, 36, length), torch.zeros(count, length), torch.full((count, length), NEUTRAL)
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        moved, spot, emotion = harden(still, Hardening(injections=1.0, injection_px=size), record.fps)
    whole = (spot[:, :2].sum(1) + spot[:, -2:].sum(1)) == 0  # neither begins before its segment nor ends after it
    spot *= whole[:, None]
    course = (moved * whole[:, None, None]).permute(0, 2, 1).reshape(-1, 36).numpy()[: record.frames]
    starts = record.parameters.starts(len(windows))
    columns = np.minimum(starts[:, None] + np.arange(windows.shape[2]), record.frames - 1)
    added = course[columns] - course[columns[:, :1]]
    labels = list(_labels(record, spot.flatten().numpy(), emotion.flatten().numpy(), course))
    return windows + added.transpose(0, 2, 1), labels


def inject_all(root: Path, background: Material, sizes: Sizes) -> Material:
    """Videos without micro-expressions, with labelled movements of the sizes of rendered ones; each is used twice."""
    low, high = (MAGNIFICATION * pixels for pixels in DIFFICULTIES[sizes.difficulty].micro_px)
    store = FlowStore(root / "flow", FlowParameters())
    videos: list[Video] = []
    labels: list[Expression] = []
    for video, take in itertools.product(background.catalog.videos, "ab"):
        record = background.store.get(*video.key)
        own = dataclasses.replace(video, video=f"{video.video}{take}")
        seed = 1000 * sizes.seed + len(videos)
        windows, movements = inject(np.array(record.windows), record, seed, (low, high))
        store.put(*own.key, windows, fps=video.fps, frames=video.frames, source={"kind": "injected"})
        videos.append(own)
        others = (*background.catalog.expressions_of(video.key, "macro"), *movements)
        labels += [dataclasses.replace(expression, video=own.video) for expression in others]
    return Material(Catalog(tuple(videos), tuple(labels), root.name), store)


def _labels(
    record: FlowRecord,
    spot: npt.NDArray[np.float32],
    emotion: npt.NDArray[np.int64],
    course: npt.NDArray[np.float32],
) -> Iterator[Expression]:
    """One per run of labelled samples, which do not include its onset and offset."""
    edges = np.flatnonzero(np.diff(spot, prepend=0, append=0))
    for first, end in edges.reshape(-1, 2).tolist():
        if end < record.frames:
            apex = first + int(np.linalg.norm(course[first:end], axis=1).argmax())
            name = EMOTIONS[emotion[first]]
            yield Expression(record.subject, record.video, "micro", first - 1, apex, end, name)


def _rendered(root: Path, sizes: Sizes, micros_per_minute: float | None, workers: int) -> Material:
    catalog = synthesize(
        root / "videos",
        subjects=sizes.people,
        videos=sizes.videos,
        frames=sizes.frames,
        difficulty=sizes.difficulty,
        micros_per_minute=micros_per_minute,
        seed=sizes.seed,
        workers=workers,
    )
    return _extracted(root / "flow", dataclasses.replace(catalog, name=root.name), workers)


def _extracted(flow: Path, catalog: Catalog, workers: int) -> Material:
    store = FlowStore(flow, FlowParameters())
    report = extract_catalog(catalog, store, workers=workers)
    if report.problems:
        raise UserError(f"{flow}: these videos cannot be used\n{report}")
    return Material(catalog, store)
