"""Recordings that movements are added to: in the images or in the measured features."""

import dataclasses
import functools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from memodule.datasets.catalog import VideoKey
from memodule.datasets.frames import Gray, to_gray
from memodule.decoding.decode import decode
from memodule.decoding.scoring import score_windows, stitched_curve
from memodule.emotions import NEUTRAL
from memodule.errors import UserError
from memodule.flow.face import face_finder
from memodule.flow.record import FlowRecord
from memodule.injection.answers import add_movements, generic_answers, generic_landmarks, measured_answers, pick_stills
from memodule.injection.face_track import FaceTrack, track_face
from memodule.injection.warp import Warper, apex_strengths
from memodule.runtime.opencv import opencv_alone
from memodule.sensitivity.counting import SpottedCurve
from memodule.spotting.faces import FaceChoice, FaceFollower
from memodule.spotting.result import SpottedVideo
from memodule.spotting.spotter import Measured, Progress, Spotter
from memodule.spotting.video_source import TimedFrame, VideoSource
from memodule.synthetic.movements import Movement
from memodule.training.checkpoints import FoldModel

Bools = npt.NDArray[np.bool_]

_ORDINARY: Final = 234.0
"""Width of a face box in pixels, where it is not known."""

_STILLS: Final = 5
"""Frames of a recording on which the features' answer to movements is measured."""

Spot = Callable[[Sequence[Movement]], SpottedCurve]
"""Adds movements, in samples and image pixels, and spots: the recording itself stays as it is."""


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """A recording, what a spotter makes of it, and how to spot it again with movements in it.

    Attributes:
        rate: Samples per second.
        face: Width of the face box in pixels of the image, the median over the recording. The box is about as wide as
            the face.
        untouched: What the spotter makes of it as it is.
        free: (n,) samples where a movement can be.
        cost: Seconds that one pass takes, about.
        person: Whom it shows, if that is known.
        allowed: (n,) samples without a labelled expression; None without labels.
    """

    name: str
    rate: float
    face: float
    untouched: SpottedCurve
    free: Bools
    spot: Spot
    cost: float
    warnings: tuple[str, ...] = ()
    person: str = ""
    allowed: Bools | None = None

    @property
    def counted(self) -> Bools:
        """(n,) samples that were analysed and have no labelled expression."""
        analysed = self.untouched.analysed
        return analysed if self.allowed is None else analysed & self.allowed[: len(analysed)]

    @property
    def minutes(self) -> float:
        """How much of it that is."""
        return float(self.counted.sum()) / self.rate / 60

    @property
    def alarms(self) -> int:
        """Detections in the untouched recording that touch no labelled expression."""
        if self.allowed is None:
            return len(self.untouched.found)
        return sum(bool(self.allowed[onset : offset + 1].all()) for onset, _, offset in self.untouched.found.tolist())


@dataclasses.dataclass(frozen=True)
class WarpedSource(VideoSource):
    """A video with movements in its frames."""

    warper: Warper

    @override
    def read(self) -> Iterator[TimedFrame]:
        for frame in super().read():
            yield dataclasses.replace(frame, gray=functools.partial(self._gray, frame))

    def _gray(self, frame: TimedFrame) -> Gray:
        return self.warper.warp(frame.gray(), frame.seconds)


@dataclasses.dataclass(frozen=True, eq=False)
class MeasuredVideo:
    """A video as a spotter measured it, and where the face is."""

    path: Path
    spotter: Spotter
    choice: FaceChoice
    measured: Measured
    track: FaceTrack
    cost: float

    @classmethod
    def read(
        cls, spotter: Spotter, path: Path, fps: float | None, choice: FaceChoice, progress: Progress
    ) -> "MeasuredVideo":
        """Read a video twice: as the spotter does, and to follow the face.

        Raises:
            UserError: If it cannot be read, is too short, or shows no face.
        """
        source = spotter.open(path, fps)
        began = time.monotonic()
        measured = spotter.measure_source(source, face=choice, progress=progress, keep_flow=True)
        cost = time.monotonic() - began
        follower = FaceFollower(face_finder(), choice)
        with opencv_alone():
            track = track_face(((frame.seconds, frame.gray()) for frame in source.read()), follower.find)
        if not track.found.any():
            raise UserError(
                f"{path}: no face was found, so that nothing can be moved; show it frontally, 80 px or more"
            )
        warnings = (*spotter.rate_warnings(path, fps), *measured.warnings)
        measured = dataclasses.replace(measured, warnings=warnings)
        return cls(path, spotter, choice, measured, track, cost)

    @property
    def face(self) -> float:
        """Median width of the face box in pixels of the image."""
        sides = [window.box_side for window in self.measured.reading.windows if window.box_side is not None]
        return statistics.median(sides)

    def by_images(self) -> Recording:
        """The recording, with movements warped into its frames: exact and slow."""

        def spot(movements: Sequence[Movement]) -> SpottedCurve:
            return spotted_curve(self.spotter.decide(self.measure_warped(movements)))

        return self._recording(spot, self.cost)

    def measure_warped(self, movements: Sequence[Movement], keep_flow: bool = False) -> Measured:
        """Measure the video with movements in its frames."""
        fields = {field.name: getattr(self.measured.source, field.name) for field in dataclasses.fields(VideoSource)}
        warped = WarpedSource(**fields, warper=Warper(self.track, movements, self.measured.sampling.rate))
        return self.spotter.measure_source(warped, face=self.choice, keep_flow=keep_flow)

    def by_features(self) -> Recording:
        """The recording, with movements added to the measured features: fast, and nearly the same.

        What one pixel of each movement does to the features is measured on stills of the recording.
        """
        answers = self.answers()
        began = time.monotonic()
        self.spotter.decide(self.spotter.score(self.measured, self.measured.flow))
        cost = time.monotonic() - began

        def spot(movements: Sequence[Movement]) -> SpottedCurve:
            flow = self.flow_with(movements, answers)
            return spotted_curve(self.spotter.decide(self.spotter.score(self.measured, flow)))

        return self._recording(spot, cost)

    def answers(self) -> npt.NDArray[np.float64]:
        """What one pixel of each half action unit does to the features, (halves, 36)."""
        source, timeline = self.measured.source, self.measured.reading.timeline()
        faces = {
            int(frame): landmarks
            for frame, seconds in zip(timeline.frames, timeline.seconds.tolist(), strict=True)
            if (landmarks := self.track.at(seconds)) is not None
        }
        stills = [(to_gray(image), faces[frame]) for frame, image in source.pick(pick_stills(sorted(faces), _STILLS))]
        return measured_answers(stills, self.spotter.model.flow.motion_compensation)

    def flow_with(self, movements: Sequence[Movement], answers: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """The measured features (W, 36, k) with movements added."""
        reading, rate = self.measured.reading, self.measured.sampling.rate
        strengths = [
            apex_strengths(self.track.nearest(one.apex / rate), np.array(one.weights), one.pixels) for one in movements
        ]
        return add_movements(
            self.measured.flow,
            reading.parameters.starts(len(reading.windows)),
            [window.reference for window in reading.windows],
            list(zip(movements, strengths, strict=True)),
            answers,
            rate * np.array(reading.sample_seconds),
        )

    def _recording(self, spot: Spot, cost: float) -> Recording:
        result = self.spotter.decide(self.measured)
        if not result.is_analysed:
            raise UserError(f"{self.path}: {result.summary()}; nothing can be tried where nothing is analysed")
        untouched = spotted_curve(result)
        visible = [self.track.at(seconds) is not None for seconds in result.sample_seconds.tolist()]
        return Recording(
            str(self.path),
            self.measured.sampling.rate,
            self.face,
            untouched,
            untouched.analysed & np.array(visible),
            spot,
            cost,
            result.warnings,
        )


def spotted_curve(result: SpottedVideo) -> SpottedCurve:
    """Score and detections of a video in samples."""
    rows = [(e.onset, e.apex, e.offset) for e in result.expressions]
    frames = np.array(rows, dtype=np.int64).reshape(-1, 3)
    first = np.searchsorted(result.sample_frames, frames[:, :2])
    last = np.searchsorted(result.sample_frames, frames[:, 2:], side="right") - 1
    return SpottedCurve(result.score, np.concatenate([first, last], axis=1))


def stored_recordings(
    model: FoldModel, records: Sequence[FlowRecord], allowed: Mapping[VideoKey, Bools] | None = None
) -> list[Recording]:
    """Videos of a flow store, with the answers of generated faces.

    Args:
        allowed: See `stored_recording`, by (subject, video).

    Raises:
        UserError: If no video has a window.
    """
    recordings = []
    answers = generic_answers(_ORDINARY, model.flow.motion_compensation)
    for record in records:
        if not record.shape[0]:
            continue
        side = record.quality.get("box_side")
        face = float(side or _ORDINARY)
        key = (record.subject, record.video)
        recording = stored_recording(model, record, _ORDINARY / face * answers, face, (allowed or {}).get(key))
        unknown = (f"the width of the face is not known: {_ORDINARY:g} px assumed",)
        recordings.append(recording if side else dataclasses.replace(recording, warnings=unknown))
    if not recordings:
        raise UserError("the videos are shorter than one window of the checkpoint; use longer ones")
    return recordings


def stored_recording(
    model: FoldModel, record: FlowRecord, answers: npt.NDArray[np.float64], face: float, allowed: Bools | None = None
) -> Recording:
    """A video of a flow store: nothing but its features is needed.

    Args:
        answers: (halves, 36) what one pixel of each half action unit does to the features of a face box of `face` px.
        allowed: (n,) samples where a movement may be; the others stay as they are. By default all.
    """
    windows, parameters = np.array(record.windows), record.parameters
    count = parameters.sampled(record.frames)
    starts = parameters.starts(len(windows))
    references = [0 if window.any() else None for window in windows]
    landmarks = generic_landmarks()
    known = np.zeros(count, bool)
    for start, reference in zip(starts.tolist(), references, strict=True):
        known[start : start + parameters.window] |= reference is not None

    def spot(movements: Sequence[Movement]) -> SpottedCurve:
        pairs = [(one, apex_strengths(landmarks, np.array(one.weights), one.pixels)) for one in movements]
        flow = add_movements(windows, starts, references, pairs, answers, np.arange(count, dtype=np.float64))
        scores, logits = score_windows(model.network, flow, model.windows_per_pass)
        key, step = (record.subject, record.video), parameters.frame_step
        stitching = model.protocol.stitching
        curve = stitched_curve(
            key, scores, logits, stitching, record.fps, step, sampled=count, phases=parameters.phases
        )
        decoded = decode(curve, model.rule, model.protocol)
        counted = (decoded.emotions != NEUTRAL) | (not model.protocol.filter_neutral)
        score = np.where(known[: len(curve.score)], curve.score, np.float32("nan"))
        return SpottedCurve(score, decoded.sampled[counted])

    began = time.monotonic()
    untouched = spot(())
    cost = time.monotonic() - began
    free = untouched.analysed if allowed is None else untouched.analysed & allowed[: len(untouched.score)]
    name = "/".join((record.subject, record.video)).strip("/")
    rate = record.fps / parameters.frame_step
    return Recording(name, rate, face, untouched, free, spot, cost, person=record.subject, allowed=allowed)
