"""All that happens in a video: expressions, and what else a person does at the same time."""

import dataclasses
import math
from typing import Final

import numpy as np

from memodule.synthetic.action_units import ADAPTORS, BITES, SYLLABLES
from memodule.synthetic.movements import Floats, Movement, Temperament, uneven_weights

_LIDS_FOLLOW: Final = 0.06  # closure per pixel of a gaze downwards


@dataclasses.dataclass(frozen=True)
class _Mouth:
    """What a mouth does in a bout: which action units at a time, how often a second, and for how long."""

    units: tuple[tuple[str, ...], ...]
    hertz: tuple[float, float]
    seconds: tuple[float, float]


_TALK: Final = _Mouth(SYLLABLES, (2, 6), (0.8, 3.0))
_CHEW: Final = _Mouth(BITES, (1, 2), (1.5, 4.0))


@dataclasses.dataclass(frozen=True, eq=False)
class Performance:
    """All that happens in one video.

    Attributes:
        lids: (frames,) closure of the eyes, 0..1.
        gaze: (frames, 2) displacement of the pupils right and down in pixels.
        pose: (frames, 4) displacement of the head right and down in pixels, roll in radians, zoom - 1.
        turn: (frames, 2) how much farther the nose moves right and down than the rim of the face, in pixels.
        light: (frames, 2) gain - 1 of the illumination, and its tilt from left to right as a share of the brightness.
    """

    movements: tuple[Movement, ...]
    lids: Floats
    gaze: Floats
    pose: Floats
    turn: Floats
    light: Floats


def perform(
    rng: np.random.Generator, temperament: Temperament, expressions: list[Movement], frames: int, fps: float
) -> Performance:
    """Add to the expressions what else a person does, in changing light."""
    difficulty = temperament.difficulty
    adaptors = _adaptors(rng, temperament, frames, fps)
    gestures = _gestures(rng, temperament, frames, fps)
    pixels = difficulty.sway_px * temperament.restlessness
    pose = _wander(rng, 4, 0.25, frames, fps) * pixels * np.array([1.0, 0.7, 0.003, 0.0015])  # slow sway of the head
    pose[:, :2] += gestures
    blinks = _blinks(rng, temperament, frames, fps)
    light = difficulty.light * _wander(rng, 2, 0.08, frames, fps)
    talks = _bouts(rng, temperament, difficulty.talks_per_minute, _TALK, frames, fps)
    chews = _bouts(rng, temperament, difficulty.chews_per_minute, _CHEW, frames, fps)
    gaze = _glances(rng, temperament, frames, fps)
    lids = np.minimum(blinks + _LIDS_FOLLOW * gaze[:, 1].clip(0), 1)
    movements = (*expressions, *adaptors, *talks, *chews)
    return Performance(movements, lids, gaze, pose, difficulty.turn_share * gestures, light)


def _adaptors(rng: np.random.Generator, temperament: Temperament, frames: int, fps: float) -> list[Movement]:
    """Meaningless movements without a label."""
    made, difficulty = [], temperament.difficulty
    for _ in range(rng.poisson(difficulty.adaptors_per_minute * temperament.liveliness * frames / fps / 60)):
        rise, hold, fall = (max(2, round(seconds * fps)) for seconds in rng.uniform([0.15, 0, 0.2], [0.6, 0.3, 1.0]))
        onset = int(rng.integers(-rise, frames))
        weights = uneven_weights(rng, temperament, ADAPTORS[rng.integers(len(ADAPTORS))])
        pixels = float(rng.uniform(*difficulty.adaptor_px))
        made.append(Movement(None, "", onset, onset + rise, onset + rise + hold + fall, hold, 1.0, pixels, weights))
    return made


def _bouts(
    rng: np.random.Generator, temperament: Temperament, rate: float, mouth: _Mouth, frames: int, fps: float
) -> list[Movement]:
    """Bouts in which the mouth moves again and again, without a label."""
    made = []
    for _ in range(rng.poisson(rate * temperament.liveliness * frames / fps / 60)):
        onset, seconds = int(rng.integers(0, frames)), rng.uniform(*mouth.seconds)
        end, strongest = min(onset + seconds * fps, frames), rng.uniform(*temperament.difficulty.talk_px)
        while onset < end:
            steps = max(2, round(fps / rng.uniform(*mouth.hertz)) - 1)
            apex = onset + max(1, round(steps * rng.uniform(0.3, 0.6)))
            weights = uneven_weights(rng, temperament, mouth.units[rng.integers(len(mouth.units))])
            pixels = float(strongest * rng.uniform(0.3, 1))
            made.append(Movement(None, "", onset, apex, onset + steps, 0, 1.0, pixels, weights))
            onset += steps + 1
    return made


def _glances(rng: np.random.Generator, temperament: Temperament, frames: int, fps: float) -> Floats:
    """Shifts of gaze, mostly sideways, and back: displacement of the pupils right and down, (frames, 2) in pixels."""
    difficulty = temperament.difficulty
    count = rng.poisson(difficulty.glances_per_minute * temperament.liveliness * frames / fps / 60)
    away, jump = rng.uniform(0.3, 2.5, count), rng.uniform(0.03, 0.08, count)
    since = _since(rng, count, frames, fps)
    there, back = ((t / jump).clip(0, 1) for t in (since, since - away))
    course = (np.cos(np.pi * back) - np.cos(np.pi * there)) / 2
    pixels, heading = rng.uniform(*difficulty.glance_px, count), rng.uniform(0, 2 * np.pi, count)
    return np.asarray(course @ np.column_stack([pixels * np.cos(heading), 0.6 * pixels * np.sin(heading)]))


def _blinks(rng: np.random.Generator, temperament: Temperament, frames: int, fps: float) -> Floats:
    """Closure of the lids: about 100 ms down, 50 ms shut, 200 ms up."""
    count = rng.poisson(temperament.blinks_per_minute * frames / fps / 60)
    down, shut, up = rng.uniform([0.07, 0.03, 0.13], [0.13, 0.08, 0.3], (count, 3)).T
    t = _since(rng, count, frames, fps)
    course = np.minimum(t / down, (down + shut + up - t) / up).clip(0, 1)
    closure = rng.uniform(0.75, 1.0, count) * (0.5 - 0.5 * np.cos(np.pi * course))
    return np.asarray(closure.max(axis=1, initial=0))


def _gestures(rng: np.random.Generator, temperament: Temperament, frames: int, fps: float) -> Floats:
    """Nods and turns: displacement of the head right and down, (frames, 2) in pixels."""
    difficulty = temperament.difficulty
    count = rng.poisson(difficulty.gestures_per_minute * temperament.restlessness * frames / fps / 60)
    phase = (_since(rng, count, frames, fps) / rng.uniform(0.4, 1.6, count)).clip(0, 1)
    kept = rng.uniform(0, 0.3, count)  # share of the way that is not undone
    course = (1 - kept) * np.sin(np.pi * phase) ** 2 + kept * (phase - np.sin(2 * np.pi * phase) / (2 * np.pi))
    pixels, heading = rng.uniform(*difficulty.gesture_px, count), rng.uniform(0, 2 * np.pi, count)
    return np.asarray(course @ np.column_stack([pixels * np.cos(heading), pixels * np.sin(heading)]))


def _since(rng: np.random.Generator, count: int, frames: int, fps: float) -> Floats:
    """Seconds since each of `count` random moments, (frames, count); negative before it."""
    return np.asarray((np.arange(frames)[:, None] - rng.uniform(0, frames, count)) / fps)


def _wander(rng: np.random.Generator, count: int, hertz: float, frames: int, fps: float) -> Floats:
    """(frames, count) smooth random curves of unit standard deviation with frequencies up to `hertz`."""
    t = np.arange(frames)[:, None, None] / fps
    rates, phases = rng.uniform(0.1, 1, (count, 4)) * hertz, rng.uniform(0, 2 * np.pi, (count, 4))
    return np.asarray(np.sin(2 * np.pi * rates * t + phases).sum(axis=2) / math.sqrt(2), np.float64)
