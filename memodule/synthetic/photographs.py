"""Photographs of faces that ship in packages on which this one depends, free of rights.

- Eileen Collins, NASA's portrait of the astronaut, public domain as a work of the US government: scikit-image,
  `skimage.data.astronaut`.
- Grace Hopper, James S. Davis's portrait for the US Navy, public domain as a work of the US government: matplotlib,
  `mpl-data/sample_data/grace_hopper.jpg`.

Nothing is downloaded. Their landmarks are stored here (found once with dlib's 68-point model on an enlargement), so
that rendering needs neither dlib nor its model and gives the same bytes with any version of them.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from memodule.errors import UserError
from memodule.synthetic.action_units import Array

Landmarks = npt.NDArray[np.float64]
"""(68, 2) positions (x, y) in pixels."""


@dataclasses.dataclass(frozen=True, eq=False)
class Photograph:
    """A face that looks into the camera.

    Attributes:
        load: Returns the whole picture, (H, W) float32 grey levels 0..255.
        landmarks: (68, 2) positions in the picture.
        inner_eyes: Distance between the inner eye corners in pixels; `outer_eyes`, between the outer ones.
        pliant: How far proportions can change before dlib loses the jaw, as a share of the usual range.
    """

    load: Callable[[], Array]
    landmarks: Landmarks
    inner_eyes: float
    outer_eyes: float
    pliant: float = 1.0


def _collins() -> Array:
    from skimage import data

    photograph = np.asarray(data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]
    return np.asarray(cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY), np.float32)


def _hopper() -> Array:
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    photograph = cv2.imread(str(path))
    if photograph is None:
        raise UserError(f"{path}: cannot be read; install matplotlib with its sample data")
    return np.asarray(cv2.cvtColor(photograph, cv2.COLOR_BGR2GRAY), np.float32)


# fmt: off
_COLLINS_LANDMARKS: Final = np.array([
    179.4, 104.4, 179.6, 115.9, 180.9, 127.4, 181.9, 138.9, 185.1, 150.4, 191.1, 160.4, 199.9, 168.6, 208.9, 175.6,
    219.6, 178.1, 231.4, 176.9, 242.6, 171.4, 252.9, 163.9, 260.1, 154.4, 264.9, 143.4, 267.6, 131.9, 270.1, 120.4,
    271.6, 108.1, 186.1, 94.1, 192.1, 88.4, 200.6, 87.1, 209.1, 88.9, 216.9, 92.6, 235.4, 93.9, 243.4, 90.9,
    251.9, 90.6, 260.1, 92.4, 265.4, 98.9, 225.6, 102.1, 225.4, 110.4, 225.1, 118.6, 224.9, 127.1, 214.1, 131.1,
    219.1, 132.6, 224.1, 134.4, 229.4, 133.1, 234.4, 131.6, 194.9, 101.1, 200.4, 97.9, 206.9, 98.6, 212.4, 103.9,
    206.1, 104.1, 199.6, 103.6, 237.6, 105.1, 243.6, 100.4, 249.9, 100.4, 255.4, 104.4, 249.9, 106.4, 243.6, 105.9,
    200.4, 139.1, 208.9, 139.1, 217.4, 139.4, 223.1, 140.9, 229.1, 139.6, 237.1, 140.1, 245.6, 140.6, 237.4, 150.9,
    228.9, 154.9, 222.1, 155.6, 215.9, 154.6, 207.4, 149.6, 203.1, 140.4, 216.9, 142.9, 222.9, 143.9, 228.9, 143.4,
    242.4, 141.9, 228.9, 149.6, 222.6, 150.4, 216.4, 149.4,
]).reshape(68, 2)

_HOPPER_LANDMARKS: Final = np.array([
    176.2, 203.8, 179.2, 227.0, 184.5, 250.2, 191.0, 271.8, 199.0, 293.0, 210.8, 311.0, 227.0, 323.5, 246.5, 331.2,
    270.0, 332.8, 292.8, 329.0, 311.8, 320.2, 327.8, 307.0, 340.2, 287.5, 348.2, 266.8, 351.8, 244.5, 354.0, 221.0,
    354.5, 197.2, 188.8, 190.8, 195.8, 173.8, 211.2, 165.5, 228.8, 165.2, 244.0, 171.5, 283.5, 168.2, 297.8, 160.5,
    314.2, 158.8, 329.5, 165.8, 338.0, 179.5, 265.8, 187.8, 266.8, 204.5, 267.8, 220.8, 268.5, 238.0, 246.8, 246.0,
    257.2, 249.0, 268.8, 252.8, 279.5, 249.0, 288.8, 245.2, 210.0, 195.0, 218.2, 187.8, 228.5, 187.2, 238.2, 193.5,
    229.2, 195.2, 219.0, 196.8, 290.8, 191.5, 300.8, 183.2, 311.0, 183.2, 318.8, 189.5, 311.2, 191.8, 301.0, 192.0,
    231.2, 281.0, 244.2, 273.8, 257.8, 271.0, 267.5, 273.5, 278.2, 271.2, 291.2, 272.5, 303.0, 276.2, 291.5, 283.8,
    279.2, 289.2, 268.2, 291.0, 257.8, 290.0, 244.5, 286.5, 235.8, 280.0, 257.8, 278.5, 267.8, 279.2, 278.8, 277.8,
    297.8, 276.5, 278.8, 278.2, 268.0, 280.0, 258.0, 279.2,
]).reshape(68, 2)
# fmt: on

PHOTOGRAPHS: Final = (
    Photograph(_collins, _COLLINS_LANDMARKS, 25.2, 60.5),
    Photograph(_hopper, _HOPPER_LANDMARKS, 52.5, 108.9, pliant=0.5),
)
"""All photographs; subjects take them in turns."""
