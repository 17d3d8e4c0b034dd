"""What the movements of a face do to the 36 flow channels: the displacement fields, read where the regions are."""

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt

from memodule.synthetic.action_units import HALVES
from memodule.synthetic.face_rig import FaceRig
from memodule.synthetic.photographs import Landmarks

MAGNIFICATION: Final = 320 / 234
"""From the image that displacements are drawn for to the face crop."""

_REGIONS: Final = (
    *(tuple(range(17, 22)), (20,), (19,), (18,), tuple(range(22, 27)), (23,), (24,), (25,)),
    *(tuple(range(48, 67)), (48,), (54,), (51,), (57,), (62,), (31,), (35,), (40, 41), (46, 47)),
)
"""Landmarks in the middle of each of the 18 regions; for the last two (the cheeks), the lower lids above them."""

_CHEEKS: Final = (16, 17)
_NOSE: Final = (29, 30)
_BLINK_PX: Final = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class RegionResponses:
    """What reaches the channels, in pixels of the crop, relative to the nose.

    Attributes:
        halves: (halves, 36) of each half action unit that moves its most moved point by one pixel of the image.
        turns: (2, 36) of turns of the head right and down by one pixel.
        blink: (36,) of a blink.
    """

    halves: npt.NDArray[np.float64]
    turns: npt.NDArray[np.float64]
    blink: npt.NDArray[np.float64]


def region_places(landmarks: Landmarks) -> npt.NDArray[np.float64]:
    """(18, 2) positions of the regions on a face with landmarks (68, 2), in its pixels."""
    places = np.array([landmarks[list(points)].mean(axis=0) for points in _REGIONS])
    places[list(_CHEEKS), 1] += 0.1 * np.linalg.norm(landmarks[45] - landmarks[36])
    return places


def region_responses(rig: FaceRig) -> RegionResponses:
    """Read the displacement fields where the regions are, relative to the nose."""
    landmarks = rig.face.landmarks
    places = np.vstack([region_places(landmarks), landmarks[list(_NOSE)].mean(axis=0)])
    column, row = np.rint((places - 0.5) / 2).astype(int).T
    at = rig.fields[:, :, row, column].astype(np.float64)
    relative = (at[:, :, :-1] - at[:, :, -1:]).transpose(0, 2, 1).reshape(len(at), -1)
    blink = relative[[HALVES.index(("AU6", "left")), HALVES.index(("AU6", "right"))]].sum(axis=0)
    return RegionResponses(MAGNIFICATION * relative[:-2], MAGNIFICATION * relative[-2:], _BLINK_PX * blink)
