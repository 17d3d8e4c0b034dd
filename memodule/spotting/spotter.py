"""One video from its frames to its micro-expressions, in bounded memory."""

import copy
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from memodule.data.seen_recordings import adapted_on
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import decode
from memodule.decoding.scoring import score_windows, stitched_curve
from memodule.emotions import FRAME_CLASSES, NEUTRAL
from memodule.errors import UserError
from memodule.flow.extractor import FlowExtractor
from memodule.flow.face import face_finder
from memodule.intervals import SelectionRule
from memodule.runtime.opencv import opencv_alone
from memodule.spotting.coverage import find_stretches
from memodule.spotting.default import CAUTION, default_checkpoint
from memodule.spotting.faces import FaceChoice, FaceFollower
from memodule.spotting.reading import Timeline, VideoReading
from memodule.spotting.result import AdaptedBlock, SpottedExpression, SpottedVideo
from memodule.spotting.sampling import Sampling, plan_sampling, sample_frames
from memodule.spotting.selection_rule import rule_for
from memodule.spotting.video_source import TimedFrame, VideoSource, open_source
from memodule.training.checkpoints import FoldModel, load_fold_model

Progress = Callable[[int, int | None], object]
"""Called with the number of frames read, and the total if the file states it."""

PHASES: Final = 2
"""In how many places windows begin by default: see docs/rules.md for what that gains."""

_BATCH: Final = 64
"""Windows per forward pass of the network."""

_LARGEST: Final = FaceChoice()


@dataclasses.dataclass(frozen=True, eq=False)
class Measured:
    """A video that was read and scored, before intervals are selected."""

    source: VideoSource
    sampling: Sampling
    reading: VideoReading
    warnings: tuple[str, ...]
    adapted: tuple[AdaptedBlock, ...] = ()

    @property
    def flow(self) -> npt.NDArray[np.float32]:
        """Features (W, 36, k) of all windows, if `measure_source` was to keep them."""
        return np.concatenate(self.reading.flow)


class Spotter:
    """Finds the micro-expressions of videos with one trained fold.

    Three lines are enough:

        from memodule.spotting import Spotter
        spotter = Spotter.from_checkpoint("model.ckpt")
        result = spotter.spot("video.mp4")

    A video is read as a stream: apart from the score curve, only a few frames and windows are held at a time.

    Args:
        checkpoint: Name of the model in results.
        rule: Replaces the fold's selection rule.
        phases: In how many places windows begin within half a window, whatever the fold was trained with: with several,
            the place of a window's first frame decides less, and reading a video takes as many times longer.
    """

    def __init__(
        self,
        model: FoldModel,
        checkpoint: str = "",
        rule: SelectionRule | None = None,
        warnings: Sequence[str] = (),
        phases: int = PHASES,
    ) -> None:
        self.model = model
        self.windows = dataclasses.replace(model.flow, frame_step=1, phases=phases)
        self.checkpoint = checkpoint
        self.rule = rule or model.rule
        self.warnings = tuple(warnings)

    @classmethod
    def from_checkpoint(
        cls,
        path: Path | str | None = None,
        rule: Path | str | None = None,
        calibrate: Path | str | None = None,
        phases: int = PHASES,
    ) -> "Spotter":
        """Load a checkpoint, on the CPU.

        Args:
            path: A fold's `model.ckpt`; None takes the included one (`memodule.spotting.default`), which is not an
                instrument for real conclusions, and says so in every result.
            rule: Another selection rule: its name or a YAML file; see `memodule.spotting.selection_rule`.
            calibrate: A finished study, on whose curves the rule is calibrated.
            phases: As in the constructor.

        Raises:
            UserError: If there is no such checkpoint, rule or study.
        """
        if path is not None and Path(path).is_dir():
            fold = next(
                Path(path).glob("folds/*/*/model.ckpt"), Path(path) / "folds" / "seed0" / "SUBJECT" / "model.ckpt"
            )
            raise UserError(f"{path}: is a folder; pass the checkpoint of one fold, such as {fold}")
        warnings = [CAUTION] if path is None else []
        path = default_checkpoint() if path is None else Path(path)
        model = load_fold_model(path)
        return cls(model, str(path), rule_for(model, rule, calibrate), warnings, phases)

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
            fps: Frame rate; overrides that of a file. Images without it are assumed to have the rate of the
                checkpoint's training videos, with a warning.

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
        keep_flow: bool = False,
    ) -> Measured:
        """The first half of `spot`: read the video and score it, which takes nearly all of the time.

        The result can be decoded with several rules:

            measured = spotter.measure("video.mp4")
            results = [spotter.decide(measured, rule) for rule in rules]

        Arguments and errors are those of `spot`, `keep_flow` is that of `measure_source`.
        """
        measured = self.measure_source(self.open(path, fps), face=face, progress=progress, keep_flow=keep_flow)
        return dataclasses.replace(measured, warnings=(*self.rate_warnings(path, fps), *measured.warnings))

    def open(self, path: Path | str, fps: float | None = None) -> VideoSource:
        """Look at the beginning of a video, with the arguments and errors of `spot`."""
        path = Path(path)
        if path.is_dir() and fps is None:
            fps = self.model.fps
        with opencv_alone():
            return open_source(path, fps)

    def rate_warnings(self, path: Path | str, fps: float | None) -> list[str]:
        """What `open` assumes about the frame rate."""
        if fps is not None or not Path(path).is_dir():
            return []
        return [f"images have no frame rate: {self.model.fps:g} frames per second assumed; set it with --fps"]

    def measure_source(
        self,
        source: VideoSource,
        *,
        face: FaceChoice = _LARGEST,
        progress: Progress = lambda done, total: None,
        keep_flow: bool = False,
    ) -> Measured:
        """The same for a video that is open, or for other frames in its place.

        Args:
            keep_flow: Whether to keep the features in `Measured.flow`, 9 kilobytes a window.
        """
        warnings = list(self.warnings)
        with opencv_alone():
            sampling = plan_sampling(source, self.rate)
            reading = self._read(source, sampling, face, progress, keep_flow)
        if sampling.warning:
            warnings.append(sampling.warning)
        warnings += reading.remarks(source, face)
        if any(one.is_video(source.path, reading.frames) for one in adapted_on(self.model.seen)):
            warnings.append(
                "the checkpoint was adapted on this recording and may take its expressions for background; use the "
                "checkpoint as it was before, with --adapt"
            )
        return Measured(source, sampling, reading, tuple(warnings))

    def score(self, measured: Measured, flow: npt.NDArray[np.float32]) -> Measured:
        """The same video with other features (W, 36, k) in place of its own."""
        parts = [
            score_windows(self.model.network, flow[first : first + _BATCH], self.model.windows_per_pass)
            for first in range(0, len(flow), _BATCH)
        ]
        return self.with_scores(measured, [spot for spot, _ in parts], [logits for _, logits in parts])

    def with_scores(
        self, measured: Measured, spot: list[npt.NDArray[np.float32]], logits: list[npt.NDArray[np.float32]]
    ) -> Measured:
        """The same video with other scores (w, k) and logits (w, k, 5) of its windows, in consecutive parts."""
        reading = copy.copy(measured.reading)
        reading.spot, reading.logits = spot, logits
        return dataclasses.replace(measured, reading=reading)

    def decide(self, measured: Measured, rule: SelectionRule | None = None) -> SpottedVideo:
        """The second half of `spot`: select the intervals, with the spotter's own rule or another fitted one."""
        source, sampling, reading = measured.source, measured.sampling, measured.reading
        rule = rule or self.rule
        stretches = find_stretches(reading.windows, reading.parameters, reading.stale, sampling.rate)
        analysed = np.zeros(reading.count, dtype=bool)
        for stretch in stretches:
            analysed[stretch.first : stretch.last + 1] = stretch.reason is None
        curve = self._curve(reading, source, sampling, analysed)
        timeline = reading.timeline()
        return SpottedVideo(
            source=source,
            frames=reading.frames,
            sampling=sampling,
            sample_frames=timeline.frames,
            sample_seconds=timeline.seconds,
            score=np.where(analysed, curve.score, np.float32("nan")),
            probabilities=_given(curve.probabilities),
            spread=None if curve.spread is None else np.where(analysed, curve.spread, np.float32("nan")),
            phases=reading.parameters.phases,
            expressions=tuple(self._expressions(curve, rule, timeline)),
            sections=tuple(timeline.section(stretch) for stretch in stretches),
            places=tuple(reading.places),
            faces=reading.most_faces,
            warnings=(*measured.warnings, *half_fitted(rule)),
            checkpoint=self.checkpoint,
            rule=type(rule).__name__,
            uncalibrated=rule.uncalibrated,
            adapted=measured.adapted,
        )

    def _read(
        self, source: VideoSource, sampling: Sampling, face: FaceChoice, progress: Progress, keep_flow: bool
    ) -> VideoReading:
        """Read the video once: sample, extract flow, score."""
        follower = FaceFollower(face_finder(), face)
        parameters = self.windows
        extractor = FlowExtractor(
            parameters.window, parameters.motion_compensation, find_face=follower.find, phases=parameters.phases
        )
        reading = VideoReading(parameters)

        def seen(frame: TimedFrame) -> None:
            reading.frames, reading.seconds = frame.index + 1, frame.seconds
            progress(reading.frames, source.frames)

        windows = extractor.stream(reading.padded(sample_frames(source, sampling, seen)))
        while batch := list(itertools.islice(windows, _BATCH)):
            flow = np.stack([window.flow for window in batch])
            reading.take(batch, *score_windows(self.model.network, flow, self.model.windows_per_pass))
            if keep_flow:
                reading.flow.append(flow)
        reading.most_faces = follower.most
        if reading.count < parameters.window:
            least = parameters.window / sampling.rate
            raise UserError(f"{source.path}: too short ({reading.seconds:.2f} s); a video must last {least:.2f} s")
        return reading

    def _curve(
        self, reading: VideoReading, source: VideoSource, sampling: Sampling, analysed: npt.NDArray[np.bool_]
    ) -> VideoCurve:
        """The stitched curve; where nothing was analysed its scores mean nothing and are unknown."""
        spot, logits = np.concatenate(reading.spot), np.concatenate(reading.logits)
        key, stitching = ("", source.path.name), self.model.protocol.stitching
        curve = stitched_curve(
            key,
            spot,
            logits,
            stitching,
            fps=sampling.rate,
            frame_step=1,
            sampled=reading.count,
            phases=reading.parameters.phases,
        )
        return dataclasses.replace(curve, known=analysed)

    def _expressions(self, curve: VideoCurve, rule: SelectionRule, timeline: Timeline) -> Iterator[SpottedExpression]:
        """The detections, all of them in analysed parts."""
        protocol, last = self.model.protocol, len(curve.score) - 1
        decoded = decode(curve, rule, protocol)
        rows = zip(decoded.sampled.tolist(), decoded.emotions.tolist(), decoded.confidence.tolist(), strict=True)
        for (onset, apex, offset), emotion, confidence in rows:
            if emotion == NEUTRAL and protocol.filter_neutral:
                continue
            onset, offset = max(onset, 0), min(offset, last)  # an unclipped window may leave the video
            means = _given(curve.probabilities)[onset : offset + 1].mean(axis=0).tolist()
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


def _given(classes: npt.NDArray[np.float32] | None) -> npt.NDArray[np.float32]:
    """What every curve of a network has, and only imported ones may lack."""
    assert classes is not None
    return classes


def half_fitted(rule: SelectionRule) -> list[str]:
    """A warning where a rule runs without what it should have learned from score curves."""
    if rule.uncalibrated is None:
        return []
    return [
        f"UNCALIBRATED: {type(rule).__name__} runs half-fitted ({rule.uncalibrated}) and does not find what it should; "
        "calibrate it with --calibrate STUDY, or choose another rule with --rule"
    ]
