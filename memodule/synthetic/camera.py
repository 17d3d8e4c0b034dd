"""What a camera does to a face: resolution, flickering lamps, noise, and the quality of compression."""

import dataclasses
from typing import Final

import numpy as np

from memodule.synthetic.action_units import Array
from memodule.synthetic.difficulty import Difficulty
from memodule.synthetic.faces import BOX, FRAME

_LAMPS_HERTZ: Final = (100.0, 120.0)  # twice the frequency of the mains
_READOUT_SECONDS: Final = 0.02  # longest time from the first to the last row of a frame


@dataclasses.dataclass(frozen=True)
class Camera:
    """A camera, and the lamps that light the scene.

    Attributes:
        side: Width and height of its frames in pixels, even.
        noise: Standard deviation in grey levels.
        flicker: Amplitude as a share of the brightness; frames show its beat with the frame rate.
        hertz: Frequency of the flicker.
        readout: Seconds from the first row of a frame to the last (rolling shutter), which shows as dark bands.
        phase: Of the flicker at the first row of the first frame, in radians.
        crf: Quality of H.264.
    """

    side: int
    noise: float
    flicker: float
    hertz: float
    readout: float
    phase: float
    crf: int

    def lamps(self, seconds: float) -> Array:
        """Brightness of each row at a time, minus 1, (side,)."""
        rows = seconds + self.readout * np.linspace(0, 1, self.side)
        return np.asarray(self.flicker * np.sin(2 * np.pi * self.hertz * rows + self.phase), np.float32)


def draw_camera(rng: np.random.Generator, difficulty: Difficulty) -> Camera:
    """Draw a camera; little noise is more common than much, all else is uniform."""
    box, (least, most) = rng.uniform(*difficulty.box_px), difficulty.noise
    return Camera(
        side=2 * round(FRAME / 2 * box / BOX),
        noise=float(least + (most - least) * rng.random() ** 2),
        flicker=float(rng.uniform(0, difficulty.flicker)),
        hertz=float(rng.choice(_LAMPS_HERTZ) + rng.normal(0, 0.05)),
        readout=float(rng.uniform(0, _READOUT_SECONDS)),
        phase=float(rng.uniform(0, 2 * np.pi)),
        crf=int(rng.integers(difficulty.crf[0], difficulty.crf[1] + 1)),
    )
