"""Finding the face: dlib's detector and landmarks."""

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memodule.datasets.frames import Gray
from memodule.errors import UserError

Landmarks = npt.NDArray[np.int64]
"""68 facial landmarks, (68, 2) int64: x and y in pixels."""


class FaceFinder:
    """Finds the landmarks of faces. Creating one takes about 2 s and 100 MB.

    Raises:
        UserError: If the landmark model is not installed.
    """

    def __init__(self) -> None:
        import dlib

        self._detect: Any = dlib.get_frontal_face_detector()
        self._predict: Any = dlib.shape_predictor(str(landmark_model()))

    def find(self, image: Gray) -> Landmarks | None:
        """Landmarks of the face with the best score, or None where there is no face."""
        faces = self.faces(image)
        return self.landmarks(image, faces[0]) if faces else None

    def faces(self, image: Gray) -> Sequence[Any]:
        """All faces as dlib rectangles, best score first; faces smaller than about 80 pixels are missed."""
        found: Sequence[Any] = self._detect(np.ascontiguousarray(image), 0)
        return found

    def landmarks(self, image: Gray, face: Any) -> Landmarks:
        """Landmarks of the face in a rectangle that `faces` returned; they may be outside the image."""
        points = self._predict(np.ascontiguousarray(image), face).parts()
        return np.array([(point.x, point.y) for point in points], np.int64)


@functools.cache
def face_finder() -> FaceFinder:
    """The face finder of this process, created once."""
    return FaceFinder()


def landmark_model() -> Path:
    """The file of dlib's 68-landmark model, shipped with the package face-recognition-models.

    Raises:
        UserError: If it is not installed.
    """
    # importing that package fails without pkg_resources; only its file is needed
    package = importlib.util.find_spec("face_recognition_models")
    if package is not None and package.origin is not None:
        model = Path(package.origin).parent / "models" / "shape_predictor_68_face_landmarks.dat"
        if model.is_file():
            return model
    raise UserError(
        "shape_predictor_68_face_landmarks.dat is not installed; run `python -m pip install face-recognition-models`"
    )
