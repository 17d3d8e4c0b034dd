"""The parameters that determine the values of optical-flow features, and nothing else."""

import dataclasses
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from memodule.errors import UserError
from memodule.runtime.digests import json_sha256

MotionCompensation = Literal["corrected", "published"]
"""How the face box follows the head: see `memodule.flow.FlowExtractor`."""

FEATURES_VERSION: Final = 1
"""Incremented when the same frames and parameters give other values; stored features are then computed again."""


@dataclasses.dataclass(frozen=True)
class FlowParameters:
    """The parameters of the 36-channel features.

    Attributes:
        window: Frames per window, even; consecutive windows of one phase start `window // 2` sampled frames apart.
        frame_step: Source frames per sampled frame (1 uses every frame; the published code uses 7 for SAMM Long Videos
            at 200 fps).
        motion_compensation: "corrected" moves the face box by the head motion in image pixels; "published" moves it by
            the head motion in pixels of the 320 x 320 crop, as the published code does.
        phases: In how many places windows begin within half a window: window j starts at sampled frame
            j * (window // 2) // phases, so that 2 * phases windows cover a frame. The published code has one phase.
    """

    window: int = 30
    frame_step: int = 1
    motion_compensation: MotionCompensation = "corrected"
    phases: int = 1

    def __post_init__(self) -> None:
        if self.window < 2 or self.window % 2:
            raise UserError(
                f"window {self.window}: a window has an even number of frames, at least 2 (published: 30, 50)"
            )
        if self.frame_step < 1:
            raise UserError(f"frame_step {self.frame_step}: use the distance between sampled frames, at least 1")
        if self.motion_compensation not in get_args(MotionCompensation):
            raise UserError(f"motion_compensation {self.motion_compensation!r}: use 'corrected' or 'published'")
        if not 1 <= self.phases <= self.stride:
            raise UserError(
                f"phases {self.phases}: windows of {self.window} frames begin at 1 to {self.stride} places; use one of "
                "these numbers (published: 1)"
            )

    @property
    def stride(self) -> int:
        """Sampled frames between the starts of two consecutive windows of a phase: half a window."""
        return self.window // 2

    def sampled(self, frames: int) -> int:
        """Number of frames sampled from a video of `frames` source frames: ceil(frames / frame_step)."""
        return -(-frames // self.frame_step)

    def starts(self, windows: int) -> npt.NDArray[np.int64]:
        """First sampled frame of each of a video's first `windows` windows, ascending."""
        return np.arange(windows) * self.stride // self.phases

    def windows(self, frames: int) -> int:
        """Number of windows of a video of `frames` source frames; 0 if it is shorter than one window."""
        sampled = self.sampled(frames)
        return self._starting_before(sampled - self.window + 1) if sampled >= self.window else 0

    def padded_windows(self, frames: int) -> int:
        """The same with those, one of each phase at most, that the video's last frame must fill up.

        They start more than half a window before the end; later ones would hold nothing that the others do not.
        """
        return self._starting_before(self.sampled(frames) - self.stride) if self.windows(frames) else 0

    def _starting_before(self, sampled: int) -> int:
        return -(-sampled * self.phases // self.stride)

    def padding(self, frames: int) -> int:
        """How often the last sampled frame of a video must be repeated to fill up its last window."""
        windows = self.padded_windows(frames)
        return int(self.starts(windows)[-1]) + self.window - self.sampled(frames) if windows else 0

    def as_dict(self) -> dict[str, Any]:
        """The parameters and the version of the features as plain values; a single phase goes without saying."""
        values = {"features_version": FEATURES_VERSION, **dataclasses.asdict(self)}
        return values if self.phases > 1 else {name: value for name, value in values.items() if name != "phases"}

    def digest(self) -> str:
        """Eight hexadecimal digits that change whenever a parameter or the version of the features does."""
        return json_sha256(self.as_dict())[:8]

    def __str__(self) -> str:
        phases = f" phases={self.phases}" if self.phases > 1 else ""
        return (
            f"window={self.window} frame_step={self.frame_step} motion_compensation={self.motion_compensation}{phases}"
        )

    @property
    def options(self) -> str:
        """The parameters as options of `memodule extract`."""
        compensation, phases = self.motion_compensation, f" --phases {self.phases}" if self.phases > 1 else ""
        return f"--window {self.window} --frame-step {self.frame_step} --motion-compensation {compensation}{phases}"
