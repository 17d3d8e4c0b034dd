"""The summary run of a study on Weights & Biases: pooled scores, tables, and the pictures that the caller drew."""

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from memodule.decoding.decode import PREDICTION_COLUMNS, Decoded, prediction_rows
from memodule.emotions import EMOTIONS, FRAME_CLASSES
from memodule.metrics.score_names import chance_scores, pooled_scores
from memodule.studies.calibration_marks import calibration_text
from memodule.studies.pooling import decoded_videos
from memodule.studies.results_view import per_class, weaknesses
from memodule.studies.study import Study
from memodule.studies.tracking import Rows, log_media, tracked_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def log_summary(
    study: Study,
    results: Mapping[str, Any],
    pictures: "Mapping[str, Figure | Mapping[str, Figure]]",
    sweep: Mapping[str, str] | None = None,
) -> None:
    """Send the pooled results to the study's summary run; does nothing without Weights & Biases.

    Args:
        results: Contents of its `results.json`.
        pictures: As in `log_media`.
        sweep: What `leave_sweep` returned, where the study is a trial of a sweep.
    """
    with tracked_run(study, "summary", "summary", sweep=sweep) as run:
        if run is None:
            return
        values = summary_values(results) | _fitted(study)
        objective = {name: value for name, value in values.items() if name.startswith("inner/")}
        if sweep:  # it can follow only what it sees: held-out scores go into tables, which cannot be an objective
            values = objective | {name: value for name, value in values.items() if "/" not in name}
        run.summary.update(values)
        others = [tag for tag in run.tags or () if tag != "uncalibrated"]  # a run of fewer folds may have left it
        run.tags = (*others, *(["uncalibrated"] if values["uncalibrated"] else []))
        found = next(decoded_videos(folds) for folds in study.finished_folds().values() if folds)
        log_media(run, _tables(results, found), pictures, objective)


def summary_values(results: Mapping[str, Any]) -> dict[str, Any]:
    """What dashboards compare runs by: numbers, flags and the name of the protocol, by log key; only what is given."""
    scores, labelled = pooled_scores(results), results["recognition_at_labels"]
    return {
        **{f"pooled/{name}": value for name, value in scores.items()},
        **{f"pooled/{name}_low": results["ci"][name][0] for name in scores},
        **{f"pooled/{name}_high": results["ci"][name][1] for name in scores},
        **{f"chance/{name}": value for name, value in chance_scores(results).items()},
        **({f"labelled/recog_{name}": labelled[name] for name in ("f1", "uf1", "uar")} if labelled else {}),
        **{f"fold_mean/{name}": results["folds"][name]["mean"] for name in scores},
        **{f"fold_std/{name}": results["folds"][name]["std"] for name in scores},
        **{f"inner/{name}": value for name, value in (results["inner"] or {}).items()},
        **{f"counts/{name}": results["spotting"][name] for name in ("tp", "fp", "fn")},
        **({"counts/recognition_support": results["recognition"]["support"]} if labelled else {}),
        "complete": results["complete"],
        "leak": results["leak"] is not None,
        "uncalibrated": bool(results.get("uncalibrated")),
        **({"calibration": text} if (text := calibration_text(results)) else {}),
        "protocol": results["protocol"],
    }


def _fitted(study: Study) -> dict[str, float]:
    """What the folds' rules have learned: the mean half window, in sampled frames, where they fit one."""
    rules = [fold.result["rule"] for folds in study.finished_folds().values() for fold in folds]
    timings = [(rule.get("state") or {}).get("timing") for rule in rules]
    halves = [timing["half_window"] for timing in timings if timing]
    return {"prior/half_window": statistics.fmean(halves)} if halves else {}


def _tables(results: Mapping[str, Any], found: Sequence[Decoded]) -> dict[str, Rows]:
    subjects = [
        {"subject": subject, **{name: value for name, value in scores.items() if value is not None}}
        for subject, scores in results["by_subject"].items()
    ]
    tables: dict[str, Rows] = {
        "scores": score_rows(results),
        "subjects": subjects,
        "intervals": [dict(zip(PREDICTION_COLUMNS, row, strict=True)) for row in prediction_rows(found)],
    }
    if results["recognition"] is None:
        return tables
    return tables | {"emotions": per_class(results), "confusion": _confusion_rows(results["recognition"]["confusion"])}


def score_rows(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each score the pooled value, its 95 % interval, chance, the mean over folds, and what weakens all of them."""
    chance, remark = chance_scores(results), "; ".join(weaknesses(results))
    return [
        {
            "score": name,
            "pooled": value,
            "low": results["ci"][name][0],
            "high": results["ci"][name][1],
            "chance": chance[name],
            "fold_mean": results["folds"][name]["mean"],
            "fold_std": results["folds"][name]["std"],
            "remark": remark,
        }
        for name, value in pooled_scores(results).items()
    ]


def _confusion_rows(confusion: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """True positives per true and predicted emotion."""
    return [
        {"true": true, "predicted": predicted, "count": count}
        for true, row in zip(EMOTIONS, confusion, strict=True)
        for predicted, count in zip(FRAME_CLASSES, row, strict=True)
    ]
