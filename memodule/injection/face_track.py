"""Where the face is, through a recording."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from memodule.datasets.frames import Gray
from memodule.flow.face import Landmarks, face_finder

Floats = npt.NDArray[np.float64]

_EVERY: Final = 0.1
"""Seconds from one search for the face to the next."""

_SMOOTH: Final = 0.8
"""Standard deviation of the smoothing in time, in searches: takes the jitter out of landmarks, keeps the head's way."""


@dataclasses.dataclass(frozen=True, eq=False)
class FaceTrack:
    """Landmarks through time; make one with `track_face`.

    Attributes:
        seconds: (n,) rising times of the searches.
        landmarks: (n, 68, 2) smoothed pixel positions; NaN where no face was found.
    """

    seconds: Floats
    landmarks: Floats

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """(n,) whether a face was found at each search."""
        return np.asarray(np.isfinite(self.landmarks[:, 0, 0]))

    def at(self, seconds: float) -> Floats | None:
        """Landmarks (68, 2) at a time, between two searches in proportion; None unless both found the face."""
        after = min(int(np.searchsorted(self.seconds, seconds)), len(self.seconds) - 1)
        before = max(after - 1, 0)
        share = np.interp(seconds, self.seconds[[before, after]], [0.0, 1.0]) if after > before else 1.0
        if share in (0, 1):
            before = after = after if share else before
        landmarks = (1 - share) * self.landmarks[before] + share * self.landmarks[after]
        return landmarks if np.isfinite(landmarks[0, 0]) else None

    def nearest(self, seconds: float) -> Floats:
        """Landmarks (68, 2) of the search nearest in time that found a face.

        Raises:
            ValueError: If none did.
        """
        found = np.flatnonzero(self.found)
        if not len(found):
            raise ValueError("no face was found")
        return np.asarray(self.landmarks[found[np.argmin(abs(self.seconds[found] - seconds))]])


def track_face(
    frames: Iterable[tuple[float, Gray]], find: Callable[[Gray], Landmarks | None] | None = None
) -> FaceTrack:
    """Find the face ten times a second, and smooth its way.

    Args:
        frames: Time in seconds and gray image (H, W) of all frames, in order.
        find: Finds the face in a frame; by default the one with the best score.
    """
    find = find or face_finder().find
    times: list[float] = []
    landmarks: list[Floats] = []
    missing = np.full((68, 2), np.nan)
    for seconds, frame in frames:
        if times and seconds - times[-1] < _EVERY - 1e-6:
            continue
        found = find(frame)
        times.append(seconds)
        landmarks.append(missing if found is None else found.astype(np.float64))
    return FaceTrack(np.array(times), _smoothed(np.array(landmarks).reshape(-1, 68, 2)))


def _smoothed(landmarks: Floats) -> Floats:
    """Every run of found faces smoothed in itself."""
    found = np.isfinite(landmarks[:, 0, 0])
    smooth = landmarks.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], found, [False]]).astype(int)))
    for start, stop in edges.reshape(-1, 2).tolist():
        smooth[start:stop] = gaussian_filter1d(landmarks[start:stop], _SMOOTH, axis=0, mode="nearest")
    return smooth
