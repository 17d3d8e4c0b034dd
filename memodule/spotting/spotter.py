"""One video from its frames to its micro-expressions, in bounded memory."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import decode
from memodule.decoding.scoring import score_windows, stitched_curve
from memodule.emotions import FRAME_CLASSES, NEUTRAL
from memodule.errors import UserError
from memodule.flow.extractor import FlowExtractor
from memodule.flow.face import face_finder
from memodule.flow.window import WindowFlow
from memodule.intervals import SelectionRule
from memodule.runtime.opencv import opencv_alone
from memodule.spotting.coverage import Stretch, find_stretches
from memodule.spotting.default import CAUTION, require_default_checkpoint
from memodule.spotting.faces import FaceChoice, FaceFollower
from memodule.spotting.prior import replaced_rule
from memodule.spotting.recording import Recording, Timeline
from memodule.spotting.result import SpottedExpression, SpottedVideo
from memodule.spotting.sampling import Sampling, plan_sampling, sample_frames
from memodule.spotting.sources import Source, TimedFrame, open_source
from memodule.training.checkpoints import FoldModel, load_fold_model

Progress = Callable[[int, int | None], object]
"""Is told the number of frames read, and how many there are if the file says so."""

_BATCH: Final = 64
"""Windows that go through the network at once."""

_LARGEST: Final = FaceChoice()


@dataclasses.dataclass(frozen=True, eq=False)
class Measured:
    """A video that was read and scored, before intervals are selected.

    Attributes:
        source: The video.
        sampling: How it was sampled.
        passed: What one reading left behind.
        warnings: What may spoil the result, in words.
    """

    source: Source
    sampling: Sampling
    passed: Recording
    warnings: tuple[str, ...]


class Spotter:
    """Finds the micro-expressions of videos with one trained fold.

    Three lines are enough:

        from memodule.spotting import Spotter
        spotter = Spotter.from_checkpoint("model.ckpt")
        result = spotter.spot("video.mp4")

    A video is read as a stream: besides the score curve only a few frames and windows are held at a time.

    Args:
        model: The trained fold.
        checkpoint: What results call it.
        rule: Replaces the fold's selection rule.
        warnings: What every result has to say.
    """

    def __init__(
        self, model: FoldModel, checkpoint: str = "", rule: SelectionRule | None = None, warnings: Sequence[str] = ()
    ) -> None:
        self.model = model
        self.checkpoint = checkpoint
        self.rule = rule or model.rule
        self.warnings = tuple(warnings)

    @classmethod
    def from_checkpoint(cls, path: Path | str | None = None, prior: Path | str | None = None) -> "Spotter":
        """Load a checkpoint.

        Args:
            path: A fold's `model.ckpt`; None takes the small one of `memodule demo`, which is no instrument for real
                conclusions, and says so in every result.
            prior: Another selection rule: its name or a YAML file; see `memodule.spotting.prior`.

        Returns:
            A spotter on the CPU.

        Raises:
            UserError: If there is no such checkpoint or rule.
        """
        if path is not None and Path(path).is_dir():
            fold = next(
                Path(path).glob("folds/*/*/model.ckpt"), Path(path) / "folds" / "seed0" / "SUBJECT" / "model.ckpt"
            )
            raise UserError(f"{path}: is a folder; give the checkpoint of one fold, such as {fold}")
        warnings = [CAUTION] if path is None else []
        path = require_default_checkpoint() if path is None else Path(path)
        model = load_fold_model(path)
        rule = None if prior is None else replaced_rule(model.rule, prior)
        return cls(model, str(path), rule, warnings)

    @property
    def rate(self) -> float:
        """Samples per second in training."""
        return self.model.fps / self.model.flow.frame_step

    def spot(
        self,
        path: Path | str,
        *,
        fps: float | None = None,
        face: FaceChoice = _LARGEST,
        progress: Progress = lambda done, total: None,
    ) -> SpottedVideo:
        """Find the micro-expressions of a video.

        Args:
            path: A video file or a folder of images.
            fps: Frame rate; replaces the one of a file. Images without it are taken to be at the rate of the
                checkpoint's training videos, with a warning.
            face: Whose face, where there are several.
            progress: Is told how far the work is.

        Returns:
            Expressions, score curve, and the parts that were not analysed.

        Raises:
            UserError: If the video cannot be read, or is shorter than one window.
        """
        return self.decide(self.measure(path, fps=fps, face=face, progress=progress))

    def measure(
        self,
        path: Path | str,
        *,
        fps: float | None = None,
        face: FaceChoice = _LARGEST,
        progress: Progress = lambda done, total: None,
    ) -> Measured:
        """The first half of `spot`: read the video and score it, which takes nearly all of the time.

        What comes back can be decided again under other rules:

            measured = spotter.measure("video.mp4")
            results = [spotter.decide(measured, rule) for rule in rules]

        Args:
            path: A video file or a folder of images.
            fps: Frame rate, as in `spot`.
            face: Whose face, where there are several.
            progress: Is told how far the work is.

        Returns:
            Scores of all windows, and where and when they lie.

        Raises:
            UserError: If the video cannot be read, or is shorter than one window.
        """
        path, warnings = Path(path), list(self.warnings)
        if path.is_dir() and fps is None:
            fps = self.model.fps
            warnings.append(f"images carry no frame rate: taken to be {fps:g} frames per second; correct it with --fps")
        with opencv_alone():
            source = open_source(path, fps)
            sampling = plan_sampling(source, self.rate)
            passed = self._pass(source, sampling, face, progress)
        if sampling.warning:
            warnings.append(sampling.warning)
        warnings += passed.remarks(source, face)
        return Measured(source, sampling, passed, tuple(warnings))

    def decide(self, measured: Measured, rule: SelectionRule | None = None) -> SpottedVideo:
        """The second half of `spot`: select the intervals.

        Args:
            measured: What `measure` gave.
            rule: A fitted rule instead of the spotter's own.

        Returns:
            What `spot` gives.
        """
        source, sampling, passed = measured.source, measured.sampling, measured.passed
        rule = rule or self.rule
        stretches = find_stretches(passed.looks, passed.window, passed.stale, sampling.rate)
        analysed = np.zeros(passed.count, dtype=bool)
        for stretch in stretches:
            analysed[stretch.first : stretch.last + 1] = stretch.reason is None
        curve = self._curve(passed, source, sampling, analysed)
        timeline = passed.timeline()
        return SpottedVideo(
            source=source,
            frames=passed.frames,
            sampling=sampling,
            sample_frames=timeline.frames,
            sample_seconds=timeline.seconds,
            score=np.where(analysed, curve.score, np.float32("nan")),
            probabilities=curve.probabilities,
            expressions=tuple(self._expressions(curve, rule, stretches, timeline)),
            sections=tuple(timeline.section(stretch) for stretch in stretches),
            places=tuple(passed.places),
            faces=passed.most_faces,
            warnings=measured.warnings,
            checkpoint=self.checkpoint,
            rule=type(rule).__name__,
        )

    def _pass(self, source: Source, sampling: Sampling, face: FaceChoice, progress: Progress) -> Recording:
        """Read the video once: sample, measure, score."""
        follower = FaceFollower(face_finder(), face)
        parameters = self.model.flow
        extractor = FlowExtractor(parameters.window, parameters.motion_compensation, find_face=follower.find)
        passed = Recording(parameters.window)

        def seen(frame: TimedFrame) -> None:
            passed.frames, passed.seconds = frame.index + 1, frame.seconds
            progress(passed.frames, source.frames)

        frames = passed.padded(sample_frames(source, sampling, seen))
        for batch in _batches(extractor.stream(frames), _BATCH):
            passed.take(batch, *score_windows(self.model.module, np.stack([window.flow for window in batch])))
        passed.most_faces = follower.most
        if passed.count < parameters.window:
            least = parameters.window / sampling.rate
            raise UserError(f"{source.path}: too short ({passed.seconds:.2f} s); a video must last {least:.2f} s")
        return passed

    def _curve(
        self, passed: Recording, source: Source, sampling: Sampling, analysed: npt.NDArray[np.bool_]
    ) -> VideoCurve:
        """The stitched curve; where nothing was analysed it is as high as on average, which is no peak."""
        spot, logits = np.concatenate(passed.spot), np.concatenate(passed.logits)
        key, stitching = ("", source.path.name), self.model.protocol.stitching
        curve = stitched_curve(key, spot, logits, stitching, fps=sampling.rate, frame_step=1)
        score = curve.score[: passed.count]
        neutral = score[analysed].mean() if analysed.any() else np.float32(0)
        score = np.where(analysed, score, neutral).astype(np.float32)
        return dataclasses.replace(curve, score=score, logits=curve.logits[: passed.count])

    def _expressions(
        self, curve: VideoCurve, rule: SelectionRule, stretches: Sequence[Stretch], timeline: Timeline
    ) -> Iterator[SpottedExpression]:
        """The detections with their apex in an analysed part, cut off where that part ends."""
        protocol, analysed = self.model.protocol, [s for s in stretches if s.reason is None]
        if not analysed:
            return
        decoded = decode(curve, rule, protocol)
        rows = zip(decoded.sampled.tolist(), decoded.emotions.tolist(), decoded.confidence.tolist(), strict=True)
        for (onset, apex, offset), emotion, confidence in rows:
            part = next((s for s in analysed if s.first <= apex <= s.last), None)
            if part is None or (emotion == NEUTRAL and protocol.filter_neutral):
                continue
            onset, offset = max(onset, part.first), min(offset, part.last)
            means = curve.probabilities[onset : offset + 1].mean(axis=0).tolist()
            yield SpottedExpression(
                onset=int(timeline.frames[onset]),
                apex=int(timeline.frames[apex]),
                offset=timeline.last_frame(offset),
                onset_s=float(timeline.seconds[onset]),
                apex_s=float(timeline.seconds[apex]),
                offset_s=timeline.last_second(offset),
                emotion=FRAME_CLASSES[emotion],
                probabilities=dict(zip(FRAME_CLASSES, means, strict=True)),
                confidence=confidence,
            )


def _batches(windows: Iterator[WindowFlow], size: int) -> Iterator[list[WindowFlow]]:
    batch: list[Any] = []
    for window in windows:
        batch.append(window)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
