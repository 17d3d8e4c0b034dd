"""The parameters that determine the values of optical-flow features, and nothing else."""

import dataclasses
from typing import Any, Final, Literal, get_args

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
        window: Frames per window, even; consecutive windows start `window // 2` sampled frames apart.
        frame_step: Source frames per sampled frame (1 uses every frame; the published code uses 7 for SAMM Long Videos
            at 200 fps).
        motion_compensation: "corrected" moves the face box by the head motion in image pixels; "published" moves it by
            the head motion in pixels of the 320 x 320 crop, as the published code does.
    """

    window: int = 30
    frame_step: int = 1
    motion_compensation: MotionCompensation = "corrected"

    def __post_init__(self) -> None:
        if self.window < 2 or self.window % 2:
            raise UserError(
                f"window {self.window}: a window has an even number of frames, at least 2 (published: 30, 50)"
            )
        if self.frame_step < 1:
            raise UserError(f"frame_step {self.frame_step}: use the distance between sampled frames, at least 1")
        if self.motion_compensation not in get_args(MotionCompensation):
            raise UserError(f"motion_compensation {self.motion_compensation!r}: use 'corrected' or 'published'")

    @property
    def stride(self) -> int:
        """Sampled frames between the starts of two consecutive windows."""
        return self.window // 2

    def sampled(self, frames: int) -> int:
        """Number of frames sampled from a video of `frames` source frames: ceil(frames / frame_step)."""
        return -(-frames // self.frame_step)

    def windows(self, frames: int) -> int:
        """Number of windows of a video of `frames` source frames; 0 if it is shorter than one window."""
        sampled = self.sampled(frames)
        return sampled // self.stride - 1 if sampled >= self.window else 0

    def padded_windows(self, frames: int) -> int:
        """The same with one more where sampled frames are left over: the video's last frame fills it."""
        windows = self.windows(frames)
        return windows + (windows > 0 and self.sampled(frames) % self.stride > 0)

    def as_dict(self) -> dict[str, Any]:
        """The parameters and the version of the features as plain values."""
        return {"features_version": FEATURES_VERSION, **dataclasses.asdict(self)}

    def digest(self) -> str:
        """Eight hexadecimal digits that change whenever a parameter or the version of the features does."""
        return json_sha256(self.as_dict())[:8]

    def __str__(self) -> str:
        return f"window={self.window} frame_step={self.frame_step} motion_compensation={self.motion_compensation}"

    @property
    def options(self) -> str:
        """The parameters as options of `memodule extract`."""
        compensation = self.motion_compensation
        return f"--window {self.window} --frame-step {self.frame_step} --motion-compensation {compensation}"
