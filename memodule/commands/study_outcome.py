"""How commands that score a study tell what came out: in argv, as the study's folder, or as JSON."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from memodule import console

if TYPE_CHECKING:
    from memodule.studies.loso import Outcome

JSON_KEYS: Final = """\
JSON: folder, complete, failed (for each failed fold its error), wandb_sync (null, or the command that sends offline
runs), results (what results.json holds, or null where no fold is finished)."""
"""What `--help` says of `--json`."""


def log_outcome(outcome: "Outcome", sweep: Mapping[str, str] | None = None) -> None:
    """Send scores, tables and the report's figures to the study's summary run, where it logs to Weights & Biases.

    Args:
        outcome: How the study ended.
        sweep: What `leave_sweep` returned; a study with failed folds is not a trial.
    """
    from memodule.studies.summary import log_summary
    from memodule.studies.tracking import uses_wandb

    study, results = outcome.study, outcome.results
    if results is not None and uses_wandb(study.config):
        from memodule.report.figures import study_figures

        log_summary(study, results, study_figures(study, results), None if outcome.failed else sweep)


def print_outcome(outcome: "Outcome", as_json: bool) -> None:
    """Print the scores; under `--quiet` the folder alone. What failed goes to standard error where it has no place.

    Args:
        outcome: How the study ended.
        as_json: Print one JSON document and nothing else.
    """
    if as_json:
        print(json.dumps(outcome_values(outcome), indent=2, allow_nan=False))
    else:
        print(outcome.study.folder if console.console.quiet else outcome.text())
    if outcome.failed and (as_json or console.console.quiet):
        print(outcome.failures(), file=sys.stderr)


def outcome_values(outcome: "Outcome") -> dict[str, Any]:
    """The same as plain values.

    Args:
        outcome: How the study ended.

    Returns:
        The keys that `JSON_KEYS` names.
    """
    from memodule.studies.tracking import how_to_send

    return {
        "folder": str(outcome.study.folder),
        "complete": outcome.results is not None and outcome.results["complete"],
        "failed": outcome.failed,
        "wandb_sync": how_to_send(outcome.study),
        "results": outcome.results,
    }
