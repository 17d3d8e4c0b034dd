"""The evaluation protocol: every rule that moves a score, named and written down.

Two presets live in `configs/protocol/`: `megc` (the defaults below) and `published`, which reproduces the authors'
numbers, quirks included. `Protocol.preset` gives the same two from Python.
"""

import dataclasses
from typing import Any, Literal

from memodule.errors import UserError


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How predictions become counts and counts become scores.

    Attributes:
        name: What the protocol is called in tables.
        videos: Which videos are scored: "all", or only those "with_micro"-expressions, so that a false alarm in an
            expression-free video never counts (published code).
        matching: "one_to_one" matches as many pairs as possible; in "greedy" each prediction, in order, claims its
            best truth or none (published code).
        iou: Smallest intersection over union of a true positive, counted in inclusive frames.
        frames: Whether intervals are compared in frames of the "source" video or in "sampled" ones (published code).
        fitted_on: Whose expressions fit priors and thresholds: the fold's "training" subjects, or "all" subjects, the
            held-out one included (published code; a leak).
        stitching: How half-overlapping windows become one curve: "tail" (the first window whole, of later ones the
            second half), "mean" (average of the overlap), or "published" (depends on the batch size).
        neutral: What becomes of the neutral logit before a frame's emotion is decided: "keep" it, set it to "zero", or
            "drop" it so that every frame has an emotion (published synergy strategies 0, 1, 2).
        filter_neutral: Whether an interval that is voted neutral is no detection.
        absent_classes: Whether a class without truth and predictions counts as "zero" in macro averages or is left
            out ("skip", published code).
    """

    name: str = "megc"
    videos: Literal["all", "with_micro"] = "all"
    matching: Literal["one_to_one", "greedy"] = "one_to_one"
    iou: float = 0.5
    frames: Literal["source", "sampled"] = "source"
    fitted_on: Literal["training", "all"] = "training"
    stitching: Literal["tail", "mean", "published"] = "tail"
    neutral: Literal["keep", "zero", "drop"] = "zero"
    filter_neutral: bool = True
    absent_classes: Literal["zero", "skip"] = "zero"

    def __post_init__(self) -> None:
        if not 0 < self.iou <= 1:
            raise UserError(f"protocol.iou: {self.iou} is no intersection over union; give a number above 0, at most 1")

    @classmethod
    def preset(cls, name: Literal["megc", "published"]) -> "Protocol":
        """The protocol of `configs/protocol/<name>.yaml`."""
        return cls() if name == "megc" else cls(**_PUBLISHED)

    @property
    def leaks(self) -> bool:
        """Whether held-out subjects influence what is scored on them."""
        return self.fitted_on == "all"


_PUBLISHED: dict[str, Any] = {
    "name": "published",
    "videos": "with_micro",
    "matching": "greedy",
    "frames": "sampled",
    "fitted_on": "all",
    "stitching": "published",
    "neutral": "zero",
    "filter_neutral": False,
    "absent_classes": "skip",
}
