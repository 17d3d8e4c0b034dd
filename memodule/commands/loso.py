"""`memodule loso`: run every leave-one-subject-out fold of an experiment and pool the scores."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from memodule import console
from memodule.commands import command_parser, parse, study_options
from memodule.commands.study_outcome import JSON_KEYS, log_outcome, print_outcome
from memodule.commands.values import seeds
from memodule.errors import UserError
from memodule.runtime.interrupts import terminable

if TYPE_CHECKING:
    from memodule.studies.plan import Plan


def main(argv: Sequence[str]) -> int:
    """Run the command; returns 1 if a fold failed, 130 if it was interrupted."""
    arguments = parse(_parser(), argv)
    from memodule.runtime.private_interfaces import speaks_for_everyone
    from memodule.runtime.wandb_environment import choose_mode, leave_sweep
    from memodule.studies.loso import run_study

    if not speaks_for_everyone():  # several processes share each fold, and one of them reports
        console.set_quiet(True)
    sweep = leave_sweep()
    choose_mode(arguments.online)
    plan = _plan(arguments)
    workers = study_options.workers(arguments, save_checkpoints=not arguments.no_checkpoints)
    try:
        with terminable():
            outcome = run_study(plan, workers, bool(sweep))
            log_outcome(outcome, sweep)
    except KeyboardInterrupt:
        if speaks_for_everyone():
            print(_interrupted(plan), file=sys.stderr)
        return 130
    if speaks_for_everyone():
        print_outcome(outcome, arguments.json)
    return 1 if outcome.failed else 0


def _plan(arguments: argparse.Namespace) -> "Plan":
    """The study of an experiment; with --curves alone, that of the config that made the curves."""
    changes, place = study_options.settings(arguments), (arguments.runs, arguments.name)
    if arguments.config:
        from memodule.studies.plan import plan_study

        return plan_study(arguments.config, changes, arguments.folds, arguments.seeds or (0,), *place, arguments.curves)
    if arguments.curves is None:
        raise UserError("loso: --config is missing; name an experiment, or --curves RUN_DIR to use that study's own")
    from memodule.studies.decoding_plan import plan_decoding
    from memodule.studies.study import Study

    return plan_decoding(Study.open(arguments.curves), changes, arguments.folds, arguments.seeds, *place)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "loso",
        "Run every leave-one-subject-out fold of an experiment and pool the scores.",
        epilog="Finished folds are kept: the same command resumes a study where it stopped. Changed settings or data "
        "get another folder.\n\nexamples:\n  memodule loso --config demo --workers 2 "
        "--set trainer.max_epochs=10\n  memodule loso --curves runs/demo-1f2e3d4c --set intervals=fixed_window\n\n"
        f"{JSON_KEYS}",
    )
    study_options.add_experiment(parser, required=False)
    study_options.add_folds(parser)
    parser.add_argument("--seeds", type=seeds, metavar="0,1,2", help="run every fold once per seed (default: 0)")
    study_options.add_workers(parser, "folds", "1 runs in this process, more as Ray tasks")
    parser.add_argument(
        "--curves",
        type=Path,
        metavar="RUN_DIR",
        help="train nothing: decode the curves of this finished study with another selection rule or scoring; without "
        "--config, its own config counts, in which --set replaces intervals and protocol",
    )
    study_options.add_place(parser, "study")
    study_options.add_online(parser)
    parser.add_argument("--no-checkpoints", action="store_true", help="do not keep the trained weights")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser


def _interrupted(plan: "Plan") -> str:
    jobs = plan.jobs
    return (
        f"memodule: interrupted; {sum(job.finished for job in jobs)} of {len(jobs)} folds are finished and kept in "
        f"{plan.folder}; the same command runs the rest"
    )
