"""A study whose networks the authors have trained: their weights are scored, nothing is trained here.

The published code saves one weight file per held-out subject, `subject_006.pkl` for subject 006 of SAMM Long Videos,
`subject_1.pkl` for spNO.1 of CAS(ME)^3. Each becomes the checkpoint of one fold, and the folder becomes what
`memodule loso` would have written, so that `ablate`, `report` and `spot` take it like any other.
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memodule import console
from memodule.errors import UserError
from memodule.intervals.description import describe_rule
from memodule.networks import load_published_weights
from memodule.runtime.atomic import replacing, write_json
from memodule.runtime.digests import file_sha256
from memodule.studies.influences import influences
from memodule.studies.loso import Outcome, pool_and_write
from memodule.studies.plan import Job, Plan
from memodule.studies.study import Study
from memodule.training.dry_runs import try_out
from memodule.training.fold_cli import FoldCLI, quiet_lightning
from memodule.training.settings import build_fold

PATTERN: Final = "subject_{number}.pkl"
"""How the authors name the file of one held-out subject."""


def find_weights(folder: Path, subjects: Sequence[str], pattern: str = PATTERN) -> dict[str, Path]:
    """The weight file of each subject.

    Args:
        folder: Where the files are.
        subjects: Held-out subjects that need one.
        pattern: File name (or path below the folder) with `{subject}`, the code as in the Catalog, or `{number}`, what
            follows the last full stop in it: 1 for spNO.1, 006 for 006.

    Returns:
        An existing file for each subject.

    Raises:
        UserError: If the pattern names nobody, or files are missing.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give the one that holds the authors' weight files")
    try:
        files = {s: folder / pattern.format(subject=s, number=s.rpartition(".")[2]) for s in subjects}
    except (KeyError, IndexError, ValueError):
        files = {}
    if len(set(files.values())) < len(subjects):
        raise UserError(f"--pattern {pattern}: say with {{subject}} or {{number}} which file is whose, as in {PATTERN}")
    missing = [subject for subject, file in files.items() if not file.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UserError(
            f"{files[missing[0]]}: no such file, so subject {missing[0]}{more} has no weights; name the files with "
            "--pattern, or the subjects that have some with --folds"
        )
    return files


def check_weights(config: Mapping[str, Any], weights: Mapping[str, Path]) -> None:
    """Read every weight file into the network that it is to fill, before anything is written.

    Args:
        config: The resolved config of the study.
        weights: The weight file of each subject, at least one.

    Raises:
        UserError: If one cannot be read, or does not fit the network.
    """
    network = try_out(config, next(iter(weights))).network
    for file in weights.values():
        load_published_weights(network, file)


def score_imported(plan: Plan, weights: Mapping[str, Path], save_checkpoints: bool = True) -> Outcome:
    """Score the authors' networks on their held-out subjects, pool, and write the study's files.

    Folds that are finished are kept; other weights make another study.

    Args:
        plan: The experiment; its folds are scored, not trained.
        weights: The weight file of each of its subjects.
        save_checkpoints: Whether to keep each network as a checkpoint of ours.

    Raises:
        UserError: If weights do not fit the network of the plan, or files cannot be read or written.
    """
    check_weights(plan.config, weights)
    hashes = {subject: file_sha256(file) for subject, file in weights.items()}
    plan = dataclasses.replace(plan, fingerprint=_with_weights(plan.fingerprint, hashes))
    study = Study.begin(plan)
    for job in console.track(plan.jobs, "folds"):
        if not job.finished:
            _score_fold(job, weights[job.subject], hashes[job.subject], save_checkpoints)
    return Outcome(study, pool_and_write(study), {})


def _with_weights(fingerprint: str, hashes: Mapping[str, str]) -> str:
    """The fingerprint of data and weights: no study that was trained here may be taken for this one."""
    return hashlib.sha256(json.dumps([fingerprint, dict(sorted(hashes.items()))]).encode()).hexdigest()


def _score_fold(job: Job, weights: Path, sha256: str, save_checkpoint: bool) -> None:
    """Write one fold's folder, its result last."""
    started = time.perf_counter()
    with quiet_lightning():
        cli = build_fold(
            job.config,
            job.subject,
            job.seed,
            out=str(job.folder),
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=str(job.folder),
        )
        load_published_weights(cli.model.network, weights)
        cli.trainer.test(cli.model, cli.datamodule, verbose=False)
        cli.model.seen = [cli.datamodule.influences]  # as the authors say; asked wherever the checkpoint goes
        if save_checkpoint:
            with replacing(job.folder / "model.ckpt") as aside:
                cli.trainer.save_checkpoint(aside, weights_only=True)
    write_json(job.folder / "result.json", _result(cli, job, weights, sha256, time.perf_counter() - started))


def _result(cli: FoldCLI, job: Job, weights: Path, sha256: str, seconds: float) -> dict[str, Any]:
    """What is known of the fold. That the authors held this subject out is their word; nothing here can prove it."""
    callback = cli.interval_selection
    return {
        "subject": job.subject,
        "seed": job.seed,
        "weights": {"file": weights.name, "sha256": sha256},
        "provenance": influences(cli.datamodule, callback.protocol, chosen=False),
        "training_windows": 0,
        "rule": describe_rule(callback.rule),
        "history": [],
        "seconds": round(seconds, 3),
    }
