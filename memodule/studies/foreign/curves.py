"""Samples of another system -> score curves in sampled frames of a Catalog's videos."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memodule.datasets.catalog import Catalog, Video, VideoKey
from memodule.decoding.curves import VideoCurve
from memodule.emotions import FRAME_CLASSES, NEUTRAL
from memodule.errors import UserError
from memodule.studies.foreign.samples import SampledScores, sums_to_one

FloatArray = NDArray[np.float64]

_RATE: Final = 30.0
"""Samples per second at which rules decode, about: the rate of the published networks."""

_LEAST: Final = 0.5
"""Share of a video that a curve must reach to be taken for a curve of it."""

_SMALLEST: Final = 1e-6
"""Smaller probabilities have this logit, so that none is infinite."""


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Which source frames the samples of a curve stand for: sample i for frame i * frames_per_sample + lag.

    Attributes:
        frames_per_sample: Source frames from one sample to the next.
        lag: The source frame of the first sample.
        frame_step: Source frames that are averaged to one sampled frame.
    """

    frames_per_sample: int
    lag: int
    frame_step: int

    @classmethod
    def of(
        cls, catalog: Catalog, frames_per_sample: int = 1, lag: int = 0, frame_step: int | None = None
    ) -> "Sampling":
        """The sampling with a frame step that leaves about 30 samples per second, unless it is given.

        Raises:
            UserError: If the frame rates of the videos differ, or the frame step is finer than the samples.
        """
        rates = sorted({video.fps for video in catalog.videos})
        if rates[-1] > 1.01 * rates[0]:
            raise UserError(
                f"{catalog.name}: has videos of {rates[0]:g} and of {rates[-1]:g} frames per second; rules decode one "
                "rate, so make a Catalog of each"
            )
        step = max(frames_per_sample, round(rates[0] / _RATE), 1) if frame_step is None else frame_step
        if step < frames_per_sample:
            raise UserError(
                f"--frame-step {step}: finer than the samples, of which there is one every {frames_per_sample} frames; "
                f"use at least {frames_per_sample}"
            )
        return cls(frames_per_sample, lag, step)

    def frames(self, samples: SampledScores) -> NDArray[np.int64]:
        """(n,) the source frame of each sample."""
        own = samples.frames
        places = np.arange(len(samples.scores), dtype=np.int64) * self.frames_per_sample if own is None else own
        return places + self.lag


def spacing(samples: Sequence[SampledScores], frames_per_sample: int) -> int:
    """Source frames from one sample to the next; where files name the frames, the largest usual distance of these."""
    named = [np.diff(np.sort(own.frames)) for own in samples if own.frames is not None and len(own.frames) > 1]
    return max([int(np.median(gaps)) for gaps in named], default=frames_per_sample)


def video_curves(samples: Sequence[SampledScores], catalog: Catalog, sampling: Sampling) -> dict[VideoKey, VideoCurve]:
    """The curve of each video that has one with a known sample, in sampled frames.

    Raises:
        UserError: If a curve does not fit the length of its video, or some curves have classes and others do not.
    """
    with_classes = [own for own in samples if own.classes is not None]
    if with_classes and len(with_classes) < len(samples):
        without = next(own for own in samples if own.classes is None)
        raise UserError(f"{without.where}: has no classes, and {with_classes[0].where} has; give them all or none")
    to_logits = _logits_of(with_classes)
    curves = {}
    for own in samples:
        video = catalog.video(own.key)
        _check_length(own, video, sampling)
        if np.isfinite(own.scores).any():
            curves[own.key] = _video_curve(own, video, sampling, to_logits)
    return curves


def _check_length(samples: SampledScores, video: Video, sampling: Sampling) -> None:
    """Refuse a curve that reaches beyond its video, give or take a sample, or covers little of it."""
    if not len(samples.scores):
        return
    step, lag, count = sampling.frames_per_sample, sampling.lag, len(samples.scores)
    last = int(sampling.frames(samples).max())
    every = "frame" if step == 1 else f"{step} frames"
    name, given = "/".join(video.key), f"{count} samples, one every {every} from frame {lag} on,"
    if samples.frames is not None:
        given = f"{count} samples"
    if last >= video.frames + max(step, 2):
        raise UserError(
            f"{samples.where}: {given} reach frame {last}, but video {name} has {video.frames}; check the file, "
            "--frames-per-sample and --lag, and frames in the Catalog"
        )
    covered = last + 1 + max(lag, 0)  # what a lag costs at the beginning, it mostly costs at the end, too
    if covered < _LEAST * video.frames:
        likely = round(video.frames / count)
        remedy = f"set --frames-per-sample {likely} if each stands for {likely} frames; " if likely > step else ""
        raise UserError(
            f"{samples.where}: {given} end at frame {last}, but video {name} has {video.frames}; {remedy}write nan "
            "for parts without score"
        )


def _video_curve(
    samples: SampledScores, video: Video, sampling: Sampling, to_logits: Callable[[FloatArray], FloatArray]
) -> VideoCurve:
    """Average the known samples of each step; the curve ends with the last one, and is unknown where there is none."""
    frames = sampling.frames(samples)
    inside = np.isfinite(samples.scores) & (frames >= 0) & (frames < video.frames)
    if not inside.any():
        raise UserError(f"{samples.where}: no sample falls into video {'/'.join(video.key)}; check --lag")
    steps = frames[inside] // sampling.frame_step
    counts = np.bincount(steps)
    known = counts > 0

    def averaged(values: FloatArray) -> FloatArray:
        """(length,) means; unknown ones before and between them are only place holders."""
        sums = np.bincount(steps, values[inside])
        return np.interp(np.arange(len(counts)), np.flatnonzero(known), sums[known] / counts[known])

    logits = None
    if samples.classes is not None:
        columns = [averaged(samples.classes[:, column]) for column in range(len(FRAME_CLASSES))]
        logits = to_logits(np.stack(columns, axis=1)).astype(np.float32)
    score = averaged(samples.scores).astype(np.float32)
    mask = None if known.all() else known
    return VideoCurve(*video.key, score, logits, video.fps, sampling.frame_step, mask)


def _logits_of(samples: Sequence[SampledScores]) -> Callable[[FloatArray], FloatArray]:
    """What turns (n, 5) class numbers into logits: nothing if they are logits, else a logarithm relative to neutral.

    Probabilities do not say where the zero of their logits was. With neutral there, an emotion wins a frame exactly
    where it is more probable than neutral, whether the protocol keeps the neutral logit or sets it to zero.
    """
    known = [own.classes[np.isfinite(own.scores)] for own in samples if own.classes is not None]
    if all(map(sums_to_one, known)):
        return _relative_to_neutral
    if all((classes >= 0).all() for classes in known):
        wrong = next(own for own, classes in zip(samples, known, strict=True) if not sums_to_one(classes))
        raise UserError(
            f"{wrong.where}: its classes are neither probabilities, which sum to 1 in every sample, nor logits, some "
            "of which are negative; write one of both"
        )
    return lambda logits: logits


def _relative_to_neutral(probabilities: FloatArray) -> FloatArray:
    logs = np.log(np.maximum(probabilities, _SMALLEST))
    return logs - logs[:, NEUTRAL, None]
