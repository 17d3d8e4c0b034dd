"""What decides the values of optical-flow features, and nothing else."""

import dataclasses
import hashlib
import json
from typing import Any, Final, Literal, get_args

from memodule.errors import UserError

MotionCompensation = Literal["corrected", "published"]
"""How the face box follows the head: see `memodule.flow.FlowExtractor`."""

FEATURES_VERSION: Final = 1
"""Counts up when the same frames and parameters come to give other values; stored features are then computed again."""


@dataclasses.dataclass(frozen=True)
class FlowParameters:
    """The parameters of the 36-channel features.

    Attributes:
        window: Frames per window, even; consecutive windows start `window // 2` sampled frames apart.
        frame_step: Source frames between two sampled frames (1 takes every frame; the published code takes 7 for
            SAMM Long Videos at 200 fps).
        motion_compensation: "corrected" moves the face box by the head motion in image pixels; "published" moves it by
            the head motion in pixels of the 320 x 320 crop, as the published code does.

    Raises:
        UserError: If a value is impossible.
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
            raise UserError(f"frame_step {self.frame_step}: give the distance of sampled frames, at least 1")
        if self.motion_compensation not in get_args(MotionCompensation):
            raise UserError(f"motion_compensation {self.motion_compensation!r}: give 'corrected' or 'published'")

    @property
    def stride(self) -> int:
        """Sampled frames between the starts of two consecutive windows."""
        return self.window // 2

    def sampled(self, frames: int) -> int:
        """How many frames are sampled from a video.

        Args:
            frames: Source frames of the video.

        Returns:
            ceil(frames / frame_step).
        """
        return -(-frames // self.frame_step)

    def windows(self, frames: int) -> int:
        """How many windows a video gives.

        Args:
            frames: Source frames of the video.

        Returns:
            sampled // stride - 1; 0 for a video that is shorter than one window.
        """
        sampled = self.sampled(frames)
        return sampled // self.stride - 1 if sampled >= self.window else 0

    def as_dict(self) -> dict[str, Any]:
        """The parameters as plain values, the version of the features included.

        Returns:
            features_version, window, frame_step, motion_compensation.
        """
        return {"features_version": FEATURES_VERSION, **dataclasses.asdict(self)}

    def digest(self) -> str:
        """A short name of these values.

        Returns:
            Eight hexadecimal digits that change whenever a parameter or the version of the features does.
        """
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:8]

    def __str__(self) -> str:
        return f"window={self.window} frame_step={self.frame_step} motion_compensation={self.motion_compensation}"

    @property
    def options(self) -> str:
        """The parameters as options of `memodule extract`."""
        compensation = self.motion_compensation
        return f"--window {self.window} --frame-step {self.frame_step} --motion-compensation {compensation}"
