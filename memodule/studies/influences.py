"""Which subjects influenced what in a fold: the contents of `provenance.json`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memodule.decoding.protocol import Protocol
from memodule.intervals import SelectionRule

if TYPE_CHECKING:
    from memodule.data import LosoDataModule


def influences(
    data: "LosoDataModule", protocol: Protocol, rule: SelectionRule, chosen: bool = True
) -> dict[str, list[str]]:
    """The subjects that influenced each thing that a score depends on.

    Args:
        protocol: Under a leak, the interval prior lists the scored subject too.
        rule: As it was applied to the held-out subject.
        chosen: Whether inner validation subjects chose anything; they did not in networks that others trained.

    Returns:
        Subjects per key: `scored` (the held-out one), `network` (weights), `normalisation` (running means and variances
        in the network; features have none, each window is relative to its own first frame), `class_weights` (of the
        loss), `interval_prior` (durations), `chosen_on` (inner validation subjects, whose curves chose the epoch),
        `inner` (whose scores a sweep or search may follow), and the two of `calibration_influences`.
    """
    fold = data.fold
    training, validation = list(fold.training), list(fold.validation) if chosen else []
    return {
        "scored": [fold.held_out],
        "network": training,
        "normalisation": list(training),
        "class_weights": list(training),
        "interval_prior": list(data.catalog.subjects if protocol.leaks else training),
        "chosen_on": validation,
        "inner": list(validation),
        **calibration_influences(rule, validation, training),
    }


def calibration_influences(
    rule: SelectionRule, subjects: Sequence[str], networks: Sequence[str]
) -> dict[str, list[str]]:
    """The subjects that influenced a rule's calibration.

    Args:
        subjects: Whose curves there were to calibrate on.
        networks: On whom the networks of these curves were trained.

    Returns:
        Subjects per key: `calibrated_on` and `calibration_networks`; none where the rule has nothing to learn.
    """
    used = rule.learns_from_curves and bool(subjects)
    return {
        "calibrated_on": list(subjects) if used else [],
        "calibration_networks": list(networks) if used else [],
    }
