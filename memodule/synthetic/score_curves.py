"""Simulated score curves over label timelines, to study selection rules without a network.

A curve is what an imperfect network might answer to a video whose labels are known: a bump of varying height (sometimes
zero) per micro-expression, weaker bumps for macro-expressions and for movements that are not expressions, a baseline
that differs between subjects, and noise. Every property is a parameter of `ScoreModel`.

Limits: no network made these curves. Noise is Gaussian and does not depend on the video's content, bumps have one of
two shapes, errors are independent of emotion and of each other, and all heights are guesses. A rule that wins here has
earned a trial on real curves, not a claim.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import softmax

from memodule.datasets.catalog import Catalog, Expression, Video, VideoKey
from memodule.emotions import EMOTIONS, FRAME_CLASSES, NEUTRAL
from memodule.intervals.base import FloatArray, IntArray, LabelledCurve

NoiseLevel = Literal["low", "medium", "high"]
"""Noise levels of the benchmark of selection rules."""


@dataclasses.dataclass(frozen=True)
class ScoreModel:
    """What a simulated network gets right and wrong. Heights are in units of the score (0..1).

    Attributes:
        noise: Standard deviation of the noise, half of its variance white, half smooth (see `noise_ms`).
        noise_ms: Correlation length (Gaussian sd) of the smooth half.
        amplitude: Mean height of a micro-expression's bump above the baseline.
        amplitude_sd: Standard deviation of heights between micro-expressions.
        fade: Share of its height that a bump has lost at its offset; the loss is linear from the apex on.
        missed: Share of micro-expressions without any bump.
        blur_ms: Gaussian sd of the smoothing of all bumps.
        macro_leak: Mean height of a macro-expression's bump.
        distractors: Bumps per minute without any expression: blinks, speech, head movement.
        distractor_height: Mean of their (exponentially distributed) heights.
        base: Height of the baseline.
        subject_sd: Standard deviation between subjects of the baseline (in units of `base`) and gain (in units of 1).
        confusion: Share of micro-expressions whose class evidence points to a random emotion.
        evidence: Height of the seen class's logit at a score of `amplitude`, in units of the logits' white noise. The
            logits follow the noisy curve, so they show which emotion there is, but no better than the curve whether
            there is one.
    """

    noise: float = 0.15
    noise_ms: float = 100.0
    amplitude: float = 0.6
    amplitude_sd: float = 0.2
    fade: float = 0.3
    missed: float = 0.1
    blur_ms: float = 60.0
    macro_leak: float = 0.25
    distractors: float = 2.0
    distractor_height: float = 0.15
    base: float = 0.1
    subject_sd: float = 0.2
    confusion: float = 0.4
    evidence: float = 2.0

    @classmethod
    def level(cls, level: NoiseLevel) -> "ScoreModel":
        """The model of one of the three noise levels."""
        noise, amplitude_sd, macro_leak = _LEVELS[level]
        return cls(noise=noise, amplitude_sd=amplitude_sd, macro_leak=macro_leak)


_LEVELS: Final = {"low": (0.08, 0.15, 0.15), "medium": (0.15, 0.2, 0.25), "high": (0.22, 0.2, 0.3)}
"""Noise, amplitude_sd and macro_leak of each level."""


@dataclasses.dataclass(frozen=True)
class _Bump:
    """One movement as the network sees it: sampled frames (inclusive), height, fade, class."""

    onset: int
    apex: int
    offset: int
    height: float
    fade: float
    emotion: int


def simulate_curves(
    catalog: Catalog, scores: ScoreModel, *, frame_step: int = 1, seed: int = 0
) -> dict[VideoKey, LabelledCurve]:
    """A score curve, class probabilities and the truth for every video of a Catalog.

    Args:
        catalog: Label timelines, such as those of `memodule.synthetic.timelines.simulate_timelines`.

    Returns:
        One curve per video, with the truth in sampled frames, 0-based and inclusive.
    """
    rng = np.random.default_rng([seed, len(catalog.videos)])
    traits = {subject: rng.standard_normal(2) * scores.subject_sd for subject in catalog.subjects}
    curves = {}
    for video in catalog.videos:
        labels = catalog.expressions_of(video.key)
        curves[video.key] = _simulate(rng, video, labels, scores, traits[video.subject], frame_step)
    return curves


def _simulate(
    rng: np.random.Generator,
    video: Video,
    labels: Sequence[Expression],
    scores: ScoreModel,
    traits: FloatArray,
    frame_step: int,
) -> LabelledCurve:
    """One video; `traits` are the subject's relative deviations of baseline and gain."""
    length, rate = -(-video.frames // frame_step), video.fps / frame_step
    truth = {kind: _sampled([e for e in labels if e.kind == kind], frame_step) for kind in ("micro", "macro")}
    emotions = np.array([EMOTIONS.index(e.emotion) for e in labels if e.kind == "micro"], dtype=np.int64)
    bumps = [_micro_bump(rng, row, int(c), scores) for row, c in zip(truth["micro"], emotions, strict=True)]
    bumps += [_macro_bump(rng, row, scores) for row in truth["macro"]]
    bumps += _distractors(rng, length, rate, scores)
    shape, seen = np.zeros(length), _background(rng, length, rate)
    for bump in bumps:
        _add(bump, shape, seen)
    blurred = gaussian_filter1d(shape, scores.blur_ms * rate / 1000, mode="nearest")
    curve = scores.base * (1 + traits[0]) + (1 + traits[1]) * blurred + _noise(rng, length, rate, scores)
    curve = np.clip(curve, 0.0, 1.0)
    probabilities = _probabilities(rng, curve, seen, scores)
    return LabelledCurve(curve, truth["micro"], truth["macro"], probabilities, emotions)


def _sampled(expressions: Sequence[Expression], frame_step: int) -> IntArray:
    """(m, 3) onset, apex, offset in sampled frames; an unknown apex is put in the middle."""
    rows = [(e.onset, (e.onset + e.offset) // 2 if e.apex is None else e.apex, e.offset) for e in expressions]
    return np.array(rows, dtype=np.int64).reshape(-1, 3) // frame_step


def _micro_bump(rng: np.random.Generator, row: IntArray, emotion: int, scores: ScoreModel) -> _Bump:
    onset, apex, offset = (int(frame) for frame in row)
    height = max(0.0, rng.normal(scores.amplitude, scores.amplitude_sd)) * (rng.random() >= scores.missed)
    seen = int(rng.integers(len(EMOTIONS))) if rng.random() < scores.confusion else emotion
    return _Bump(onset, apex, offset, height, scores.fade, seen)


def _macro_bump(rng: np.random.Generator, row: IntArray, scores: ScoreModel) -> _Bump:
    onset, apex, offset = (int(frame) for frame in row)
    height = max(0.0, rng.normal(scores.macro_leak, scores.macro_leak / 2))
    return _Bump(onset, apex, offset, height, scores.fade, int(rng.integers(len(EMOTIONS))))


def _distractors(rng: np.random.Generator, length: int, rate: float, scores: ScoreModel) -> list[_Bump]:
    bumps = []
    for _ in range(rng.poisson(scores.distractors * length / rate / 60)):
        frames = max(2, round(rate * float(rng.uniform(0.1, 0.6))))
        onset = int(rng.integers(length))
        height = float(rng.exponential(scores.distractor_height))
        bumps.append(
            _Bump(onset, onset + frames // 2, onset + frames, height, scores.fade, int(rng.integers(len(EMOTIONS))))
        )
    return bumps


def _background(rng: np.random.Generator, length: int, rate: float) -> IntArray:
    """(T,) the emotion that frames resemble where nothing happens; it changes twice a second on average."""
    changes = rng.random(length) < 2 / rate
    return np.asarray(rng.integers(len(EMOTIONS), size=length)[np.cumsum(changes) % length])


def _add(bump: _Bump, shape: FloatArray, seen: IntArray) -> None:
    """Raise the curve over the inner frames of a bump (where training labels are 1), and set the seen emotion."""
    first, last = max(0, bump.onset + 1), min(len(shape), bump.offset)
    if first >= last:
        return
    fall = (np.arange(first, last) - bump.apex) / max(1, bump.offset - bump.apex)
    height = bump.height * (1 - bump.fade * np.clip(fall, 0.0, 1.0))
    higher = height > shape[first:last]
    shape[first:last][higher] = height[higher]
    seen[first:last][higher] = bump.emotion


def _probabilities(rng: np.random.Generator, curve: FloatArray, seen: IntArray, scores: ScoreModel) -> FloatArray:
    """(T, 5) softmax of logits that follow the curve: neutral gives way to the seen emotion as the score rises."""
    level = np.clip((curve - scores.base) / scores.amplitude, 0.0, 1.0)
    logits = rng.standard_normal((len(curve), len(FRAME_CLASSES)))
    logits[:, NEUTRAL] += scores.evidence * (1 - 2 * level)
    logits[np.arange(len(curve)), seen] += scores.evidence * level
    return np.asarray(softmax(logits, axis=1))


def _noise(rng: np.random.Generator, length: int, rate: float, scores: ScoreModel) -> FloatArray:
    white = rng.standard_normal(length)
    smooth = gaussian_filter1d(rng.standard_normal(length), scores.noise_ms * rate / 1000, mode="wrap")
    smooth /= max(float(smooth.std()), 1e-12)
    return np.asarray(scores.noise * np.sqrt(0.5) * (white + smooth))
