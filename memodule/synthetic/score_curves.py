"""Simulated score curves over label timelines, to study selection rules without a network.

A curve is what an imperfect network might answer to a video whose labels are known: a bump of varying height, often
none, per micro-expression; bumps of macro-expressions and of movements that are not expressions; a baseline and a gain
of noise that differ between subjects and between their videos; noise with a memory, whose slowest parts are drift; and
an output that saturates at 0 and 1. Every property is a parameter of `ScoreModel`.

The levels are estimates from curves of two trained networks, made by `memodule.synthetic.curve_estimates`;
docs/simulated-curves.md shows how far simulated and real curves agree. `experiments/benchmarks/curve_statistics.py`
fits a model to the curves of another network.

Still not modelled: noise that depends on what happens in the video or on the position of a window, noise whose
strength or memory changes within a video or between subjects, errors that depend on emotion, duration or intensity of
an expression or that gather in some subjects, bumps that are shifted, longer or shorter than their labels, and errors
of the labels. Class probabilities follow the curve and were never compared with those of a network. A rule that wins
here has earned a trial on real curves, not a claim.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter
from scipy.special import expit, logit, softmax

from memodule.datasets.catalog import Catalog, Expression, Video, VideoKey
from memodule.emotions import EMOTIONS, FRAME_CLASSES, NEUTRAL
from memodule.intervals.base import FloatArray, IntArray, LabelledCurve

CurveLevel = Literal["demo", "between", "published_network"]
"""Whose curves are imitated: our demo's network on generated videos, a published network on real ones, or that network
if it saw more: a third of the bumps missed instead of half, and the others half as high again, so that its ROC area is
between those of the two."""

Output = Literal["linear", "sigmoid"]
"""The last layer of the imitated network."""


@dataclasses.dataclass(frozen=True)
class ScoreModel:
    """What a simulated network gets right and wrong. The defaults are a network without faults.

    Heights and noise are in units of the score (0..1) where the output is linear, of its logit where it is sigmoid.

    Attributes:
        output: "linear": scores are cut off at 0 and 1; "sigmoid": they approach 0 and 1 smoothly.
        noise: Standard deviation of all noise together, drift included, in a video of usual gain.
        noise_ms: Time constants of the parts of the noise, after which their autocorrelation has fallen to 1/e; a
            constant of 0 is white noise, one of many seconds is drift.
        noise_shares: The share of each part in the variance of the noise; they are scaled to sum to 1.
        amplitude: Mean height of a micro-expression's bump above the baseline; it does not depend on the gain.
        amplitude_sd: Standard deviation of heights between micro-expressions.
        fade: Share of its height that a bump has lost at its offset; the loss is linear from the apex on.
        missed: Share of micro-expressions without any bump.
        blur_ms: Gaussian sd of the smoothing of all bumps.
        macro_leak: Mean height of a macro-expression's bump; the standard deviation is half of it.
        distractors: Spikes per minute without any expression: blinks, speech, head movement.
        distractor_height: Mean of their (exponentially distributed) heights.
        distractor_ms: Mean of their durations (uniform from a third to five thirds of it).
        base: Usual height of the baseline, always in units of the score.
        base_spread: Standard deviations of the logarithm of the baseline between subjects, and between the videos of
            a subject.
        gain_spread: The same for the gain, which multiplies the noise.
        gain_by_base: Exponent of the growth of the gain with the baseline; 0 if they are independent.
        confusion: Share of micro-expressions whose class evidence points to a random emotion.
        evidence: Height of the seen class's logit at a score of `amplitude`, in units of the logits' white noise. The
            logits follow the noisy curve, so they show which emotion there is, but no better than the curve whether
            there is one.
    """

    output: Output = "linear"
    noise: float = 0.0
    noise_ms: tuple[float, ...] = (0.0,)
    noise_shares: tuple[float, ...] = (1.0,)
    amplitude: float = 0.6
    amplitude_sd: float = 0.0
    fade: float = 0.0
    missed: float = 0.0
    blur_ms: float = 60.0
    macro_leak: float = 0.0
    distractors: float = 0.0
    distractor_height: float = 0.15
    distractor_ms: float = 350.0
    base: float = 0.1
    base_spread: tuple[float, float] = (0.0, 0.0)
    gain_spread: tuple[float, float] = (0.0, 0.0)
    gain_by_base: float = 0.0
    confusion: float = 0.4
    evidence: float = 2.0

    @classmethod
    def level(cls, level: CurveLevel) -> "ScoreModel":
        """The model that imitates the curves of a network; see `LEVELS`."""
        return LEVELS[level]

    def latent(self, score: FloatArray) -> FloatArray:
        """Scores before the last layer, in the units of heights and noise."""
        return np.asarray(logit(np.clip(score, 1e-3, 1 - 1e-3)) if self.output == "sigmoid" else score)


_DEMO: Final = ScoreModel(
    output="sigmoid",
    noise=1.55,
    noise_ms=(0.0, 60.0, 250.0, 1000.0, 2000.0),
    noise_shares=(0.024, 0.052, 0.696, 0.095, 0.133),
    amplitude=9.75,
    amplitude_sd=2.9,
    fade=0.2,
    missed=0.21,
    macro_leak=4.1,
    distractors=63.0,
    distractor_height=2.9,
    distractor_ms=240.0,
    base=0.0042,
    base_spread=(0.34, 0.2),
    gain_spread=(0.18, 0.25),
    gain_by_base=0.14,
)
_PUBLISHED: Final = ScoreModel(
    output="linear",
    noise=0.119,
    noise_ms=(0.0, 60.0, 120.0, 500.0, 1000.0, 15000.0),
    noise_shares=(0.09, 0.253, 0.119, 0.035, 0.044, 0.458),
    amplitude=0.126,
    amplitude_sd=0.038,
    fade=0.2,
    missed=0.55,
    distractors=21.4,
    distractor_height=0.09,
    distractor_ms=157.0,
    base=0.17,
    base_spread=(0.86, 0.48),
    gain_spread=(0.15, 0.17),
    gain_by_base=0.28,
)
LEVELS: Final[dict[CurveLevel, ScoreModel]] = {
    "demo": _DEMO,
    "between": dataclasses.replace(_PUBLISHED, amplitude=0.19, amplitude_sd=0.057, missed=0.35),
    "published_network": _PUBLISHED,
}
"""Models of two networks, as `experiments/benchmarks/curve_statistics.py` estimates them, and one in between.

`demo`: SlowFastMamba as `memodule demo` trains it, on the generated videos of its 8 subjects, each held out once.
`published_network`: SL-Swin with pseudo-labelling, 29 subjects of SAMM Long Videos held out by its authors (repository
eddiehe99/pytorch-expression-spotting, commit c5eedfe, folder ultimate_preds; MIT), averaged over 7 frames. It is a
weak one, and without labels of macro-expressions all that it says about them is in its noise and spikes.
"""


@dataclasses.dataclass(frozen=True)
class _Bump:
    """One movement as the network sees it: sampled frames (inclusive), height, fade, class."""

    onset: int
    apex: int
    offset: int
    height: float
    fade: float
    emotion: int


@dataclasses.dataclass(frozen=True)
class _Traits:
    """Deviations of a subject: of the logarithms of the baseline and of the gain."""

    base: float = 0.0
    gain: float = 0.0

    @classmethod
    def of_subject(cls, rng: np.random.Generator, scores: ScoreModel) -> "_Traits":
        return cls(rng.normal(0.0, scores.base_spread[0]), rng.normal(0.0, scores.gain_spread[0]))

    def of_video(self, rng: np.random.Generator, scores: ScoreModel) -> tuple[float, float]:
        """Baseline (in units of the score) and gain of one video."""
        base = self.base + rng.normal(0.0, scores.base_spread[1])
        gain = self.gain + rng.normal(0.0, scores.gain_spread[1]) + scores.gain_by_base * base
        return float(min(scores.base * np.exp(base), 1.0)), float(np.exp(gain))


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
    traits = {subject: _Traits.of_subject(rng, scores) for subject in catalog.subjects}
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
    traits: _Traits,
    frame_step: int,
) -> LabelledCurve:
    length, rate = -(-video.frames // frame_step), video.fps / frame_step
    base, gain = traits.of_video(rng, scores)
    truth = {kind: _sampled([e for e in labels if e.kind == kind], frame_step) for kind in ("micro", "macro")}
    emotions = np.array([EMOTIONS.index(e.emotion) for e in labels if e.kind == "micro"], dtype=np.int64)
    bumps = [_micro_bump(rng, row, int(c), scores) for row, c in zip(truth["micro"], emotions, strict=True)]
    bumps += [_macro_bump(rng, row, scores) for row in truth["macro"]]
    bumps += _distractors(rng, length, rate, scores)
    shape, seen = np.zeros(length), _background(rng, length, rate)
    for bump in bumps:
        _add(bump, shape, seen)
    above = gaussian_filter1d(shape, scores.blur_ms * rate / 1000, mode="nearest")
    above += gain * _noise(rng, length, rate, scores)
    if scores.output == "sigmoid":
        curve = expit(logit(np.clip(base, 1e-4, 1 - 1e-4)) + above)
    else:
        curve = np.clip(base + above, 0.0, 1.0)
    probabilities = _probabilities(rng, curve, seen, scores)
    return LabelledCurve(curve, truth["micro"], truth["macro"], probabilities=probabilities, emotions=emotions)


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
        frames = max(2, round(rate * scores.distractor_ms / 1000 * float(rng.uniform(1 / 3, 5 / 3))))
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
    above = scores.latent(curve) - scores.latent(np.asarray(scores.base))
    level = np.clip(above / scores.amplitude, 0.0, 1.0)
    logits = rng.standard_normal((len(curve), len(FRAME_CLASSES)))
    logits[:, NEUTRAL] += scores.evidence * (1 - 2 * level)
    logits[np.arange(len(curve)), seen] += scores.evidence * level
    return np.asarray(softmax(logits, axis=1))


def _noise(rng: np.random.Generator, length: int, rate: float, scores: ScoreModel) -> FloatArray:
    """(T,) a sum of independent parts, each of which forgets exponentially: autoregressions of first order."""
    shares = np.array(scores.noise_shares) / sum(scores.noise_shares)
    total = np.zeros(length)
    for share, milliseconds in zip(shares, scores.noise_ms, strict=True):
        kept = memory(milliseconds, rate)
        steps = rng.standard_normal(length)
        steps[1:] *= np.sqrt(1 - kept**2)
        total += np.sqrt(share) * lfilter([1.0], [1.0, -kept], steps)
    return scores.noise * total


def memory(milliseconds: float, rate: float) -> float:
    """Autocorrelation of neighbouring samples of a part of the noise with this time constant."""
    return float(np.exp(-1000 / (rate * milliseconds))) if milliseconds > 0 else 0.0
