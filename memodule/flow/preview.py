"""One picture per video that shows in seconds whether extraction worked."""

import dataclasses
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from memodule.atomic import replacing
from memodule.console import warn
from memodule.datasets.catalog import Catalog, Video
from memodule.datasets.frames import read_frames
from memodule.errors import UserError
from memodule.flow.boxes import CROP_SIDE, WHOLE, Area, CorrectedBox
from memodule.flow.parts import opencv_alone
from memodule.flow.regions import REGIONS, face_layout
from memodule.flow.store import FlowRecord, FlowStore
from memodule.flow.workers import Report, run_with_bar

_RANGE: Final = 3.0
"""Flow at which the colours end, in pixels of the crop."""

_PICTURES_PER_WORKER: Final = 8
"""Starting a worker takes as long as some pictures."""

_PATCH_COLOUR, _REGION_COLOUR, _POINT_COLOUR = "#56b4e9", "#d55e00", "#f0e442"
"""From the palette of Okabe and Ito, which colour-blind readers can tell apart."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Picture:
    """A picture that is to be drawn."""

    video: Video
    record: FlowRecord
    path: Path


def draw_previews(catalog: Catalog, store: FlowStore, workers: int = 1) -> Path:
    """Draw a picture of every video that has features and no picture yet.

    Args:
        catalog: The videos.
        store: Their features.
        workers: Number of processes.

    Returns:
        The folder of the pictures.
    """
    folder = store.folder / "previews"
    pictures = []
    for video in catalog.videos:
        description = store.description_path(video.subject, video.video)
        path = folder / f"{description.stem}.png"
        if description.is_file() and not (path.is_file() and path.stat().st_mtime >= description.stat().st_mtime):
            pictures.append(_Picture(video, store.get(video.subject, video.video), path))
    workers = max(1, min(workers, len(pictures) // _PICTURES_PER_WORKER))
    if not pictures:
        return folder
    for picture, result in run_with_bar(_draw, pictures, workers, opencv_alone, "pictures", len(pictures)):
        if isinstance(result, Exception):
            warn(f"no picture of {'/'.join(picture.video.key)}: {result}")
    return folder


def _draw(picture: _Picture, report: Report) -> None:
    figure = preview_figure(picture.video, picture.record)
    with replacing(picture.path) as aside:
        figure.savefig(aside, dpi=110)
    report(1)


def preview_figure(video: Video, record: FlowRecord) -> Figure:
    """The first face with landmarks, patches and regions, and the flow of all regions over time.

    Time is covered by every second window, so that each frame is drawn once; each stretch between two thin lines shows
    motion since its own reference frame.

    Args:
        video: The video; its frames may be gone.
        record: Its features.
    """
    figure = Figure(figsize=(15, 7), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.5))
    _draw_face(figure.add_subplot(grid[:, 0]), video, record)
    flow = _over_time(record)
    seconds = flow.shape[2] * record.parameters.frame_step / record.fps
    for row, direction in enumerate(("to the right", "downwards")):
        axes = figure.add_subplot(grid[row, 1])
        extent = (0, max(seconds, 1e-9), len(REGIONS) - 0.5, -0.5)
        image = axes.imshow(flow[:, row], "RdBu_r", aspect="auto", vmin=-_RANGE, vmax=_RANGE, extent=extent)
        for start in range(0, flow.shape[2], record.parameters.window):
            axes.axvline(start * record.parameters.frame_step / record.fps, color="#00000040", linewidth=0.5)
        axes.set_yticks(range(len(REGIONS)), REGIONS, fontsize=7)
        axes.set_title(f"flow {direction}, relative to the nose")
        figure.colorbar(image, ax=axes, label="px of the crop")
    axes.set_xlabel("seconds")
    figure.suptitle(f"{'/'.join(video.key)}: {_verdict(record)}")
    return figure


def _over_time(record: FlowRecord) -> npt.NDArray[np.float32]:
    """Flow by region, direction and sampled frame, (18, 2, frames)."""
    windows = np.asarray(record.windows)[::2]
    return np.concatenate([np.zeros((36, 0), np.float32), *windows], axis=1).reshape(len(REGIONS), 2, -1)


def _draw_face(axes: Axes, video: Video, record: FlowRecord) -> None:
    axes.set_axis_off()
    face = record.quality.get("face")
    if face is None:
        axes.text(0.5, 0.5, "no face", ha="center")
        return
    try:
        frame = next(read_frames(video, 1, face["frame"], face["frame"] + 1))
    except (UserError, StopIteration):
        axes.text(0.5, 0.5, "the frames are gone", ha="center")
        return
    left, top, width, height = face["box"]
    axes.imshow(CorrectedBox(top, left, height, width).view(frame)(WHOLE), cmap="gray", vmin=0, vmax=255)
    landmarks = np.array(face["landmarks"])
    axes.plot(landmarks[:, 0], landmarks[:, 1], ".", markersize=4, color=_POINT_COLOUR)
    layout = face_layout(landmarks)
    for patch in layout.patches:
        _outline(axes, patch, Area(0, patch.height, 0, patch.width), _PATCH_COLOUR, 0.8)
    for region in layout.regions:
        _outline(axes, layout.patches[region.patch], region.area, _REGION_COLOUR, 1.2)
    axes.set(xlim=(-0.5, CROP_SIDE - 0.5), ylim=(CROP_SIDE - 0.5, -0.5))
    axes.set_title(f"frame {face['frame']}: landmarks, patches (blue), regions (orange)")


def _outline(axes: Axes, patch: Area, area: Area, colour: str, width: float) -> None:
    if not (patch.is_empty or area.is_empty):
        corner = (patch.left + area.left - 0.5, patch.top + area.top - 0.5)
        axes.add_patch(Rectangle(corner, area.width, area.height, fill=False, edgecolor=colour, linewidth=width))


def _verdict(record: FlowRecord) -> str:
    quality = record.quality
    if quality.get("problem") or "face_share" not in quality:
        return str(quality.get("problem") or f"features from {record.source['kind']}")
    face = f"face in {quality['face_share']:.0%} of frames, box {quality['box_side']:.0f} px wide"
    return f"{face}, alignment saturated in {quality['saturated_frames']} frames"
