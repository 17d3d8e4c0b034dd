"""One picture per video that shows at a glance whether extraction worked."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from memodule.console import warn
from memodule.datasets.catalog import Catalog, Expression, Video
from memodule.datasets.frames import read_frames
from memodule.errors import UserError
from memodule.flow.boxes import CROP_SIDE, WHOLE, Area, CorrectedBox
from memodule.flow.record import FlowRecord
from memodule.flow.regions import REGIONS, face_layout
from memodule.flow.store import FlowStore
from memodule.runtime.atomic import replacing
from memodule.runtime.opencv import opencv_alone
from memodule.runtime.workers import ReportProgress, run_with_bar

_RANGE: Final = 3.0
"""Flow at the ends of the colour scale, in pixels of the crop."""

_PREVIEWS_PER_WORKER: Final = 8
"""Starting a worker takes as long as several pictures."""

_PATCH_COLOUR, _REGION_COLOUR, _POINT_COLOUR = "#56b4e9", "#d55e00", "#f0e442"
_GOOD_COLOUR, _DOUBTFUL_COLOUR, _BAD_COLOUR = "#007a5a", "#b35900", "#b00020"
"""The first three from the palette of Okabe and Ito, distinguishable for colour-blind readers."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Preview:
    """A preview to be drawn."""

    video: Video
    record: FlowRecord
    expressions: tuple[Expression, ...]
    path: Path


def draw_previews(catalog: Catalog, store: FlowStore, workers: int = 1) -> Path:
    """Draw a preview of every video that has features and no preview yet; returns their folder."""
    folder = store.folder / "previews"
    previews = []
    for video in catalog.videos:
        description = store.description_path(video.subject, video.video)
        path = folder / f"{description.stem}.png"
        if description.is_file() and not (path.is_file() and path.stat().st_mtime >= description.stat().st_mtime):
            try:
                record = store.get(video.subject, video.video)
            except UserError as damage:
                warn(f"no preview of {'/'.join(video.key)}: {damage}")
                continue
            previews.append(_Preview(video, record, catalog.expressions_of(video.key), path))
    workers = max(1, min(workers, len(previews) // _PREVIEWS_PER_WORKER))
    drawn = run_with_bar(_draw, previews, workers, opencv_alone, "previews", len(previews)) if previews else ()
    for preview, result in drawn:
        if isinstance(result, Exception):
            warn(f"no preview of {'/'.join(preview.video.key)}: {result}")
    return folder


def _draw(preview: _Preview, report: ReportProgress) -> None:
    figure = preview_figure(preview.video, preview.record, preview.expressions)
    with replacing(preview.path) as aside:
        figure.savefig(aside, dpi=110)
    report(1)


def preview_figure(video: Video, record: FlowRecord, expressions: Sequence[Expression] = ()) -> Figure:
    """The first face with landmarks, patches and regions, and the flow of all regions over time.

    Time is covered by every second window (and, if their number is even, the second half of the last), so that each
    frame is drawn once; each stretch between two thin lines shows motion since its own reference frame. Stretches
    without a face are hatched; bars above the flow are labels. The video's frames need not exist any more.
    """
    figure = Figure(figsize=(15, 7), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.5))
    _draw_face(figure.add_subplot(grid[:, 0]), video, record)
    for row, direction in enumerate(("to the right", "downwards")):
        axes = figure.add_subplot(grid[row, 1])
        axes.set_title(f"flow {direction}, relative to the nose", loc="left", pad=14 if expressions else 6)
        image = _draw_flow(axes, record, row)
        _draw_labels(axes, expressions, record.fps)
        figure.colorbar(image, ax=axes, label="px of the crop")
    axes.set_xlabel("seconds")
    verdict, colour = _verdict(record)
    figure.suptitle(f"{'/'.join(video.key)}: {verdict}", color=colour, wrap=True)
    return figure


def _draw_flow(axes: Axes, record: FlowRecord, direction: int) -> AxesImage:
    """The flow of all regions as colours, hatched where no face was found."""
    flow, length = _over_time(record)[:, direction], record.parameters.window
    step = record.parameters.frame_step / record.fps
    extent = (0, max(flow.shape[1] * step, 1e-9), len(REGIONS) - 0.5, -0.5)
    image = axes.imshow(flow, "RdBu_r", aspect="auto", vmin=-_RANGE, vmax=_RANGE, extent=extent)
    for start in range(0, flow.shape[1], length):
        axes.axvline(start * step, color="#00000040", linewidth=0.5)
        if not flow[:, start : start + length].any():
            end = min(start + length, flow.shape[1])
            axes.axvspan(start * step, end * step, facecolor="#dddddd", hatch="//", edgecolor="white")
    axes.set_yticks(range(len(REGIONS)), REGIONS, fontsize=7)
    return image


def _draw_labels(axes: Axes, expressions: Sequence[Expression], fps: float) -> None:
    """A bar above the flow for each labelled expression, from onset to offset."""
    shown = axes.get_xlim()
    expressions = [e for e in expressions if e.onset / fps < shown[1]]
    for kind, colour in (("micro", "black"), ("macro", "#999999")):
        bars = [
            (e.onset / fps, min((e.offset + 1) / fps, shown[1]) - e.onset / fps) for e in expressions if e.kind == kind
        ]
        if bars:
            axes.broken_barh(
                bars, (1.01, 0.03), color=colour, clip_on=False, transform=axes.get_xaxis_transform(), label=kind, lw=0
            )
    if expressions:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1.03), ncols=2, fontsize=7, frameon=False, borderpad=0)
    axes.set_xlim(shown)


def _over_time(record: FlowRecord) -> npt.NDArray[np.float32]:
    """Flow by region, direction and sampled frame, (18, 2, frames)."""
    windows, stride = np.asarray(record.windows), record.parameters.stride
    rest = [] if len(windows) % 2 else [window[:, stride:] for window in windows[-1:]]
    return np.concatenate([np.zeros((36, 0), np.float32), *windows[::2], *rest], axis=1).reshape(len(REGIONS), 2, -1)


def _draw_face(axes: Axes, video: Video, record: FlowRecord) -> None:
    axes.set_axis_off()
    face = record.quality.get("face")
    if face is None:
        axes.text(0.5, 0.5, "no face", ha="center")
        return
    try:
        frame = next(read_frames(video, 1, face["frame"], face["frame"] + 1))
    except (UserError, StopIteration):
        axes.text(0.5, 0.5, "the frames are missing", ha="center")
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


def _verdict(record: FlowRecord) -> tuple[str, str]:
    """Whether the features are good, as text and as a colour."""
    quality = record.quality
    if quality.get("problem"):
        return str(quality["problem"]), _BAD_COLOUR
    if "face_share" not in quality:
        return f"features from {record.source['kind']}", _DOUBTFUL_COLOUR
    face = f"face in {quality['face_share']:.0%} of frames, box {quality['box_side']:.0f} px wide"
    text = f"{face}, alignment saturated in {quality['saturated_frames']} frames"
    remarks = quality.get("remarks", ())
    return ("; ".join([text, *remarks]), _DOUBTFUL_COLOUR) if remarks else (f"good: {text}", _GOOD_COLOUR)
