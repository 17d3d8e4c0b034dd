"""When a subject shows which expression.

The timing of micro-expressions follows CAS(ME)^3: a rise of 5.6 +- 2.2 frames at 30 fps (at most 11), then a
long-tailed fall. Macro-expressions use the same sets of action units, longer and mostly stronger. Labelled expressions
of a video do not overlap, unlike some 7 % of those in CAS(ME)^3.
"""

import math
from typing import Final

import numpy as np

from memodule.datasets.catalog import Kind
from memodule.synthetic.difficulty import Difficulty
from memodule.synthetic.movements import Movement, Temperament, draw_temperament, express
from memodule.synthetic.performance import Performance, perform

_DECK: Final = ("negative",) * 4 + ("positive",) * 2 + ("surprise",) * 2 + ("others",) * 2
_BREAK_SECONDS: Final = 0.3  # minimum time between two labelled expressions, and before the first
_RISE_MS: Final = (187.0, 73.0, 67.0, 367.0)  # mean, sd, minimum, maximum: 5.6 +- 2.2 frames at 30 fps, 2 to 11

_Shape = tuple[Kind, tuple[int, int, int]]  # kind, and frames to the apex, to the fall and to the offset


def draw_performances(
    rng: np.random.Generator, difficulty: Difficulty, videos: int, frames: int, fps: float
) -> list[Performance]:
    """Draw what one subject does in each of several videos of so many frames.

    The emotions of a subject's micro-expressions are dealt from a deck (4 negative, 2 positive, 2 surprise, 2 others),
    so that few of them cover every class. About `empty_share` of the videos have no micro-expressions; at least one
    video has some.
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
    """Micro- and macro-expressions that do not overlap."""
    minutes, pause = frames / fps / 60, round(_BREAK_SECONDS * fps)
    difficulty, liveliness = temperament.difficulty, temperament.liveliness
    micros = max(1, rng.poisson(difficulty.micros_per_minute * liveliness * minutes)) if with_micros else 0
    macros = int(rng.poisson(difficulty.macros_per_minute * liveliness * minutes))
    shapes: list[_Shape] = [("micro", _timing(rng, temperament, "micro", fps)) for _ in range(micros)]
    shapes += [("macro", _timing(rng, temperament, "macro", fps)) for _ in range(macros)]
    shapes = _fitting(shapes, frames, pause)
    shapes = [shapes[i] for i in rng.permutation(len(shapes))]
    onsets = _onsets(rng, [sum(shape) + 1 for _, shape in shapes], frames, pause)
    made = []
    for (kind, (rise, hold, fall)), onset in zip(shapes, onsets, strict=True):
        if not deck:
            deck += [str(emotion) for emotion in rng.permutation(_DECK)]
        emotion = deck.pop() if kind == "micro" else str(rng.choice(_DECK))
        times = (onset, onset + rise, onset + rise + hold + fall, hold)
        made.append(express(rng, temperament, kind, emotion, times))
    return made


def _timing(rng: np.random.Generator, temperament: Temperament, kind: Kind, fps: float) -> tuple[int, int, int]:
    """Frames from onset to apex, from apex to fall, and from there to offset."""
    low, high = temperament.difficulty.micro_ms if kind == "micro" else temperament.difficulty.macro_ms
    middle = math.log(temperament.tempo) + 0.45 * math.log(low) + 0.55 * math.log(high)
    log_ms = _truncated(rng, middle, 0.45, math.log(low), math.log(high))
    steps = max(round(math.exp(log_ms) * fps / 1000), 4) - 1
    if kind == "micro":
        rise = round(_truncated(rng, *_RISE_MS) * fps / 1000)
        rise, hold = min(max(rise, 1), round(0.6 * steps)), 0
    else:
        rise, hold = (max(1, round(steps * rng.uniform(*share))) for share in ((0.15, 0.4), (0.05, 0.3)))
    return rise, hold, steps - rise - hold


def _truncated(rng: np.random.Generator, mean: float, spread: float, least: float, most: float) -> float:
    """A normal variable, redrawn until it is between two bounds."""
    while not least <= (drawn := float(rng.normal(mean, spread))) <= most:
        pass
    return drawn


def _fitting(shapes: list[_Shape], frames: int, pause: int) -> list[_Shape]:
    """The first expressions (at least one) that leave a third of the video at rest."""
    used = np.cumsum([sum(shape) + 1 + pause for _, shape in shapes])
    return shapes[: max(1, int(np.sum(used <= 2 * frames // 3)))]


def _onsets(rng: np.random.Generator, durations: list[int], frames: int, pause: int) -> list[int]:
    """Random onsets in the given order, each at least `pause` frames after the previous expression."""
    taken = np.array(durations, dtype=np.int64) + pause
    gaps = rng.exponential(size=len(taken) + 1)
    free = np.floor((frames - pause - taken.sum()) * gaps / gaps.sum()).astype(np.int64)
    return [int(onset) for onset in np.cumsum(free[:-1] + taken) - taken + pause]
