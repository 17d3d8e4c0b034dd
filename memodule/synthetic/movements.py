"""Facial movements, and how a subject's temperament shapes them."""

import dataclasses
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from memodule.datasets.catalog import Kind
from memodule.synthetic.action_units import EMOTION_SETS, HALVES
from memodule.synthetic.difficulty import Difficulty

Floats = npt.NDArray[np.float64]

TEMPO_SPREAD: Final = 0.2
"""Standard deviation of the logarithm of subjects' tempo."""


@dataclasses.dataclass(frozen=True)
class Movement:
    """One facial movement.

    Attributes:
        kind: "micro" or "macro" for labelled expressions, None for a meaningless movement.
        emotion: Emotion class, "" without one.
        onset: First frame that moves.
        apex: First frame of full strength.
        offset: Last frame that is not back at rest.
        hold: Frames after the apex that stay at full strength.
        tail: Exponent of the fall; 1 is even, larger values fall quickly at first and slowly at the end.
        pixels: Displacement at the point that moves most, in pixels of the image.
        weights: Relative strength of each of `action_units.HALVES`.
    """

    kind: Kind | None
    emotion: str
    onset: int
    apex: int
    offset: int
    hold: int
    tail: float
    pixels: float
    weights: tuple[float, ...]

    def course(self, frames: int) -> Floats:
        """Strength at each frame of a video of so many frames.

        Returns:
            (frames,) in 0..1: above 0 from onset to offset, both inclusive, and 1 from the apex on while it is held.
        """
        return self.at(np.arange(frames))

    def at(self, t: npt.NDArray[Any]) -> Floats:
        """The same strength at any times, in frames; in between frames, too."""
        rise = np.clip((t - self.onset + 1) / (self.apex - self.onset + 1), 0, 1)
        falling = self.apex + self.hold
        fall = np.clip((t - falling) / (self.offset + 1 - falling), 0, 1)
        up, down = 0.5 - 0.5 * np.cos(np.pi * rise), (0.5 + 0.5 * np.cos(np.pi * fall)) ** self.tail
        return np.asarray(up * down)


@dataclasses.dataclass(frozen=True)
class Temperament:
    """How one subject behaves.

    Attributes:
        difficulty: Ranges and rates that all subjects share.
        habits: Emotion -> probability of each of its action unit sets.
        strength: Exponent that places the subject's expressions in the difficulty's range of displacement; above 1
            for faint expressions.
        lopsided: Usual difference in strength between the image-left and image-right side.
        tempo: Above 1 for subjects with long expressions; log-normal with `TEMPO_SPREAD`.
        restlessness: Factor on sway and on the rate of gestures; `liveliness`, on the rates of expressions.
    """

    difficulty: Difficulty
    habits: dict[str, Floats]
    strength: float
    tempo: float
    liveliness: float
    lopsided: float
    blinks_per_minute: float
    restlessness: float


def draw_temperament(rng: np.random.Generator, difficulty: Difficulty) -> Temperament:
    """Draw how a subject behaves."""
    return Temperament(
        difficulty,
        habits={emotion: rng.dirichlet(np.full(len(sets), 0.8)) for emotion, sets in EMOTION_SETS.items()},
        strength=float(np.exp(rng.normal(0, 0.3))),
        tempo=float(np.exp(rng.normal(0, TEMPO_SPREAD))),
        liveliness=float(rng.uniform(0.7, 1.4)),
        lopsided=float(rng.normal(0, difficulty.asymmetry)),
        blinks_per_minute=float(rng.uniform(6, 24)),
        restlessness=float(rng.uniform(0.5, 1.5)),
    )


def express(
    rng: np.random.Generator,
    temperament: Temperament,
    kind: Kind,
    emotion: str,
    times: tuple[int, int, int, int],
) -> Movement:
    """Draw how a subject shows an emotion: which action units, how strongly, how evenly.

    Args:
        times: Onset, apex, offset, and number of frames that the apex is held.
    """
    onset, apex, offset, hold = times
    sets = EMOTION_SETS[emotion]
    units = sets[rng.choice(len(sets), p=temperament.habits[emotion])]
    low, high = temperament.difficulty.micro_px if kind == "micro" else temperament.difficulty.macro_px
    pixels = float(low + (high - low) * rng.beta(1.4, 1.4) ** temperament.strength)
    weights = uneven_weights(rng, temperament, units)
    return Movement(kind, emotion, onset, apex, offset, hold, float(rng.uniform(1, 2.5)), pixels, weights)


def uneven_weights(rng: np.random.Generator, temperament: Temperament, units: tuple[str, ...]) -> tuple[float, ...]:
    """Draw a strength in 0..1 for each of `HALVES`: uneven between sides, some units weak, 0 outside of `units`."""
    asymmetry, partial = temperament.difficulty.asymmetry, temperament.difficulty.partial
    tilt = float(np.clip(temperament.lopsided + rng.normal(0, asymmetry), -0.9, 0.9))
    sides = {"left": 1 - max(tilt, 0), "right": 1 + min(tilt, 0)}
    level = {unit: rng.uniform(0.1, 0.5) if rng.random() < partial else 1.0 for unit in units}
    return tuple(level.get(unit, 0.0) * sides[side] for unit, side in HALVES)
