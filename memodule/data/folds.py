"""The subjects that a leave-one-subject-out fold trains on, watches, and is scored on."""

import dataclasses
import random
from collections.abc import Sequence
from typing import Literal

from memodule.datasets.catalog import Catalog
from memodule.errors import UserError


@dataclasses.dataclass(frozen=True)
class Fold:
    """The subjects of one fold; no subject has two of the three roles.

    Attributes:
        held_out: The subject that is scored, and that nothing may be fitted or selected on.
        training: Subjects that fit the network, the priors, the class weights.
        validation: Inner validation subjects, for choices such as the epoch; empty if nothing is chosen.
    """

    held_out: str
    training: tuple[str, ...]
    validation: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        everyone = (self.held_out, *self.training, *self.validation)
        if len(set(everyone)) != len(everyone):
            raise ValueError(f"the subjects of fold {self.held_out} overlap: {self}")


def make_fold(catalog: Catalog, held_out: str, inner_validation: int | Sequence[str] = 0, seed: int = 0) -> Fold:
    """Build the fold that holds out one subject.

    Args:
        inner_validation: How many of the other subjects become inner validation subjects, drawn among those with a
            micro-expression; or their codes (the held-out one is removed from them).
        seed: Seed of that draw; the same seed and subject give the same fold.

    Raises:
        UserError: If the subject is unknown, or too few subjects remain for training.
    """
    subjects = catalog.subjects
    if held_out not in subjects:
        raise UserError(
            f"data.fold: {catalog.name} has no subject {held_out!r}; choose one of {', '.join(subjects) or 'none'}"
        )
    others = [subject for subject in subjects if subject != held_out]
    if isinstance(inner_validation, int):
        expressive = {expression.subject for expression in catalog.expressions if expression.kind == "micro"}
        candidates = [subject for subject in others if subject in expressive]
        if not 0 <= inner_validation < max(len(candidates), 1):
            raise UserError(
                f"data.inner_validation_subjects: {inner_validation} of fold {held_out}'s {len(candidates)} other "
                f"subjects with micro-expressions; leave at least one for training"
            )
        validation = set(random.Random(f"{seed}/{held_out}").sample(candidates, inner_validation))
    else:
        unknown = [subject for subject in inner_validation if subject not in subjects]
        if unknown:
            raise UserError(f"data.inner_validation_subjects: {catalog.name} has no subject {unknown[0]!r}")
        validation = set(inner_validation) - {held_out}
    training = tuple(subject for subject in others if subject not in validation)
    if not training:
        raise UserError(
            f"data.fold: no training subject is left in fold {held_out}; a fold needs at least two subjects"
        )
    return Fold(held_out, training, tuple(subject for subject in others if subject in validation))


def scored_catalog(catalog: Catalog, videos: Literal["all", "with_micro"]) -> Catalog:
    """The Catalog as a protocol sees it: all videos, or only those that hold a micro-expression."""
    if videos == "all":
        return catalog
    kept = tuple(video for video in catalog.videos if catalog.expressions_of(video.key, "micro"))
    keys = {video.key for video in kept}
    return Catalog(kept, tuple(e for e in catalog.expressions if e.key in keys), catalog.name)
