"""A finished study under another selection rule: its curves are decoded again, nothing is trained.

The network of a fold knows nothing of the rule, so the curves are those that a study trained with the other rule would
have got, and the folder becomes what `memodule loso` would have written.
"""

import copy
import shutil
from typing import Any

from memodule.atomic import replacing, write_json
from memodule.decoding import decode, labelled, write_predictions
from memodule.errors import UserError
from memodule.intervals import SelectionRule, build_rule, describe_rule
from memodule.studies.plan import Job, Plan
from memodule.studies.study import Study


def fitted_rule(study: Study, subject: str, seed: int, rule: SelectionRule) -> SelectionRule:
    """Fit a rule for one fold exactly as the fold itself fits its own.

    The prior comes from the subjects that informed the fold's own (the training subjects, or all where the protocol
    leaks); where the fold kept curves of inner validation subjects, the rule is calibrated on those.
    """
    provenance = study.fold_result(subject, seed)["provenance"]
    curves = study.curves(subject, seed)
    video = study.catalog.videos[0]
    frame_step = curves[0].frame_step if curves else study.config["data"]["frame_step"]
    rule.fit(study.catalog.of(provenance["interval_prior"]).expressions, fps=video.fps, frame_step=frame_step)
    if provenance["chosen_on"]:
        rule.calibrate([labelled(curve, study.catalog) for curve in study.validation_curves(subject, seed)])
    return rule


def take_curves(trained: Study, plan: Plan) -> Study:
    """Finish the folds of a plan with the curves of a study that differs in its selection rule only.

    Folds that the trained study has not finished stay unfinished, and finished ones of the plan are kept.

    Args:
        trained: The study with the curves.
        plan: The same experiment with another rule.

    Returns:
        The study of the plan, not yet pooled.

    Raises:
        UserError: If anything but the rule differs, or an epoch was chosen by the rule's scores.
    """
    _check_same_curves(trained, plan)
    study = Study.begin(plan)
    for job in plan.jobs:
        if not job.finished and job.subject in trained.finished(job.seed):
            _finish(trained, study, job)
    return study


def _finish(trained: Study, study: Study, job: Job) -> None:
    """Write one fold's folder, its result last."""
    rule = fitted_rule(trained, job.subject, job.seed, build_rule(study.config["intervals"], "intervals"))
    for stage in ("val", "test"):
        source = trained.fold(job.subject, job.seed) / stage / "curves.npz"
        if not source.is_file():
            continue
        with replacing(job.folder / stage / "curves.npz") as aside:
            shutil.copyfile(source, aside)
    found = [decode(curve, rule, study.protocol) for curve in trained.curves(job.subject, job.seed)]
    write_predictions(job.folder / "test" / "intervals.csv", found)
    result = trained.fold_result(job.subject, job.seed)
    write_json(
        job.folder / "result.json", {**result, "rule": describe_rule(rule), "curves_from": trained.description["name"]}
    )


def _check_same_curves(trained: Study, plan: Plan) -> None:
    before, after = _without_rule(trained.config), _without_rule(plan.config)
    different = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if different or trained.description["data_fingerprint"] != plan.fingerprint:
        what = f"the sections {', '.join(different)}" if different else "the data"
        raise UserError(
            f"{trained.folder}: its curves cannot serve {plan.name}, which differs in {what}; train that with "
            "`memodule loso`"
        )
    if any(str(metric).startswith("val/") for metric in _monitored(trained.config)):
        raise UserError(
            f"{trained.folder}: its epochs were chosen by scores of its own rule; run `memodule loso` for {plan.name}"
        )


def _monitored(config: dict[str, Any]) -> list[Any]:
    """Metrics by which callbacks of the config choose."""
    callbacks = config["trainer"].get("callbacks") or []
    listed = callbacks if isinstance(callbacks, list) else [callbacks]
    return [(callback.get("init_args") or {}).get("monitor") for callback in listed]


def _without_rule(config: dict[str, Any]) -> dict[str, Any]:
    rest = copy.deepcopy(config)
    rest.pop("intervals")
    for key in ("logger", "default_root_dir", "enable_progress_bar"):
        rest["trainer"].pop(key, None)
    return rest
