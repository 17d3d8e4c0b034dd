"""What a movement does to the flow channels: templates to add to measured features."""

import dataclasses
import functools
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from memodule.synthetic.action_units import EMOTION_SETS, HALVES
from memodule.synthetic.face_rig import build_rig
from memodule.synthetic.faces import draw_face
from memodule.synthetic.region_responses import MAGNIFICATION, region_places, region_responses

Floats = npt.NDArray[np.float32]

_BOX_SIDE: Final = 320 / MAGNIFICATION
"""Width of the face box that the generic templates were read at, in pixels of the image."""


@dataclasses.dataclass(frozen=True, eq=False)
class Templates:
    """Answers of the 36 channels to facial movements.

    Attributes:
        responses: (halves, 36) float32, in pixels of the 320-pixel crop: the answer to each half action unit (in the
            order of `action_units.HALVES`) that moves its most moved point by one pixel of the image.
        places: (18, 2) float32 positions of the regions around the nose, in distances between the outer eye corners.
    """

    responses: Floats
    places: Floats

    @classmethod
    def generic(cls, box_side: float = _BOX_SIDE) -> Self:
        """Those of the generator's displacement fields, on a face whose box is `box_side` pixels of the image wide."""
        responses, places = _generic()
        return cls(responses * np.float32(_BOX_SIDE / box_side), places)

    def answer(self, strengths: npt.ArrayLike) -> Floats:
        """(..., 36) answers to strengths (..., halves) in pixels of the image."""
        return np.asarray(np.asarray(strengths, np.float32) @ self.responses)


@functools.cache
def _generic() -> tuple[Floats, Floats]:
    rig = build_rig(draw_face(np.random.default_rng(0)))
    nose = rig.face.landmarks[30]
    places = (region_places(rig.face.landmarks) - nose) / rig.face.scale
    return region_responses(rig).halves.astype(np.float32), places.astype(np.float32)


def emotion_strengths() -> tuple[Floats, npt.NDArray[np.int64], Floats]:
    """The sets of action units that show emotions, as strengths.

    Returns:
        (sets, halves) float32, 0 or 1; (sets,) emotion class of each; (sets,) float32 probability of each, where all
        emotions are equally likely, and all sets of an emotion.
    """
    strengths, emotions, shares = [], [], []
    for emotion, sets in enumerate(EMOTION_SETS.values()):
        for units in sets:
            strengths.append([float(unit in units) for unit, _ in HALVES])
            emotions.append(emotion)
            shares.append(1 / (len(EMOTION_SETS) * len(sets)))
    return np.array(strengths, np.float32), np.array(emotions), np.array(shares, np.float32)
