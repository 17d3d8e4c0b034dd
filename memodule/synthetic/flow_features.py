"""Optical-flow features without rendered faces: a quick stand-in for a whole data set.

The 36 channels are those of `memodule.flow`: x and y of 18 facial regions, relative to the first frame of each window
and to the nose, in pixels of the 320-pixel face crop. A video's facial displacement is simulated once, then cut into
windows that are measured independently, as the extractor does.

Realism: expressions move a region by the same displacement fields that move the rendered faces (the extractor's answers
to rendered action units agree with a cosine of .90 to .99), with habits, strength and asymmetry of the subject;
macro-expressions, unlabelled movements, blinks and head gestures look alike; 7 % of the head motion that alignment
leaves, and the parallax of turns, leak into all channels; each window has its own landmark jitter (a gain per region,
and noise that makes overlapping windows differ by about .3 px rms); column 0 is zero.

Limits: noise is Gaussian and equal in all channels; flow does not fail at large displacements; there are no lost faces,
no changes of box size or light, and no wrinkles; strengths are guesses, so scores on such features mean nothing for
real data. They serve to try code and to measure time at full size.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from memodule.datasets.catalog import Catalog, Expression, Video
from memodule.synthetic.difficulty import STAND_IN, Difficulty
from memodule.synthetic.face_rig import FaceRig, build_rig
from memodule.synthetic.faces import draw_face
from memodule.synthetic.movements import Movement, Temperament, draw_temperament, express
from memodule.synthetic.performance import Performance, perform
from memodule.synthetic.region_responses import MAGNIFICATION, RegionResponses, region_responses

_LEAK: Final = 0.07
_GAIN_JITTER: Final = 0.12
_NOISE_PX: Final = 0.15
_NOISE_MEMORY: Final = 0.8


def simulate_flow(
    catalog: Catalog, *, window: int, frame_step: int = 1, seed: int = 0, difficulty: Difficulty = STAND_IN
) -> Iterator[tuple[Video, npt.NDArray[np.float32]]]:
    """Yield every video with features that fit its labels.

    Args:
        catalog: Label timelines, such as those of `memodule.synthetic.timelines.simulate_timelines`. An unknown apex is
            put at 45 % of the duration, and a macro-expression without an emotion shows a random one.
        difficulty: How far faces and heads move; labels come from the Catalog, and cameras play no part.

    Yields:
        (video, windows) with windows (W, 36, window) float32; W is max(0, N // (window // 2) - 1) for N sampled
        frames.
    """
    rig = build_rig(draw_face(np.random.default_rng([seed, len(catalog.videos)])))
    responses = region_responses(rig)
    rig = dataclasses.replace(rig, fields=rig.fields[:, :, ::3, ::3])  # enough to find the point that moves most
    people: dict[str, tuple[Temperament, npt.NDArray[np.float64]]] = {}
    for number, video in enumerate(catalog.videos):
        if video.subject not in people:
            person = np.random.default_rng([seed, len(catalog.videos), len(people)])
            people[video.subject] = draw_temperament(person, difficulty), np.exp(person.normal(0, 0.2, 36))
        rng = np.random.default_rng([seed, len(catalog.videos), 0, number])
        temperament, gains = people[video.subject]
        movements = [_act(rng, temperament, e, frame_step) for e in catalog.expressions_of(video.key)]
        sampled = math.ceil(video.frames / frame_step)
        performance = perform(rng, temperament, movements, sampled, video.fps / frame_step)
        displacement = gains * _displacement(rig, responses, performance)
        yield video, _measured(rng, displacement, MAGNIFICATION * performance.pose[:, :2], window)


def _act(rng: np.random.Generator, temperament: Temperament, expression: Expression, frame_step: int) -> Movement:
    """The movement behind a label, in sampled frames."""
    onset, offset = expression.onset // frame_step, expression.offset // frame_step
    apex = round(onset + 0.45 * (offset - onset)) if expression.apex is None else expression.apex // frame_step
    hold = 0 if expression.kind == "micro" else (offset - apex) // 2
    emotion = expression.emotion or str(rng.choice(list(temperament.habits)))
    return express(rng, temperament, expression.kind, emotion, (onset, apex, offset, hold))


def _displacement(rig: FaceRig, responses: RegionResponses, performance: Performance) -> npt.NDArray[np.float64]:
    """(frames, 36) displacement of the regions relative to the nose, in crop pixels."""
    total = performance.turn @ responses.turns + np.outer(performance.lids, responses.blink)
    for movement in performance.movements:
        first, last = max(movement.onset, 0), movement.offset + 1
        course = movement.course(min(last, len(total)))[first:]
        total[first:last] += np.outer(course, rig.apex_strengths(movement) @ responses.halves)
    return np.asarray(total)


def _measured(
    rng: np.random.Generator, displacement: npt.NDArray[np.float64], head: npt.NDArray[np.float64], window: int
) -> npt.NDArray[np.float32]:
    """Cut into windows, each measured against its own first frame with its own errors."""
    half = window // 2
    count = max(0, len(displacement) // half - 1) if len(displacement) >= window else 0
    if not count:
        return np.zeros((0, 36, window), np.float32)
    moved = _windows(displacement, window)
    moved *= np.float32(1) + np.float32(_GAIN_JITTER) * rng.standard_normal((count, 36, 1), np.float32)
    away = _windows(head, window)
    left = np.where((away**2).sum(axis=1, keepdims=True) > 1, away - np.rint(away), away)  # alignment: whole pixels
    moved[:, 0::2] += np.float32(_LEAK) * left[:, :1]
    moved[:, 1::2] += np.float32(_LEAK) * left[:, 1:]
    fresh = rng.standard_normal(moved.shape, np.float32)
    scale = np.array([_NOISE_PX * math.sqrt(1 - _NOISE_MEMORY**2)], np.float32)
    noise = lfilter(scale, np.array([1, -_NOISE_MEMORY], np.float32), fresh)
    noise -= noise[:, :, :1].copy()
    moved += noise
    return moved


def _windows(curves: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float32]:
    """(frames, channels) to (windows, channels, window) float32, relative to the first frame of each window."""
    cut = np.lib.stride_tricks.sliding_window_view(curves.astype(np.float32), window, axis=0)[:: window // 2]
    return np.asarray(cut - cut[:, :, :1])
