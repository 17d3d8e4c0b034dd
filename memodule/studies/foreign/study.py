"""A study of score curves that another system made: nothing is trained, rules are fitted and applied.

Leave-one-subject-out holds for the selection rule, which learns from other subjects only. Whether the system had seen a
subject before it scored that subject's videos is up to its user; nothing in the files can prove it.
"""

import dataclasses
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from memodule import console
from memodule.data.folds import Fold, make_fold, scored_catalog
from memodule.datasets.catalog import Catalog, VideoKey, read_catalog
from memodule.decoding.curves import VideoCurve, curve_key
from memodule.decoding.fitted import FittedDecoder
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.intervals.description import build_rule, describe_rule
from memodule.runtime.atomic import write_json
from memodule.runtime.digests import json_sha256
from memodule.studies.coverage import Coverage
from memodule.studies.foreign.curves import Sampling, spacing, video_curves
from memodule.studies.foreign.files import read_curve_files
from memodule.studies.loso import Outcome, pool_and_write
from memodule.studies.plan import Job, Plan
from memodule.studies.redecoding import write_stage
from memodule.studies.study import Study

DECLARED = "only who imported the curves says that the system had not seen the held-out subject"
"""What `result.json` says of every fold, since nothing here proves it."""


@dataclasses.dataclass(frozen=True, eq=False)
class CurveImport:
    """Everything that is written, checked before the first file.

    Attributes:
        curves: Of every video that the protocol scores, in the order of the Catalog; an empty one where none was given.
        coverage: What the curves leave open.
        ignored: Curves of videos that the protocol does not score.
    """

    plan: Plan
    curves: Sequence[VideoCurve]
    sampling: Sampling
    coverage: Coverage
    ignored: int

    @property
    def protocol(self) -> Protocol:
        """How the study is scored."""
        return Protocol.from_dict(self.plan.config["protocol"])

    def of(self, subject: str) -> list[VideoCurve]:
        """The curves of a subject."""
        return [curve for curve in self.curves if curve.subject == subject]

    def fold(self, subject: str) -> Fold:
        """The fold that holds out a subject; all others are training subjects."""
        return make_fold(self.plan.catalog, subject)


def plan_import(
    curves: Path,
    catalog_folder: Path,
    rule: Mapping[str, Any],
    protocol: Protocol,
    *,
    frames_per_sample: int = 1,
    lag: int = 0,
    frame_step: int | None = None,
    pattern: str | None = None,
    runs: Path = Path("runs"),
    name: str | None = None,
) -> CurveImport:
    """Read and check score curves, and plan their study; nothing is written.

    Args:
        curves: Folder with one file a video, or a file for all; see `memodule.studies.foreign.files`.
        rule: class_path and init_args.
        frames_per_sample: As in `Sampling`, like `lag` and `frame_step`.
        pattern: Names of the files in the folder.

    Raises:
        UserError: If a file cannot be read or does not fit the Catalog, or fewer than two subjects are left.
    """
    everything = read_catalog(catalog_folder)
    catalog = scored_catalog(everything, protocol.videos)
    if not catalog.videos:
        raise UserError(f"{catalog_folder}: has no video that is scored, so there is nothing to import")
    samples = read_curve_files(curves, [video.key for video in everything.videos], pattern)
    sampling = Sampling.of(everything, spacing(samples, frames_per_sample), lag, frame_step)
    found = video_curves(samples, everything, sampling)
    config = {
        "data": {
            "catalog": str(catalog_folder.resolve()),
            "curves": str(curves.resolve()),
            **dataclasses.asdict(sampling),
            "inner_validation_subjects": 0,
        },
        "intervals": dict(rule),
        "protocol": protocol.as_dict(),
        "trainer": {"logger": False},
    }
    complete = _complete(found, catalog, sampling)
    scored = {video.key for video in catalog.videos}
    with_curves = {subject for subject, _ in scored & set(found)}
    subjects = tuple(subject for subject in catalog.subjects if subject in with_curves)
    if not subjects:
        raise UserError(f"{curves}: no curve is of a video that the protocol {protocol.name} scores")
    plan = Plan(
        name or re.sub(r"[^\w.-]+", "_", curves.resolve().stem),
        config,
        catalog,
        _fingerprint(catalog, complete),
        subjects,
        (0,),
        runs.resolve(),
    )
    return CurveImport(plan, complete, sampling, Coverage.of(complete, catalog), len(set(found) - scored))


def import_curves(imported: CurveImport) -> Outcome:
    """Fit and apply the rule fold by fold, pool, and write the study; finished folds are kept.

    Raises:
        UserError: If the rule cannot be fitted, before anything is written; or the folder cannot be written.
    """
    waiting = [job for job in imported.plan.jobs if not job.finished]
    started = time.perf_counter()
    decoders = [_decoder(imported, job) for job in console.track(waiting, "folds")] if waiting else []
    seconds = (time.perf_counter() - started) / max(1, len(waiting))
    study = Study.begin(imported.plan)
    for job, decoder in zip(waiting, decoders, strict=True):
        write_stage(job.folder / "test", decoder, imported.of(job.subject))
        write_json(job.folder / "result.json", _result(imported, job, decoder, seconds))
    return Outcome(study, pool_and_write(study), {})


def _decoder(imported: CurveImport, job: Job) -> FittedDecoder:
    """The rule, fitted on the other subjects' labels; their curves calibrate it when the study is pooled."""
    plan, training = imported.plan, imported.fold(job.subject).training
    return FittedDecoder.fit(
        build_rule(plan.config["intervals"], "--rule"),
        imported.protocol,
        training=plan.catalog.of(training),
        everyone=plan.catalog,
        frame_step=imported.sampling.frame_step,
    )


def _result(imported: CurveImport, job: Job, decoder: FittedDecoder, seconds: float) -> dict[str, Any]:
    """The contents of `result.json`."""
    training = list(imported.fold(job.subject).training)
    learned = dict.fromkeys(("network", "normalisation", "class_weights"), training)
    return {
        "subject": job.subject,
        "seed": job.seed,
        "curves": {"file": Path(job.config["data"]["curves"]).name, "held_out": DECLARED},
        "provenance": {
            "scored": [job.subject],
            **learned,
            "interval_prior": list(decoder.informed),
            "chosen_on": [],
            "inner": [],
        },
        "training_windows": 0,
        "rule": describe_rule(decoder.rule),
        "history": [],
        "seconds": round(seconds, 3),
    }


def _complete(found: Mapping[VideoKey, VideoCurve], catalog: Catalog, sampling: Sampling) -> list[VideoCurve]:
    """A curve for every video: an empty one, in which nothing can be found, where there is none."""
    with_classes = any(curve.logits is not None for curve in found.values())
    logits = np.empty((0, 5), np.float32) if with_classes else None
    return [
        found.get(v.key, VideoCurve(*v.key, np.empty(0, np.float32), logits, v.fps, sampling.frame_step))
        for v in catalog.videos
    ]


def _fingerprint(catalog: Catalog, curves: Sequence[VideoCurve]) -> str:
    """Hash of all labels and all curves."""
    videos = [(*video.key, video.fps, video.frames) for video in catalog.videos]
    expressions = [dataclasses.astuple(expression) for expression in catalog.expressions]
    return json_sha256([videos, expressions, [curve_key(curve) for curve in curves]])
