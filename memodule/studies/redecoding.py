"""A fold without training: the curves of a finished study, decoded with another rule or protocol."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memodule.data.folds import make_fold
from memodule.decoding.curves import VideoCurve, write_curves
from memodule.decoding.decode import labelled_curve, write_predictions
from memodule.decoding.fitted import FittedDecoder
from memodule.errors import UserError
from memodule.intervals.description import build_rule, describe_rule
from memodule.runtime.atomic import write_json
from memodule.runtime.digests import json_sha256
from memodule.studies.influences import calibration_influences
from memodule.studies.inner import inner_tallies
from memodule.studies.plan import Job, Plan, identity, protocol_of
from memodule.studies.study import Study


def check_curves(plan: Plan) -> None:
    """Refuse curves of a study that trained something else.

    Only `intervals` and `protocol` may differ, except for options of the protocol that change training or curves.

    Raises:
        UserError: With the first setting that differs, or a missing fold.
    """
    if plan.curves is None:
        return
    source = Study.open(plan.curves)
    if source.description["data_fingerprint"] != plan.fingerprint:
        raise UserError(f"--curves {plan.curves}: made from other data; run this command without --curves")
    theirs, ours = _trained(source.config), _trained(plan.config)
    differing = [key for key in sorted({*theirs, *ours}) if theirs.get(key) != ours.get(key)]
    if differing:
        key = differing[0]
        raise UserError(
            f"--curves {plan.curves}: trained with {key}={theirs.get(key)}, not {ours.get(key)}; only intervals and "
            f"the protocol's scoring may differ"
        )
    ruled = epochs_chosen_by_rule(source.config)
    if ruled and source.config["intervals"] != plan.config["intervals"]:
        raise UserError(
            f"--curves {plan.curves}: its epochs were chosen by {ruled[0]} with its own rule; run this command without "
            f"--curves"
        )
    missing = [job.name for job in plan.jobs if not source.fold(job.subject, job.seed).finished]
    if missing:
        raise UserError(f"--curves {plan.curves}: fold {missing[0]} is not finished there; finish that study first")


def curves_digest(plan: Plan) -> str | None:
    """A digest of everything that decides the curves: studies that share it can decode each other's.

    None where the selection rule decides too, by choosing epochs.
    """
    return None if epochs_chosen_by_rule(plan.config) else json_sha256([_trained(plan.config), plan.fingerprint])


def redecode_fold(job: Job) -> None:
    """Write the folder of a fold from the curves of another study: same files, no network.

    The rule is fitted on the training subjects and calibrated on the inner validation subjects' curves, exactly as
    in training, so an unchanged configuration gives an unchanged result. Without inner subjects it is calibrated like
    that of a trained fold, when the study is pooled.

    Raises:
        UserError: If the study in `job.curves` has not finished the fold, or the rule cannot be built.
    """
    assert job.curves is not None
    source, protocol, data = Study.open(job.curves), protocol_of(job.config), job.config["data"]
    trained, catalog = source.fold(job.subject, job.seed), source.catalog
    fold = make_fold(catalog, job.subject, data["inner_validation_subjects"], job.seed)
    decoder = FittedDecoder.fit(
        build_rule(job.config["intervals"], "intervals"),
        protocol,
        training=catalog.of(fold.training),
        everyone=catalog,
        frame_step=data["frame_step"],
    )
    inner: dict[str, Any] = {}
    if fold.validation:
        curves = trained.inner_curves
        inner = inner_tallies(decoder, curves, catalog)
        write_stage(job.folder / "val", decoder, curves)
        decoder.calibrate([labelled_curve(curve, catalog) for curve in curves])
    write_stage(job.folder / "test", decoder, trained.curves)
    changed = {
        "provenance": {
            **trained.result["provenance"],
            "interval_prior": list(decoder.informed),
            **calibration_influences(decoder.rule, fold.validation, fold.training),
        },
        "rule": describe_rule(decoder.rule),
        "inner": inner,
        "curves_from": source.name,
    }
    write_json(job.folder / "result.json", {**trained.result, **changed})


def write_stage(folder: Path, decoder: FittedDecoder, curves: Sequence[VideoCurve]) -> None:
    """Write curves, and what the rule finds on them, as a fold does."""
    write_curves(folder / "curves.npz", curves)
    write_predictions(folder / "intervals.csv", [decoder.decode(curve) for curve in curves])


def epochs_chosen_by_rule(config: Mapping[str, Any]) -> list[str]:
    """Metrics by which callbacks of the config choose and which depend on the selection rule."""
    callbacks = config["trainer"].get("callbacks") or []
    listed = callbacks if isinstance(callbacks, list) else [callbacks]
    metrics = [(callback.get("init_args") or {}).get("monitor") for callback in listed]
    return [metric for metric in metrics if metric and metric.startswith("val/") and metric != "val/loss"]


def _trained(config: dict[str, Any]) -> dict[str, Any]:
    """The settings that decide the curves, by dotted keys."""
    kept = copy.deepcopy(identity(config))
    kept.pop("intervals")
    kept["protocol"] = {name: kept["protocol"].get(name) for name in ("videos", "stitching", "phases")}
    return _flat(kept)


def _flat(section: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for name, value in section.items():
        keys |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return keys
