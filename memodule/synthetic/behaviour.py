"""When a subject shows which expression.

The timing of micro-expressions follows CAS(ME)^3: log-normal durations with a median of 22 frames at 30 fps, of which
some 30 % exceed a second and 16 % of the variance belong to the subject; a rise of 5.6 +- 2.2 frames (at most 11), then
a long-tailed fall. The level "easy" keeps to shorter ones. Macro-expressions use the same sets of action units, mostly
stronger, with a longer rise, and long durations that overlap those of micro-expressions. Some of them overlap a
micro-expression (7 % of those in CAS(ME)^3) or come just before or after one.

Limits: expressions of one kind never overlap, and none is longer than half of its video.
"""

import dataclasses
import math
from typing import Final

import numpy as np
import numpy.typing as npt

from memodule.datasets.catalog import Kind
from memodule.synthetic.difficulty import Difficulty
from memodule.synthetic.movements import TEMPO_SPREAD, Movement, Temperament, draw_temperament, express
from memodule.synthetic.performance import Performance, perform

_DECK: Final = ("negative",) * 4 + ("positive",) * 2 + ("surprise",) * 2 + ("others",) * 2
_BESIDE_SECONDS: Final = 0.3  # longest gap between a micro-expression and the macro-expression beside it
_SUBJECT_SHARE: Final = 0.16  # of the variance of log-duration, in CAS(ME)^3
_RISE_MS: Final = (187.0, 73.0, 67.0, 367.0)  # mean, sd, minimum, maximum: 5.6 +- 2.2 frames at 30 fps, 2 to 11

_Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class _Shape:
    """An expression before it has a place: frames to the apex, that it is held, and to the offset."""

    kind: Kind
    rise: int
    hold: int
    fall: int

    @property
    def frames(self) -> int:
        """Both ends counted."""
        return self.rise + self.hold + self.fall + 1


class _Stage:
    """The frames of one video that are taken, and by what."""

    def __init__(self, frames: int, pause: int) -> None:
        self.pause = pause
        self.taken: dict[Kind, npt.NDArray[np.bool_]] = {
            "micro": np.zeros(frames, bool),
            "macro": np.zeros(frames, bool),
        }
        self.placed: list[tuple[int, _Shape]] = []

    def place(self, shape: _Shape, onset: int) -> None:
        """Take the frames of an expression."""
        self.taken[shape.kind][onset : onset + shape.frames] = True
        self.placed.append((onset, shape))

    def free(self, shape: _Shape) -> _Ints:
        """Onsets at which an expression keeps the pause to all others, and to the start of the video."""
        return self._onsets(shape, self.taken["micro"] | self.taken["macro"])

    def beside(self, shape: _Shape, other: tuple[int, _Shape], most: int) -> _Ints:
        """Those of the free onsets that leave at most so many frames between the expression and another."""
        onsets = self.free(shape)
        return onsets[_gap(onsets, shape.frames, *other) <= most]

    def over(self, shape: _Shape, other: tuple[int, _Shape]) -> _Ints:
        """Onsets at which an expression overlaps one of the other kind, but none of its own."""
        onsets = self._onsets(shape, self.taken[shape.kind])
        return onsets[_gap(onsets, shape.frames, *other) < 0]

    def _onsets(self, shape: _Shape, taken: npt.NDArray[np.bool_]) -> _Ints:
        before = np.concatenate([[0], np.cumsum(taken)])
        onsets = np.arange(self.pause, len(taken) - shape.frames + 1)
        ends = np.minimum(onsets + shape.frames + self.pause, len(taken))
        return np.asarray(onsets[before[ends] == before[onsets - self.pause]])


def draw_performances(
    rng: np.random.Generator, difficulty: Difficulty, videos: int, frames: int, fps: float
) -> list[Performance]:
    """Draw what one subject does in each of several videos of so many frames.

    The emotions of a subject's micro-expressions are dealt from a deck (4 negative, 2 positive, 2 surprise, 2 others),
    so that few of them cover every class. About `empty_share` of the videos have no micro-expressions; at least one
    video has some, unless their rate is 0.
    """
    temperament = draw_temperament(rng, difficulty)
    count = min(int(difficulty.empty_share * videos + rng.random()), videos - 1)
    empty = set(rng.choice(videos, count, replace=False).tolist())
    deck: list[str] = []
    performances = []
    for video in range(videos):
        movements = _expressions(rng, temperament, deck, frames, fps, with_micros=video not in empty)
        performances.append(perform(rng, temperament, movements, frames, fps))
    return performances


def _expressions(
    rng: np.random.Generator, temperament: Temperament, deck: list[str], frames: int, fps: float, with_micros: bool
) -> list[Movement]:
    """Micro- and macro-expressions in order of time."""
    minutes, difficulty = frames / fps / 60, temperament.difficulty
    rate = difficulty.micros_per_minute * temperament.liveliness
    micros = max(1, rng.poisson(rate * minutes)) if with_micros and rate else 0
    macros = int(rng.poisson(difficulty.macros_per_minute * temperament.liveliness * minutes))
    stage = _Stage(frames, max(1, round(difficulty.pause_ms * fps / 1000)))
    for _ in range(micros):
        shape = _shape(rng, temperament, "micro", fps, frames)
        _place(rng, stage, shape, stage.free(shape))
    _place_macros(rng, temperament, stage, macros, frames, fps)
    made = []
    for onset, shape in sorted(stage.placed, key=lambda placed: placed[0]):
        if not deck:
            deck += [str(emotion) for emotion in rng.permutation(_DECK)]
        emotion = deck.pop() if shape.kind == "micro" else str(rng.choice(_DECK))
        times = (onset, onset + shape.rise, onset + shape.frames - 1, shape.hold)
        made.append(express(rng, temperament, shape.kind, emotion, times))
    return made


def _place_macros(
    rng: np.random.Generator, temperament: Temperament, stage: _Stage, count: int, frames: int, fps: float
) -> None:
    """First those that mask a micro-expression, then the others where there is room."""
    difficulty = temperament.difficulty
    chance = rng.random(len(stage.placed))
    for micro, drawn in zip(tuple(stage.placed), chance, strict=True):
        if drawn < difficulty.overlapped + difficulty.beside:
            shape = _shape(rng, temperament, "macro", fps, frames)
            over = drawn < difficulty.overlapped
            near = round(_BESIDE_SECONDS * fps)
            _place(rng, stage, shape, stage.over(shape, micro) if over else stage.beside(shape, micro, near))
            count -= 1
    for _ in range(count):
        shape = _shape(rng, temperament, "macro", fps, frames)
        _place(rng, stage, shape, stage.free(shape))


def _place(rng: np.random.Generator, stage: _Stage, shape: _Shape, onsets: _Ints) -> None:
    """Place an expression at one of some onsets; without any, it is left out."""
    if len(onsets):
        stage.place(shape, int(rng.choice(onsets)))


def _gap(onsets: _Ints, frames: int, onset: int, shape: _Shape) -> _Ints:
    """Frames between expressions that begin at `onsets` and another; negative where they overlap."""
    return np.asarray(np.maximum(onsets - (onset + shape.frames), onset - (onsets + frames)))


def _shape(rng: np.random.Generator, temperament: Temperament, kind: Kind, fps: float, frames: int) -> _Shape:
    """Draw how an expression develops, in at most half of a video of so many frames."""
    steps = max(round(_milliseconds(rng, temperament, kind, 500 * frames / fps) * fps / 1000), 4) - 1
    if kind == "micro":
        rise = round(_truncated(rng, *_RISE_MS) * fps / 1000)
        rise, hold = min(max(rise, 1), round(0.6 * steps)), 0
    else:
        rise, hold = (max(1, round(steps * rng.uniform(*share))) for share in ((0.15, 0.4), (0.05, 0.3)))
    return _Shape(kind, rise, hold, steps - rise - hold)


def _milliseconds(rng: np.random.Generator, temperament: Temperament, kind: Kind, longest: float) -> float:
    """Draw a duration: log-normal within the difficulty's bounds and `longest`, around the subject's own tempo."""
    difficulty = temperament.difficulty
    bounds, (median, sigma) = (
        (difficulty.micro_ms, difficulty.micro_spread)
        if kind == "micro"
        else (difficulty.macro_ms, difficulty.macro_spread)
    )
    own = math.sqrt(_SUBJECT_SHARE) * sigma * math.log(temperament.tempo) / TEMPO_SPREAD
    most = min(bounds[1], longest)
    least = min(bounds[0], 0.8 * most)
    return math.exp(
        _truncated(rng, math.log(median) + own, math.sqrt(1 - _SUBJECT_SHARE) * sigma, math.log(least), math.log(most))
    )


def _truncated(rng: np.random.Generator, mean: float, spread: float, least: float, most: float) -> float:
    """A normal variable, redrawn until it is between two bounds."""
    while not least <= (drawn := float(rng.normal(mean, spread))) <= most:
        pass
    return drawn
