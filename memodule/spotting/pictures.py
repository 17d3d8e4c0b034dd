"""Pictures of what was found: the face at the apex with its 18 regions, and its motion since the onset."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from memodule.datasets.frames import Gray
from memodule.flow.boxes import CROP_SIDE, WHOLE, FaceBox
from memodule.flow.extractor import FlowExtractor
from memodule.flow.face import face_finder
from memodule.flow.regions import REGIONS, FaceLayout, face_layout
from memodule.runtime.opencv import opencv_alone
from memodule.spotting.faces import FaceChoice, FaceFollower
from memodule.spotting.result import SpottedExpression, SpottedVideo
from memodule.spotting.video_source import Colour

MOST_PICTURES: Final = 60
"""Expressions that are drawn, the most confident ones; more would make the page too large."""

_GRID: Final = 14
"""Distance of the arrows, in pixels of the crop."""

STILL: Final = 0.35
"""Shorter motion is not drawn, in pixels of the crop."""

_BROW: Final = 24
"""How far outside the landmarks motion is drawn, in pixels of the crop: the skin above the brows, but not the hair."""

_JPEG_QUALITY: Final = 82


@dataclasses.dataclass(frozen=True, slots=True)
class Outline:
    """A region on the face, in pixels of the 320 x 320 crop."""

    name: str
    left: int
    top: int
    width: int
    height: int


@dataclasses.dataclass(frozen=True, slots=True)
class Arrow:
    """Motion from onset to apex at one point, without head motion, in pixels of the crop."""

    x: float
    y: float
    dx: float
    dy: float


@dataclasses.dataclass(frozen=True)
class ExpressionPictures:
    """The pictures of one expression.

    Attributes:
        apex: JPEG of the face at the apex, 320 x 320, with the outlines of its regions.
        arrows: Where points of the face moved until the apex; points that hardly move have none.
    """

    apex: bytes
    outlines: tuple[Outline, ...]
    onset: bytes
    arrows: tuple[Arrow, ...]


def draw_expressions(video: SpottedVideo, most: int = MOST_PICTURES) -> dict[int, ExpressionPictures]:
    """Draw the expressions that were found in a video, which is read again as far as the last of them.

    At most `most` are drawn, the most confident ones.

    Returns:
        Pictures by index of the expression, except where the face is not found again.

    Raises:
        UserError: If the video can no longer be opened.
    """
    ranked = sorted(range(len(video.expressions)), key=lambda i: -video.expressions[i].confidence)
    chosen = {i: video.expressions[i] for i in sorted(ranked[:most])}
    pictures = {}
    with opencv_alone():
        for i, onset, apex in _pairs(video, chosen):
            drawn = _draw(onset, apex, _position(video, chosen[i]))
            if drawn is not None:
                pictures[i] = drawn
    return pictures


def _pairs(video: SpottedVideo, chosen: dict[int, SpottedExpression]) -> Iterator[tuple[int, Colour, Colour]]:
    """(index, onset image, apex image); an image is released when no expression needs it any more."""
    held: dict[int, Colour] = {}
    waiting = dict(chosen)
    for frame, image in video.source.pick([f for e in chosen.values() for f in (e.onset, e.apex)]):
        held[frame] = image
        for i, expression in list(waiting.items()):
            if expression.onset in held and expression.apex in held:
                yield i, held[expression.onset], held[expression.apex]
                del waiting[i]
        needed = {f for e in waiting.values() for f in (e.onset, e.apex)}
        held = {f: kept for f, kept in held.items() if f in needed}


def _position(video: SpottedVideo, expression: SpottedExpression) -> tuple[int, int]:
    """Centre of the face near the onset, so that the same person is found again."""
    place = min(video.places, key=lambda p: abs(int(video.sample_frames[p.sample]) - expression.onset))
    left, top, width, height = place.box
    return int(left + width / 2), int(top + height / 2)


def _draw(onset: Colour, apex: Colour, position: tuple[int, int]) -> ExpressionPictures | None:
    gray_onset, gray_apex = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8) for image in (onset, apex))
    first, second = _look(gray_onset, position), _look(gray_apex, position)
    if first is None or second is None:
        return None
    (start, before), (end, after) = first, second
    return ExpressionPictures(
        _jpeg(end, apex),
        tuple(_outlines(face_layout(after))),
        _jpeg(start, onset),
        tuple(_arrows(start, gray_onset, gray_apex, before)),
    )


def _look(frame: Gray, position: tuple[int, int]) -> tuple[FaceBox, npt.NDArray[np.int64]] | None:
    """Face box and landmarks in the crop, as the extractor finds them."""
    follower = FaceFollower(face_finder(), FaceChoice(position=position))
    (window,) = FlowExtractor(2, find_face=follower.find).stream([frame, frame], 1)
    if window.box is None or window.landmarks is None:
        return None
    return window.box, window.landmarks


def _jpeg(box: FaceBox, image: Colour) -> bytes:
    _, data = cv2.imencode(".jpg", box.view(image)(WHOLE), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return data.tobytes()


def _outlines(layout: FaceLayout) -> Iterator[Outline]:
    for name, region in zip(REGIONS, layout.regions, strict=True):
        patch = layout.patches[region.patch]
        if not (patch.is_empty or region.area.is_empty):
            left, top = patch.left + region.area.left, patch.top + region.area.top
            yield Outline(name, left, top, region.area.width, region.area.height)


def _arrows(box: FaceBox, onset: Gray, apex: Gray, landmarks: npt.NDArray[np.int64]) -> Iterator[Arrow]:
    layout = face_layout(landmarks)
    nose, outline = layout.patches[layout.head.patch], cv2.convexHull(landmarks.astype(np.int32))
    reference = box.view(onset)(WHOLE)
    flow = _dense_flow(reference, box.view(apex)(WHOLE))
    moved = None if nose.is_empty else box.after(_median(flow, nose), apex)
    if moved is not None:  # follow the head once, so that only a small residual is left to subtract
        flow = _dense_flow(reference, moved.view(apex)(WHOLE))
    head = np.zeros(2) if nose.is_empty else _median(flow, nose)
    for y in range(_GRID // 2, CROP_SIDE, _GRID):
        for x in range(_GRID // 2, CROP_SIDE, _GRID):
            dx, dy = (flow[y, x] - head).tolist()
            on_face = cv2.pointPolygonTest(outline, (x, y), measureDist=True) >= -_BROW
            if on_face and dx * dx + dy * dy >= STILL**2:
                yield Arrow(x, y, dx, dy)


def _dense_flow(before: Gray, after: Gray) -> Any:
    return cv2.calcOpticalFlowFarneback(
        before, after, np.zeros((CROP_SIDE, CROP_SIDE, 2), np.float32), 0.5, 3, 21, 5, 7, 1.5, 0
    )


def _median(flow: Any, area: Any) -> npt.NDArray[np.float64]:
    part = flow[area.top : area.bottom, area.left : area.right].reshape(-1, 2)
    return np.asarray(np.median(part, axis=0), dtype=np.float64)
