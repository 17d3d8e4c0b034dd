"""Which subjects influenced what in a fold: the contents of `provenance.json`."""

from typing import TYPE_CHECKING

from memodule.decoding.protocol import Protocol

if TYPE_CHECKING:
    from memodule.data import LosoDataModule


def influences(data: "LosoDataModule", protocol: Protocol, chosen: bool = True) -> dict[str, list[str]]:
    """The subjects that influenced each thing that a score depends on.

    Args:
        protocol: Under a leak, the interval prior lists the scored subject too.
        chosen: Whether inner validation subjects chose anything; they did not in networks that others trained.

    Returns:
        Subjects per key: `scored` (the held-out one), `network` (weights), `normalisation` (running means and variances
        in the network; features have none, each window is relative to its own first frame), `class_weights` (of the
        loss), `interval_prior` (durations), `chosen_on` (whose curves chose the epoch and calibrated the rule),
        `inner` (whose scores a sweep or search may follow).
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
    }
