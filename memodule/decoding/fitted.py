"""Fit -> calibrate -> decode: the one place where a selection rule learns from subjects and is applied to others.

The interval prior is fitted on the labels of the training subjects, the rule is calibrated on labelled curves that do
not belong to the scored subject, and only then are curves decoded. A leak is possible in two ways only: the protocol
allows it (`fitted_on: all`), or the caller passes curves of the scored subject to `calibrate`.
"""

import copy
import dataclasses
from collections.abc import Iterator, Sequence

from memodule.datasets.catalog import Catalog
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import Decoded, decode
from memodule.decoding.protocol import Protocol
from memodule.intervals import LabelledCurve, SelectionRule


@dataclasses.dataclass(frozen=True, eq=False)
class FittedDecoder:
    """A fitted selection rule and the protocol that it decodes under.

    Attributes:
        rule: Fitted; `calibrate` changes it in place.
        protocol: Decides on whom the rule was fitted, and what happens to neutral frames.
        informed: Subjects whose labels fitted the interval prior; under a leaking protocol the scored one is among
            them. Empty where a stored rule is used.
    """

    rule: SelectionRule
    protocol: Protocol
    informed: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls, rule: SelectionRule, protocol: Protocol, *, training: Catalog, everyone: Catalog, frame_step: int
    ) -> "FittedDecoder":
        """Fit a rule, in place, on the expressions that the protocol allows.

        Args:
            protocol: Its `fitted_on` chooses between the two Catalogs.
            training: The part of `everyone` that belongs to the fold's training subjects.
            everyone: All subjects, the scored one included.
        """
        allowed = everyone if protocol.leaks else training
        rule.fit(allowed.expressions, fps=everyone.videos[0].fps, frame_step=frame_step)
        return cls(rule, protocol, allowed.subjects)

    def calibrate(self, curves: Sequence[LabelledCurve]) -> "FittedDecoder":
        """Calibrate the rule, in place, on curves of subjects other than the scored one."""
        self.rule.calibrate(curves)
        return self

    def cross_calibrated(
        self, curves: Sequence[tuple[str, LabelledCurve]], parts: int | None = None
    ) -> Iterator[tuple[list[str], "FittedDecoder"]]:
        """Decoders that may judge the very subjects whose curves calibrate the rule.

        Args:
            curves: (subject, curve) of all these subjects.
            parts: Into how many groups the subjects are split; None makes each subject a group.

        Yields:
            A group of subjects, and a copy of this decoder that is calibrated on all others. A single subject has no
            others, so its decoder is not calibrated.
        """
        subjects = list(dict.fromkeys(subject for subject, _ in curves))
        parts = parts or len(subjects)
        for part in range(min(parts, len(subjects))):
            judged = subjects[part::parts]
            others = [curve for subject, curve in curves if subject not in judged]
            decoder = dataclasses.replace(self, rule=copy.deepcopy(self.rule))
            yield judged, decoder.calibrate(others) if others else decoder

    def decode(self, curve: VideoCurve) -> Decoded:
        """What the rule finds on a curve."""
        return decode(curve, self.rule, self.protocol)
