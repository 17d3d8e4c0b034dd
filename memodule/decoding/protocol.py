"""The evaluation protocol: every rule that moves a score, named and written down.

Two presets live in `configs/protocol/`: `megc` (the defaults below) and `published`, which reproduces the authors'
numbers, quirks included. `Protocol.preset` gives the same two from Python.
"""

import dataclasses
import functools
import typing
from pathlib import Path
from typing import Any, Final, Literal

from memodule.emotions import EMOTIONS, SCORED_EMOTIONS
from memodule.errors import UserError

LEAK: Final = (
    "the interval prior is fitted on all subjects, the scored one included: these numbers are better than honest ones"
)
"""What every table of a leaking protocol says."""


_PUBLISHED: Final[dict[str, Any]] = {
    "name": "published",
    "videos": "with_micro",
    "matching": "greedy",
    "frames": "sampled",
    "fitted_on": "all",
    "stitching": "published",
    "neutral": "zero",
    "filter_neutral": False,
    "filter_after_matching": True,
    "absent_classes": "skip",
}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How predictions become counts and counts become scores.

    Attributes:
        name: What the protocol is called in tables. A preset's name stays with that preset: "megc" with another option
            changed is called "megc with videos=with_micro".
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
        filter_after_matching: Whether a filtered interval is matched first, so that it can claim a truth, which is
            then missed, from a prediction that would have kept it (published code); it changes nothing unless
            `filter_neutral`.
        emotions: The classes that recognition is scored on; true positives of other classes count in spotting only.
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
    filter_after_matching: bool = False
    emotions: tuple[str, ...] = SCORED_EMOTIONS
    absent_classes: Literal["zero", "skip"] = "zero"

    def __post_init__(self) -> None:
        for name, (plain, choices) in _hints().items():
            value = getattr(self, name)
            if choices and value not in choices:
                raise UserError(f"protocol.{name}: {value!r} is none of {', '.join(choices)}")
            if plain in (bool, str) and not isinstance(value, plain):
                raise UserError(f"protocol.{name}: {value!r} is no {'yes or no' if plain is bool else 'text'}")
        if not isinstance(self.iou, float | int) or not 0 < self.iou <= 1:
            raise UserError(
                f"protocol.iou: {self.iou!r} is no intersection over union; give a number above 0, at most 1"
            )
        emotions = tuple(self.emotions) if isinstance(self.emotions, tuple | list) else ()
        if not emotions or any(e not in EMOTIONS for e in emotions) or len(set(emotions)) < len(emotions):
            raise UserError(f"protocol.emotions: {self.emotions!r} must be different ones of {', '.join(EMOTIONS)}")
        object.__setattr__(self, "emotions", emotions)  # a list from a file makes the protocol no less hashable
        object.__setattr__(self, "name", self._honest_name())

    def _honest_name(self) -> str:
        """The name, with what was changed where it is a preset's: tables must not call other rules by that name."""
        preset = self.name.partition(" with ")[0]  # a copy with further changes is named anew
        if preset not in ("megc", "published"):
            return self.name
        usual = {field.name: field.default for field in dataclasses.fields(self) if field.name != "name"}
        usual |= {name: value for name, value in _PUBLISHED.items() if name != "name" and preset == "published"}
        changed = [
            f"{name}={'/'.join(value) if isinstance(value, tuple) else value}"
            for name, value in ((name, getattr(self, name)) for name in usual)
            if value != usual[name]
        ]
        return f"{preset} with {', '.join(changed)}" if changed else preset

    @classmethod
    def preset(cls, name: Literal["megc", "published"]) -> "Protocol":
        """The protocol of `configs/protocol/<name>.yaml`.

        Args:
            name: The preset.

        Returns:
            The protocol.
        """
        return MEGC if name == "megc" else cls(**_PUBLISHED)

    @classmethod
    def read(cls, path: Path | str) -> "Protocol":
        """The protocol of a YAML file that maps options to values; options that it leaves out are those of `megc`.

        Args:
            path: The file.

        Returns:
            The protocol.

        Raises:
            UserError: If the file cannot be read, names an option that does not exist, or gives an impossible value.
        """
        import yaml

        try:
            options = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UserError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from None
        known = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(options, dict) or not set(options) <= set(known):
            raise UserError(f"{path}: a protocol maps options to values; the options are {', '.join(known)}")
        try:
            return cls(**options)
        except UserError as error:
            raise UserError(f"{path}: {error}") from None

    @property
    def leaks(self) -> bool:
        """Whether held-out subjects influence what is scored on them."""
        return self.fitted_on == "all"

    @property
    def leak(self) -> str | None:
        """What every table under this protocol must say; None if it does not leak."""
        return LEAK if self.leaks else None


@functools.cache  # reading annotations takes longer than scoring a video
def _hints() -> dict[str, tuple[Any, tuple[str, ...]]]:
    """For each option its plain type and, where it is a closed choice, the choices."""
    hints = typing.get_type_hints(Protocol)
    return {
        name: (hint, typing.get_args(hint) if typing.get_origin(hint) is Literal else ())
        for name, hint in hints.items()
    }


MEGC: Final = Protocol()
"""The default rules, the preset `megc`."""
