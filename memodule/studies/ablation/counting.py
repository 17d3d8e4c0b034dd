"""Decode all folds of a study in one way, and count."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from memodule.decoding.decode import Decoded
from memodule.decoding.protocol import Protocol
from memodule.intervals import SelectionRule, build_rule, vote_emotions
from memodule.metrics.functional import Tally
from memodule.studies.ablation.material import FoldMaterial, Material, Video
from memodule.studies.ablation.variants import Decoding

_PARTS: Final = 3
"""Groups of subjects by which a calibrated rule is cross-fitted before it takes part in a nested choice."""


@dataclasses.dataclass(frozen=True, eq=False)
class Counts:
    """What one way of decoding counts.

    Attributes:
        held_out: For each fold, by its name, the counts of its held-out subject.
        chooser: For each fold the pooled counts of the subjects that a nested choice looks at; empty if none was
            asked for.
    """

    held_out: Mapping[str, Tally]
    chooser: Mapping[str, Tally] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON.

        Returns:
            held_out and chooser; `from_dict` takes them.
        """
        return {
            name: {fold: tally.to_dict() for fold, tally in getattr(self, name).items()}
            for name in ("held_out", "chooser")
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Counts":
        """The counts that `to_dict` described.

        Args:
            values: What `to_dict` gave.
        """
        parts = (values["held_out"], values["chooser"])
        return cls(*({fold: Tally.from_dict(tally) for fold, tally in part.items()} for part in parts))


def count(decoding: Decoding, material: Material, choosing: bool = False) -> Counts:
    """Fit, calibrate and decode, fold by fold.

    Args:
        decoding: The way.
        material: The study.
        choosing: Whether the decoding takes part in a nested choice: then the choosers' curves are decoded too.

    Raises:
        UserError: If the rule cannot be fitted.
    """
    worker = _Counter(decoding, material)
    return Counts(
        {fold.name: worker.held_out(fold) for fold in material.folds},
        {fold.name: worker.chooser(fold) for fold in material.folds} if choosing else {},
    )


class _Counter:
    """One way of decoding, with what it has decoded already: folds that fit alike share their curves' counts."""

    def __init__(self, decoding: Decoding, material: Material) -> None:
        self._decoding, self._material = decoding, material
        self._protocol = decoding.protocol(material.protocol)
        self._seen: dict[tuple[str, int, str, str], Tally] = {}

    def held_out(self, fold: FoldMaterial) -> Tally:
        """Counts of the held-out subject."""
        if self._decoding.rule is None:
            rule = build_rule(fold.rule, f"{fold.name}: result.json")
        else:
            rule = self._fitted(fold)
            curves = self._calibrators(fold)
            if curves:
                rule.calibrate(_labelled(curves.values()))
        return tally_curves(rule, fold.test, self._protocol)

    def chooser(self, fold: FoldMaterial) -> Tally:
        """Pooled counts of the subjects that the fold's choice looks at.

        A rule that learns from curves is not judged by those it learned from: each third of the subjects is decoded by
        the rule calibrated on the others. With a single subject there are no others, and it is judged by its own.
        """
        curves = self._material.choosers(fold)
        names = sorted(curves)
        if not (self._calibrators(fold) and learns_from_curves(self._decoding.build())):
            rule = self._fitted(fold)
            return sum((self._remembered(rule, fold, name, curves[name]) for name in names), Tally())
        if len(names) == 1:
            rule = self._fitted(fold).calibrate(_labelled(curves.values()))
            return tally_curves(rule, curves[names[0]], self._protocol)
        pooled = Tally()
        for part in range(min(_PARTS, len(names))):
            judged = names[part::_PARTS]
            rule = self._fitted(fold).calibrate(_labelled(curves[name] for name in names if name not in judged))
            pooled += sum((tally_curves(rule, curves[name], self._protocol) for name in judged), Tally())
        return pooled

    def _fitted(self, fold: FoldMaterial) -> SelectionRule:
        material = self._material
        known = material.catalog.expressions if self._protocol.leaks else fold.expressions
        return self._decoding.build().fit(known, fps=material.fps, frame_step=material.frame_step)

    def _calibrators(self, fold: FoldMaterial) -> Mapping[str, Sequence[Video]]:
        return self._material.choosers(fold) if self._decoding.calibrate == "nested" else fold.validation

    def _remembered(self, rule: SelectionRule, fold: FoldMaterial, subject: str, curves: Sequence[Video]) -> Tally:
        """Counts of a subject; out-of-fold curves are the same in all folds of a seed."""
        owner = fold.name if fold.inner else ""
        key = (json.dumps(rule.state()), fold.seed, subject, owner)
        if key not in self._seen:
            self._seen[key] = tally_curves(rule, curves, self._protocol)
        return self._seen[key]


def learns_from_curves(rule: SelectionRule) -> bool:
    """Whether `calibrate` can change what the rule finds."""
    return type(rule).calibrate is not SelectionRule.calibrate


def tally_curves(rule: SelectionRule, curves: Sequence[Video], protocol: Protocol) -> Tally:
    """Decode curves and count, as `memodule.decoding.decode.decode` and `memodule.metrics.evaluation` do.

    Args:
        rule: Fitted.
        curves: Of any subjects.
        protocol: How to count.

    Returns:
        Counts over all curves.
    """
    return sum((video.tally(_decoded(rule, video, protocol), protocol) for video in curves), Tally())


def _decoded(rule: SelectionRule, video: Video, protocol: Protocol) -> Decoded:
    found = rule.detect(video.labelled.curve, video.labelled.probabilities)
    emotions = found.emotions
    if emotions is None:
        emotions = vote_emotions(found.frames, video.votes[protocol.neutral])
    return Decoded(video.key, found.frames, emotions, found.confidence, video.frame_step)


def _labelled(groups: Iterable[Sequence[Video]]) -> list[Any]:
    return [video.labelled for group in groups for video in group]
