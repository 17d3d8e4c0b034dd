"""How commands that score a study show the outcome: on the terminal, as JSON, and on Weights & Biases."""

import json
import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from memodule import console
from memodule.metrics.score_names import HEADLINE_SCORES, NAMES, NOT_GIVEN, chance_scores, pooled_scores
from memodule.runtime.own_parts import import_options

if TYPE_CHECKING:
    from memodule.studies.loso import Outcome

JSON_KEYS: Final = """\
JSON: folder, complete, failed (for each failed fold its error), wandb_sync (null, or the command that sends offline
runs), results (the contents of results.json, or null if no fold is finished)."""
"""What `--help` says about `--json`."""


def log_outcome(outcome: "Outcome", sweep: Mapping[str, str] | None = None) -> None:
    """Send scores, tables and the report's figures to the study's summary run, where it logs to Weights & Biases.

    `sweep` is what `leave_sweep` returned; a study with failed folds is not a trial.
    """
    from memodule.studies.summary import log_summary
    from memodule.studies.tracking import uses_wandb

    study, results = outcome.study, outcome.results
    if results is not None and uses_wandb(study.config):
        from memodule.report.figures import study_figures

        log_summary(study, results, study_figures(study, results), None if outcome.failed else sweep)


def print_outcome(outcome: "Outcome", as_json: bool) -> None:
    """Print the scores, or one JSON document, or with `--quiet` the folder alone; then stderr names failed folds."""
    from memodule.studies.tracking import how_to_send

    study, results, sending = outcome.study, outcome.results, how_to_send(outcome.study)
    if as_json:
        values = {
            "folder": str(study.folder),
            "complete": results is not None and results["complete"],
            "failed": outcome.failed,
            "wandb_sync": sending,
            "results": results,
        }
        print(json.dumps(values, indent=2, allow_nan=False))
    elif console.console.quiet:
        print(study.folder)
    else:
        print(outcome_text(outcome))
        page = shlex.join(["memodule", "report", str(study.folder), *import_options()])
        print(f"results: {study.folder / 'results.json'}\npage:    {page}")
        if sending:
            print(f"W&B:     runs are kept offline; send them with: {sending}")
    if outcome.failed and (as_json or console.console.quiet):
        print(_failures(outcome), file=sys.stderr)


def outcome_text(outcome: "Outcome") -> str:
    """The scores, and which folds failed."""
    scores = results_text(outcome.results) if outcome.results else "no fold is finished, so there is nothing to score"
    return f"{scores}\n{_failures(outcome)}" if outcome.failed else scores


def _failures(outcome: "Outcome") -> str:
    lines = [f"  {name}: {error}" for name, error in outcome.failed.items()]
    return "\n".join(["failed folds (repeat the command to run them again):", *lines])


def results_text(results: Mapping[str, Any]) -> str:
    """A table of pooled scores with intervals and chance, the counts, and their weaknesses."""
    from memodule.studies.calibration_marks import calibration_text
    from memodule.studies.results_view import weaknesses

    scores, chance, ranges = pooled_scores(results), chance_scores(results), results["ci"]
    spotting, recognition = results["spotting"], results["recognition"]
    seeds = len(results["seeds"])
    lines = [
        f"{results['study']}: protocol {results['protocol']}, {len(results['by_subject'])} held-out subjects"
        + (f", {seeds} seeds" if seeds > 1 else ""),
        f"{'':17}{'pooled':>8}  {'95 % interval':>17}  {'chance':>8}  {'mean of folds':>17}",
    ]
    for name in HEADLINE_SCORES:
        if name not in scores:
            lines.append(f"{NAMES[name]:17}{NOT_GIVEN}")
            continue
        low, high = ranges[name]
        fold = results["folds"][name]
        lines.append(
            f"{NAMES[name]:17}{scores[name]:8.4f}  {f'{low:.4f} .. {high:.4f}':>17}  {chance[name]:8.4f}  "
            f"{fold['mean']:8.4f} ± {fold['std']:.4f}"
        )
    counts = f"spotting: {spotting['tp']} hits, {spotting['fp']} false alarms, {spotting['fn']} misses; recognition: "
    if recognition is None:
        lines.append(f"{counts}{NOT_GIVEN}, since the curves have no classes")
    else:
        given = results["recognition_at_labels"]
        low, high = given["ci"]["f1"]
        lines.append(f"{counts}over {recognition['support']} hits whose emotion is scored")
        lines.append(
            f"recognition of all {given['support']} labelled intervals whose emotion is scored: F1 {given['f1']:.4f} "
            f"({low:.4f} .. {high:.4f}), majority emotion {given['majority']['f1']:.4f}"
        )
    if results["inner"]:
        inner = results["inner"]
        lines.append(
            f"inner validation subjects (which may choose settings): STRS {inner['strs']:.4f}, spotting F1 "
            f"{inner['spot_f1']:.4f}, over {inner['evaluations']} scored subjects"
        )
        if lone := inner.get("uncalibrated"):
            lines.append(f"  {lone} of them by the uncalibrated rule: one inner subject cannot calibrate its own score")
    if calibrated := calibration_text(results):
        lines.append(f"selection rule: {calibrated}")
    return "\n".join([*lines, *weaknesses(results)])
