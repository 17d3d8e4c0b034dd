"""What a study submits to a challenge: what its seeds found in held-out videos, or checkpoints for unseen ones."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from memodule.decoding.decode import Decoded, decode
from memodule.errors import UserError
from memodule.inference.ensemble import median_rule
from memodule.inference.submission import average
from memodule.studies.results_view import a_few
from memodule.studies.study import Study


def voting_seeds(study: Study, seed: int | None) -> tuple[int, ...]:
    """The seeds whose folds vote: `seed`, or all if it is None.

    Raises:
        UserError: If the study has no such seed, or folds are missing.
    """
    if seed is not None and seed not in study.seeds:
        raise UserError(f"--seed {seed}: {study.folder} has {', '.join(map(str, study.seeds))}; choose one of these")
    seeds = study.seeds if seed is None else (seed,)
    missing = [(subject, of) for subject, of in study.missing() if of in seeds]
    if missing:
        names = a_few([subject if len(study.seeds) == 1 else f"{subject} (seed {of})" for subject, of in missing])
        complete = [str(of) for of in seeds if of not in {of for _, of in missing}]
        instead = f", use --seed {complete[0]}, which is complete" if complete else ""
        raise UserError(
            f"{study.folder}: {len(missing)} of {len(seeds) * len(study.subjects)} folds are missing: {names}; repeat "
            f"the `memodule loso` command{instead}, or name the checkpoints that vote"
        )
    return seeds


def held_out(study: Study, seeds: Sequence[int]) -> Iterator[Decoded]:
    """What the study found in its own videos, each scored by the folds that held its subject out.

    Args:
        seeds: Whose curves are averaged. The rule with the median durations among theirs decodes the mean.

    Yields:
        One entry per video, in the order of the Catalog.
    """
    for subject in study.subjects:
        folds = [study.fold(subject, seed) for seed in seeds]
        rule = folds[median_rule([fold.rule for fold in folds])].rule
        for curves in zip(*(fold.curves for fold in folds), strict=True):
            yield decode(average(curves), rule, study.protocol)


def checkpoints(study: Study, seeds: Sequence[int]) -> list[Path]:
    """The weights of all folds of some seeds.

    Raises:
        UserError: If the study kept none.
    """
    files = [study.fold(subject, seed).folder / "model.ckpt" for seed in seeds for subject in study.subjects]
    absent = [file for file in files if not file.is_file()]
    if absent:
        raise UserError(
            f"{absent[0]}: no such file; the study ran with --no-checkpoints or --curves; use one with weights"
        )
    return files
