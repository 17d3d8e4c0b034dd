"""The evaluation protocol: every option that moves a score, by name.

`configs/protocol/` holds two presets: `megc` (the defaults below) and `published`, which reproduces the authors'
numbers, quirks included. `Protocol.preset` returns the same two in Python.
"""

import dataclasses
import functools
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from memodule.emotions import EMOTIONS, SCORED_EMOTIONS
from memodule.errors import UserError

LEAK: Final = (
    "the interval prior is fitted on all subjects, the scored one included: these numbers are better than honest ones"
)
"""Every table made under a leaking protocol says this."""

_PUBLISHED: Final[dict[str, Any]] = {
    "name": "published",
    "videos": "with_micro",
    "matching": "greedy",
    "frames": "sampled",
    "fitted_on": "all",
    "stitching": "published",
    "neutral": "zero",
    "short_intervals": "neutral",
    "filter_neutral": False,
    "filter_after_matching": True,
    "absent_classes": "skip",
}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How predictions become counts and counts become scores.

    Attributes:
        name: The protocol's name in tables. A preset's name is reserved for that preset: "megc" with an option changed
            is renamed to "megc with videos=with_micro".
        videos: Videos that are scored: "all", or only those "with_micro"-expressions, so that false alarms in videos
            without one never count (published code).
        matching: "one_to_one" matches as many pairs as possible; with "greedy" each prediction, in order, claims its
            best truth or none (published code).
        iou: Smallest intersection over union of a true positive, in inclusive frames.
        frames: Intervals are compared in frames of the "source" video or in "sampled" frames (published code).
        fitted_on: Subjects whose expressions fit priors and thresholds: the fold's "training" subjects, or "all"
            subjects, the held-out one included (published code; a leak).
        stitching: How half-overlapping windows become one curve: "tail" (the first window in full, then the second half
            of each later one; of several phases the mean of these curves), "mean" (of all windows that cover a frame),
            or "published" (depends on the batch size, knows a single phase).
        phases: How many of the phases of the features are scored, evenly spaced; None for all of them.
        neutral: What happens to the neutral logit before a frame's emotion is decided: "keep" it, set it to "zero", or
            "drop" it so that every frame has an emotion (published synergy strategies 0, 1, 2).
        short_intervals: Emotions are voted by an interval's inner frames. One of up to three sampled frames has none:
            all its frames "vote", or it is "neutral" (published code), so that no expression of up to 100 ms is ever
            found where neutral intervals are discarded.
        filter_neutral: Whether an interval voted neutral is discarded.
        filter_after_matching: Whether discarded intervals are matched first, so that they can claim a truth from a
            prediction that would have kept it (published code). No effect without `filter_neutral`.
        emotions: Classes that recognition is scored on; true positives of other classes count in spotting only.
        absent_classes: A class without truth and predictions counts as "zero" in macro averages, or is left out
            ("skip", published code).
    """

    name: str = "megc"
    videos: Literal["all", "with_micro"] = "all"
    matching: Literal["one_to_one", "greedy"] = "one_to_one"
    iou: float = 0.5
    frames: Literal["source", "sampled"] = "source"
    fitted_on: Literal["training", "all"] = "training"
    stitching: Literal["tail", "mean", "published"] = "mean"
    phases: int | None = None
    neutral: Literal["keep", "zero", "drop"] = "zero"
    short_intervals: Literal["vote", "neutral"] = "vote"
    filter_neutral: bool = True
    filter_after_matching: bool = False
    emotions: tuple[str, ...] = SCORED_EMOTIONS
    absent_classes: Literal["zero", "skip"] = "zero"

    def __post_init__(self) -> None:
        for name, (plain, choices) in _hints().items():
            value = getattr(self, name)
            if choices and value not in choices:
                raise UserError(f"protocol.{name}: {value!r} is not one of {', '.join(choices)}")
            if plain in (bool, str) and not isinstance(value, plain):
                raise UserError(f"protocol.{name}: {value!r} is not {'true or false' if plain is bool else 'text'}")
        if not isinstance(self.iou, float | int) or not 0 < self.iou <= 1:
            raise UserError(
                f"protocol.iou: {self.iou!r} is not an intersection over union; use a number above 0, at most 1"
            )
        if self.phases is not None and (isinstance(self.phases, bool) or not isinstance(self.phases, int)):
            raise UserError(f"protocol.phases: {self.phases!r} is not a number of phases; use null for all, or 1")
        if self.phases is not None and self.phases < 1:
            raise UserError(f"protocol.phases: {self.phases!r}; use at least 1, or null for all")
        emotions = tuple(self.emotions) if isinstance(self.emotions, tuple | list) else ()
        if not emotions or any(e not in EMOTIONS for e in emotions) or len(set(emotions)) < len(emotions):
            raise UserError(f"protocol.emotions: {self.emotions!r}; list different ones of {', '.join(EMOTIONS)}")
        object.__setattr__(self, "emotions", emotions)  # files hold a list, which is not hashable
        object.__setattr__(self, "name", self._honest_name())

    def _honest_name(self) -> str:
        """The name; a preset's name lists the changed options, so that tables cannot pass off other rules as it."""
        preset = self.name.partition(" with ")[0]  # a copy with further changes is renamed
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
        """The protocol of `configs/protocol/<name>.yaml`."""
        return MEGC if name == "megc" else cls(**_PUBLISHED)

    @classmethod
    def named(cls, name: str, where: str = "--protocol") -> "Protocol":
        """The protocol that an option names: a preset, or a YAML file of options.

        Raises:
            UserError: If there is neither; `where` is the option.
        """
        from memodule.runtime.packaged import packaged_file
        from memodule.runtime.yaml_files import is_yaml_file

        presets = {preset.name: preset for preset in (MEGC, cls(**_PUBLISHED))}
        if name in presets:
            return presets[name]
        if not is_yaml_file(name):
            raise UserError(f"{where} {name}: use megc, published, or a YAML file such as configs/protocol/megc.yaml")
        return cls.read(packaged_file(name, "configs/protocol", where))

    @classmethod
    def from_dict(cls, options: Mapping[str, Any], where: str = "") -> "Protocol":
        """The protocol with these options, and those of `megc` where options are left out.

        Args:
            options: As files, configs, checkpoints and `as_dict` hold them.
            where: File that holds them, for the message.

        Raises:
            UserError: If an option does not exist or has an impossible value.
        """
        prefix = f"{where}: " if where else ""
        known = [field.name for field in dataclasses.fields(cls)]
        if unknown := [name for name in options if name not in known]:
            raise UserError(f"{prefix}protocol.{unknown[0]} is not an option of a protocol; use {', '.join(known)}")
        try:
            return cls(**options)
        except UserError as error:
            raise UserError(f"{prefix}{error}") from None

    def as_dict(self) -> dict[str, Any]:
        """All options as plain values, for JSON, YAML and checkpoints."""
        return dataclasses.asdict(self) | {"emotions": list(self.emotions)}

    @classmethod
    def read(cls, path: Path | str) -> "Protocol":
        """The protocol of a YAML file; options that it leaves out are those of `megc`."""
        from memodule.runtime.yaml_files import read_yaml_mapping

        return cls.from_dict(read_yaml_mapping(Path(path), "a protocol that maps options to values"), str(path))

    def scored_phases(self, phases: int) -> int:
        """How many of the `phases` of the features are scored.

        Raises:
            UserError: If these are not evenly spaced, or are stitched in the published way, which knows only one.
        """
        wanted = self.phases or phases
        if phases % wanted:
            raise UserError(
                f"protocol.phases: {wanted} of the {phases} phases of the features are not evenly spaced; use a "
                f"divisor of {phases}, or `memodule extract --phases {wanted}` and data.phases: {wanted}"
            )
        if self.stitching == "published" and wanted > 1:
            raise UserError(
                f"protocol.stitching: published stitching knows one phase, not {wanted}; set protocol.phases: 1, or "
                "protocol.stitching: mean"
            )
        return wanted

    @property
    def leaks(self) -> bool:
        """Whether held-out subjects influence the rule that is scored on them."""
        return self.fitted_on == "all"

    @property
    def leak(self) -> str | None:
        """What every table under this protocol must say; None without a leak."""
        return LEAK if self.leaks else None


@functools.cache  # reading annotations takes longer than scoring a video
def _hints() -> dict[str, tuple[Any, tuple[str, ...]]]:
    """For each option its plain type and, if it is a closed choice, the choices."""
    hints = typing.get_type_hints(Protocol)
    return {
        name: (hint, typing.get_args(hint) if typing.get_origin(hint) is Literal else ())
        for name, hint in hints.items()
    }


MEGC: Final = Protocol()
"""The default preset."""
