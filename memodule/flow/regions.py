"""Which parts of the face are measured: seven patches whose flow is computed, and the 18 regions pooled from it.

All numbers are pixels of the 320 x 320 crop and those of the published code (its 36-channel extractor). Differences:

- A patch that extends beyond the crop where the published code fails is cut off at the edge, and its regions are placed
  relative to the rest; one that is entirely outside gives zero flow. `FaceLayout.undefined` names such patches.
- Where the published code itself cuts off a patch (brows at the top; left brow, mouth and nostrils at the left), the
  regions around landmarks are displaced by the part cut off; this is kept.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from memodule.flow.boxes import CROP_SIDE, Area
from memodule.flow.face import Landmarks

REGIONS: Final = (
    "left brow",
    "left brow inner",
    "left brow middle",
    "left brow outer",
    "right brow",
    "right brow inner",
    "right brow middle",
    "right brow outer",
    "mouth",
    "mouth left corner",
    "mouth right corner",
    "upper lip",
    "lower lip",
    "lip centre",
    "left nostril",
    "right nostril",
    "left lower lid",
    "right lower lid",
)
"""The 18 regions in the order of the channels; left and right as seen in the image."""

PATCHES: Final = ("nose", "left brow", "right brow", "mouth", "nostrils", "left lid", "right lid")
"""The patches whose flow is computed; head motion is measured on the nose."""

_NOSE, _LEFT_BROW, _RIGHT_BROW, _MOUTH, _NOSTRILS, _LEFT_LID, _RIGHT_LID = range(7)
_CUT_AT_TOP: Final = (_LEFT_BROW, _RIGHT_BROW)
_CUT_AT_LEFT: Final = (_LEFT_BROW, _MOUTH, _NOSTRILS, _LEFT_LID, _RIGHT_LID)


@dataclasses.dataclass(frozen=True, slots=True)
class Region:
    """A part of a patch that is pooled into one vector.

    Attributes:
        patch: Index into `PATCHES`.
        area: Pixels of the patch.
        share: Share of the pixels that is kept, the fastest ones.
    """

    patch: int
    area: Area
    share: float


@dataclasses.dataclass(frozen=True, slots=True)
class FaceLayout:
    """Patches and regions of one face.

    Attributes:
        patches: Seven areas of the crop, some of them possibly empty.
        head: The region that head motion is measured on.
        undefined: Names of patches on which the published code would have failed.
    """

    patches: tuple[Area, ...]
    head: Region
    regions: tuple[Region, ...]
    undefined: tuple[str, ...]


def face_layout(landmarks: Landmarks) -> FaceLayout:
    """Patches and regions of a face, from its landmarks in pixels of the crop."""
    wanted = (
        _around(landmarks[29:31], up=13, down=13, left=13, right=13),
        _around(landmarks[17:22], up=15, down=5, left=5, right=0),
        _around(landmarks[22:27], up=15, down=5, left=0, right=0),
        _around(landmarks[48:67], up=15, down=10, left=20, right=20),
        _around(landmarks[30:36], up=20, down=5, left=30, right=30),
        _below_eye(landmarks[36:42]),
        _below_eye(landmarks[42:48]),
    )
    patches = tuple(_inside_crop(area) for area in wanted)
    undefined = tuple(PATCHES[i] for i in range(len(wanted)) if patches[i].is_empty or _fails(i, wanted[i]))
    head = Region(_NOSE, _inner(patches[_NOSE], 15, 10, 5, 5), 0.7)
    return FaceLayout(patches, head, tuple(_regions(landmarks, wanted, patches)), undefined)


def _around(points: Landmarks, up: int, down: int, left: int, right: int) -> Area:
    """The bounding box of the points (without the last row and column), widened."""
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    return Area(y0 - up, y1 + down, x0 - left, x1 + right)


def _below_eye(points: Landmarks) -> Area:
    """As wide as the eye and half as high, a quarter of its width below its centre."""
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    width, centre = x1 - x0, (y0 + y1) / 2
    return Area(int(centre + width / 4), int(centre + 3 * width / 4), x0, x1)


def _inside_crop(area: Area) -> Area:
    return Area(max(area.top, 0), min(area.bottom, CROP_SIDE), max(area.left, 0), min(area.right, CROP_SIDE))


def _fails(patch: int, area: Area) -> bool:
    """Whether the published code gets an empty patch from a negative slice."""
    return (area.top < 0 and patch not in _CUT_AT_TOP) or (area.left < 0 and patch not in _CUT_AT_LEFT)


def _regions(landmarks: Landmarks, wanted: Sequence[Area], patches: Sequence[Area]) -> Iterator[Region]:
    def whole(patch: int, top: int, bottom: int, side: int, share: float = 0.3) -> Region:
        return Region(patch, _inner(patches[patch], top, bottom, side, side), share)

    def at(patch: int, landmark: int, rows: tuple[int, int], columns: tuple[int, int], share: float = 0.2) -> Region:
        x, y = landmarks[landmark].tolist()
        top = wanted[patch].top if patch in _CUT_AT_TOP else patches[patch].top
        left = wanted[patch].left if patch in _CUT_AT_LEFT else patches[patch].left
        y, x = y - top, x - left
        return Region(patch, _slice(patches[patch], y + rows[0], y + rows[1], x + columns[0], x + columns[1]), share)

    around, above = (-10, 10), (-20, 5)
    outward_left, outward_right = (-10, 20), (-20, 10)
    left_top = max(0, 10 + min(0, wanted[_LEFT_BROW].top))
    left_height = wanted[_LEFT_BROW].bottom - max(0, wanted[_LEFT_BROW].top)
    yield whole(_LEFT_BROW, left_top, 4 if left_height - 3 < 10 + left_top else 10, 10)
    for landmark in (20, 19, 18):
        yield at(_LEFT_BROW, landmark, around, around)
    yield whole(_RIGHT_BROW, max(0, 10 + min(0, wanted[_RIGHT_BROW].top)), 10, 10)
    for landmark in (23, 24, 25):
        yield at(_RIGHT_BROW, landmark, around, around, share=0.3)  # the published left and right differ
    yield whole(_MOUTH, 10, 10, 10)
    yield at(_MOUTH, 48, around, outward_left)
    yield at(_MOUTH, 54, around, outward_right)
    for landmark in (51, 57, 62):
        yield at(_MOUTH, landmark, around, around)
    yield at(_NOSTRILS, 31, above, outward_right)
    yield at(_NOSTRILS, 35, above, outward_left)
    for lid in (_LEFT_LID, _RIGHT_LID):
        yield whole(lid, 5, 5, 5)


def _inner(patch: Area, top: int, bottom: int, left: int, right: int) -> Area:
    """A patch without its margins."""
    return _slice(patch, top, -bottom, left, -right)


def _slice(patch: Area, top: int, bottom: int, left: int, right: int) -> Area:
    """The pixels of a NumPy slice; a negative index counts from the end, as in the published code."""
    y0, y1, _ = slice(top, bottom).indices(max(0, patch.height))
    x0, x1, _ = slice(left, right).indices(max(0, patch.width))
    return Area(y0, y1, x0, x1)
