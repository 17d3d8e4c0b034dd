"""The extractor's answer to movements: what one pixel of each half action unit does to the 36 channels.

A face answers in its own way: its texture, its size, where its landmarks are. So the answers are measured by warping a
few stills of the recording and taking the features of each pair.
"""

import functools
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from memodule.datasets.frames import Gray
from memodule.flow.extractor import FlowExtractor
from memodule.flow.face import Landmarks
from memodule.flow.parameters import MotionCompensation
from memodule.flow.store import CHANNELS
from memodule.injection.warp import Floats, warp
from memodule.runtime.opencv import opencv_alone
from memodule.synthetic.action_units import HALVES
from memodule.synthetic.faces import draw_face
from memodule.synthetic.movements import Movement

Floats32 = npt.NDArray[np.float32]

_TRIED: Final = 0.008
"""How far the stills are warped, as a share of the face box: 2 px of a face of 250."""


_GENERATED: Final = 3
"""Generated faces that the generic answers are measured on."""


def measured_answers(
    stills: Sequence[tuple[Gray, Floats]], compensation: MotionCompensation = "corrected"
) -> npt.NDArray[np.float64]:
    """Measure the answers on stills of a recording.

    Args:
        stills: Frames (H, W) with their landmarks (68, 2).

    Returns:
        (halves, 36) in pixels of the crop for one pixel of the image at the most moved point; the median over the
        stills.

    Raises:
        ValueError: If the extractor finds a face in none of them.
    """
    answers = []
    with opencv_alone():
        for still, landmarks in stills:
            pixels = _TRIED * _box_side(landmarks)
            moved = [warp(still, landmarks, pixels * unit) for unit in np.eye(len(HALVES))]
            frames = [still, *moved, still]
            nearby = np.rint(landmarks).astype(np.int64)
            extractor = FlowExtractor(len(frames), compensation, find_face=functools.partial(_given, nearby))
            window = next(iter(extractor.stream(frames, 1)))
            if window.reference is not None:
                answers.append(window.flow[:, 1:-1].T / pixels)
    if not answers:
        raise ValueError("no face in any still")
    return np.asarray(np.median(answers, axis=0), np.float64)


def add_movements(
    windows: Floats32,
    starts: Sequence[int] | npt.NDArray[np.int64],
    references: Sequence[int | None],
    movements: Sequence[tuple[Movement, Floats]],
    answers: npt.NDArray[np.float64],
    times: npt.NDArray[np.float64],
) -> Floats32:
    """Features of a recording with movements added to what was measured.

    Args:
        windows: (W, 36, k) measured features, which stay as they are.
        starts: First sample of each window.
        references: Column that each window is relative to; None where it has no face, and nothing is added.
        movements: Movements with their strengths of the halves at the apex, in pixels of the image.
        answers: (halves, 36), as `measured_answers` returns them.
        times: (n,) of the samples, in the movements' unit of time. Samples beyond the last repeat it.
    """
    moved = np.zeros((len(times), CHANNELS))
    for movement, strengths in movements:
        moved += np.outer(movement.at(times), strengths @ answers)
    changed = windows.copy()
    last, length = len(times) - 1, windows.shape[2]
    for window, start, reference in zip(changed, np.asarray(starts).tolist(), references, strict=True):
        part = moved[np.minimum(np.arange(start, start + length), last)]
        if reference is not None and part.any():
            window[:, reference + 1 :] += (part[reference + 1 :] - part[reference]).T.astype(np.float32)
    return changed


def pick_stills(frames: Sequence[int], count: int) -> list[int]:
    """`count` of some frames, evenly spread over them."""
    places = np.linspace(0, len(frames) - 1, 2 * min(count, len(frames)) + 1).round().astype(int)[1::2]
    return [frames[place] for place in dict.fromkeys(places.tolist())]


def generic_landmarks() -> Floats:
    """Landmarks (68, 2) of an ordinary face, where only their proportions matter."""
    return draw_face(np.random.default_rng(0)).landmarks


@functools.cache
def generic_answers(box: float, compensation: MotionCompensation = "corrected") -> npt.NDArray[np.float64]:
    """The answers of generated faces, where a recording's own images are not at hand, for a face box of `box` px."""
    answers = []
    for seed in range(_GENERATED):
        face = draw_face(np.random.default_rng(seed))
        own = _box_side(face.landmarks)
        stills = [(face.image.astype(np.uint8), face.landmarks)]
        answers.append(own / box * measured_answers(stills, compensation))
    return np.asarray(np.median(answers, axis=0), np.float64)


def _given(landmarks: Landmarks, _: Gray) -> Landmarks:
    """Finds the face where it is known to be."""
    return landmarks


def _box_side(landmarks: Floats) -> float:
    """Width of the face box in pixels of the image: 4.5 times the distance of the inner eye corners."""
    return 4.5 * float(np.linalg.norm(landmarks[42] - landmarks[39]))
