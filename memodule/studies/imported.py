"""A study of networks that the authors trained: their weights are scored, and nothing is trained.

The published code saves one weight file per held-out subject, `subject_006.pkl` for subject 006 of SAMM Long Videos,
`subject_1.pkl` for spNO.1 of CAS(ME)^3. Each becomes the checkpoint of one fold, and the folder becomes what
`memodule loso` would have written, so that `ablate`, `report` and `spot` accept it like any other.
"""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memodule import console
from memodule.errors import UserError
from memodule.intervals.description import describe_rule
from memodule.networks import load_published_weights
from memodule.runtime.atomic import replacing, write_json
from memodule.runtime.digests import file_sha256, json_sha256
from memodule.studies.influences import influences
from memodule.studies.loso import Outcome, pool_and_write
from memodule.studies.plan import Job, Plan
from memodule.studies.study import Study
from memodule.training.fold_cli import FoldCLI, quiet_lightning
from memodule.training.settings import build_fold, try_out

PATTERN: Final = "subject_{number}.pkl"
"""How the authors name the weight file of a held-out subject."""


def find_weights(folder: Path, subjects: Sequence[str], pattern: str = PATTERN) -> dict[str, Path]:
    """The weight file of each subject.

    Args:
        pattern: File name (or path below the folder) with `{subject}`, the code as in the Catalog, or `{number}`, what
            follows the last full stop in it: 1 for spNO.1, 006 for 006.

    Raises:
        UserError: If the pattern gives several subjects the same file, or files are missing.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; use the one that holds the authors' weight files")
    try:
        files = {s: folder / pattern.format(subject=s, number=s.rpartition(".")[2]) for s in subjects}
    except (KeyError, IndexError, ValueError):
        files = {}
    if len(set(files.values())) < len(subjects):
        raise UserError(f"--pattern {pattern}: needs {{subject}} or {{number}} for each file, as in {PATTERN}")
    missing = [subject for subject, file in files.items() if not file.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UserError(
            f"{files[missing[0]]}: no such file, so subject {missing[0]}{more} has no weights; set --pattern to the "
            "names of the files, or --folds to the subjects that have some"
        )
    return files


def check_weights(config: Mapping[str, Any], weights: Mapping[str, Path]) -> None:
    """Load every weight file into the network of the config, before anything is written.

    Raises:
        UserError: If a file cannot be read, or does not fit the network.
    """
    network = try_out(config, next(iter(weights))).network
    for file in weights.values():
        load_published_weights(network, file)


def score_imported(plan: Plan, weights: Mapping[str, Path], save_checkpoints: bool = True) -> Outcome:
    """Score the authors' networks on their held-out subjects, pool, and write the study's files.

    The folds of the plan are scored, not trained. Finished ones are kept; other weights make another study.

    Raises:
        UserError: If weights do not fit the network of the plan, or files cannot be read or written.
    """
    check_weights(plan.config, weights)
    hashes = {subject: file_sha256(file) for subject, file in weights.items()}
    # so that it differs from every study that was trained here
    plan = dataclasses.replace(plan, fingerprint=json_sha256([plan.fingerprint, hashes]))
    study = Study.begin(plan)
    for job in console.track(plan.jobs, "folds"):
        if not job.finished:
            _score_fold(job, weights[job.subject], hashes[job.subject], save_checkpoints)
    return Outcome(study, pool_and_write(study), {})


def _score_fold(job: Job, weights: Path, sha256: str, save_checkpoint: bool) -> None:
    """Write the folder of a fold, `result.json` last."""
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
        cli.model.seen = [cli.datamodule.influences]  # according to the authors
        if save_checkpoint:
            with replacing(job.folder / "model.ckpt") as aside:
                cli.trainer.save_checkpoint(aside, weights_only=True)
    write_json(job.folder / "result.json", _result(cli, job, weights, sha256, time.perf_counter() - started))


def _result(cli: FoldCLI, job: Job, weights: Path, sha256: str, seconds: float) -> dict[str, Any]:
    """The contents of `result.json`. Only the authors say that the subject was held out; nothing here proves it."""
    callback = cli.interval_selection
    return {
        "subject": job.subject,
        "seed": job.seed,
        "weights": {"file": weights.name, "sha256": sha256},
        "provenance": influences(cli.datamodule, callback.protocol, callback.rule, chosen=False),
        "training_windows": 0,
        "rule": describe_rule(callback.rule),
        "history": [],
        "seconds": round(seconds, 3),
    }
