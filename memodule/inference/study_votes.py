"""What a study hands in to a challenge: what its seeds found in held-out videos, or checkpoints for unseen ones."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from memodule.decoding.decode import Decoded, decode
from memodule.errors import UserError
from memodule.inference.ensemble import median_rule
from memodule.inference.submission import average
from memodule.studies.study import Study

_NAMED: Final = 4
"""Missing folds that a message names."""


def voting_seeds(study: Study, seed: int | None) -> tuple[int, ...]:
    """The seeds whose folds vote, after a look that all of these are there.

    Args:
        study: The study.
        seed: The only one to take; None takes all.

    Returns:
        At least one seed.

    Raises:
        UserError: If the study has no such seed, or folds are missing.
    """
    if seed is not None and seed not in study.seeds:
        raise UserError(f"--seed {seed}: {study.folder} has {', '.join(map(str, study.seeds))}; choose one of these")
    seeds = study.seeds if seed is None else (seed,)
    missing = [(subject, of) for subject, of in study.missing() if of in seeds]
    if missing:
        names = ", ".join(
            subject if len(study.seeds) == 1 else f"{subject} (seed {of})" for subject, of in missing[:_NAMED]
        )
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        whole = [str(of) for of in seeds if len(study.finished(of)) == len(study.subjects)]
        instead = f", choose --seed {whole[0]}, which is whole" if whole else ""
        raise UserError(
            f"{study.folder}: {len(missing)} of {len(seeds) * len(study.subjects)} folds are missing: {names}{more}; "
            f"give the same `memodule loso` command again{instead}, or name the checkpoints that shall vote"
        )
    return seeds


def held_out(study: Study, seeds: Sequence[int]) -> Iterator[Decoded]:
    """What the study found in its own videos, each scored by the folds that held its subject out.

    Args:
        study: The study; the folds of these seeds are finished.
        seeds: Whose curves are averaged. The rule with the median durations among them decodes the mean.

    Yields:
        One entry for each video, in the order of the Catalog.
    """
    for subject in study.subjects:
        rules = [study.fold(subject, seed).rule for seed in seeds]
        rule = rules[median_rule(rules)]
        for curves in zip(*(study.fold(subject, seed).curves for seed in seeds), strict=True):
            yield decode(average(curves), rule, study.protocol)


def checkpoints(study: Study, seeds: Sequence[int]) -> list[Path]:
    """The weights of all folds.

    Args:
        study: The study; the folds of these seeds are finished.
        seeds: Whose folds.

    Returns:
        One file for each seed and subject.

    Raises:
        UserError: If the study kept none.
    """
    files = [study.fold(subject, seed).folder / "model.ckpt" for seed in seeds for subject in study.subjects]
    absent = [file for file in files if not file.is_file()]
    if absent:
        raise UserError(
            f"{absent[0]}: no such file; the study ran with --no-checkpoints, or decoded curves again: give one that "
            "kept its weights"
        )
    return files
