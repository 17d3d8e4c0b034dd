"""Which subjects influenced what in a fold: the contents of `provenance.json`."""

from typing import TYPE_CHECKING

from memodule.decoding.protocol import Protocol

if TYPE_CHECKING:
    from memodule.data import LosoDataModule


def influences(data: "LosoDataModule", protocol: Protocol, chosen: bool = True) -> dict[str, list[str]]:
    """For each thing that a score depends on the subjects that it was taken from.

    Args:
        data: The data of the fold.
        protocol: Its rules; under a leak the interval prior lists the scored subject too.
        chosen: Whether anything was chosen by inner validation subjects; not so in networks that others trained.

    Returns:
        Subjects per key. `scored` is the held-out one; `network` are the weights, `normalisation` the running means and
        variances in it (the features know none: each window is relative to its own first frame); `class_weights` those
        of the loss; `interval_prior` the durations that the rule has learned; `chosen_on` whose curves chose the epoch
        and calibrated the rule; `inner` whose scores a sweep or search may follow.
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
