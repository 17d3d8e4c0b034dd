"""`memodule search`: many settings of an experiment, chosen by inner validation subjects."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from memodule import console
from memodule.commands import command_parser, parse, study_options
from memodule.commands.search_outcome import log_search, search_text, write_leaderboard_page
from memodule.commands.values import seed, whole
from memodule.runtime.interrupts import terminable
from memodule.runtime.packaged import packaged_file

_EPILOG = """\
Every trial is one leave-one-subject-out study of one setting. After each fold it reports STRS of inner validation
subjects, pooled so far; after --grace folds, and each time that number has doubled, the worse half is stopped (ASHA).
Held-out subjects choose nothing. A search can be stopped at any time: the same command resumes it, also with more
--trials. Every trial that ran all folds is a finished study; `memodule report` and `memodule ablate` take its folder.

example:
  memodule search --config demo --space space --set data.inner_validation_subjects=2 --trials 20 --workers 2

The space file lists keys with their values; experiments/sweeps/space.yaml shows every form."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns 1 when no trial has finished."""
    arguments = parse(_parser(), argv)
    from memodule.runtime.wandb_environment import choose_mode
    from memodule.studies.search.planning import plan_search
    from memodule.studies.search.running import check_installed, run_search

    check_installed()
    choose_mode(arguments.online)
    search = plan_search(
        arguments.config,
        packaged_file(arguments.space, "experiments/sweeps", "--space"),
        study_options.settings(arguments),
        arguments.folds,
        arguments.seed,
        arguments.runs,
        arguments.name,
        arguments.sampler,
        arguments.grace,
    )
    workers = study_options.workers(arguments, save_checkpoints=False)
    try:
        with terminable():
            board = run_search(search, workers, arguments.trials, write_leaderboard_page)
            log_search(board)
    except KeyboardInterrupt:
        print(
            f"memodule: interrupted; finished folds are kept in {search.folder}; the same command resumes the search",
            file=sys.stderr,
        )
        return 130
    if arguments.json:
        print(json.dumps(board.to_dict(), indent=2))
    else:
        print(search.folder if console.console.quiet else search_text(board))
    return 0 if board.winner else 1


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "search", "Search settings of an experiment by the scores of inner validation subjects.", _EPILOG
    )
    study_options.add_experiment(parser)
    parser.add_argument("--space", type=Path, required=True, metavar="YAML", help="keys to choose, with their values")
    parser.add_argument(
        "--trials", type=whole(1), default=50, metavar="N", help="number of settings to try (default: 50)"
    )
    parser.add_argument(
        "--sampler",
        choices=("tpe", "random"),
        default="tpe",
        help="tpe learns from finished trials what to try next; random does not (default: tpe)",
    )
    parser.add_argument(
        "--grace",
        type=whole(1),
        metavar="N",
        help="folds of a trial before it may be stopped; with all of them none is (default: a quarter, at least 2)",
    )
    study_options.add_folds(parser)
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of training and proposals (default: 0)")
    study_options.add_workers(parser, "trials", "each runs its folds one after the other in its own process")
    study_options.add_place(parser, "search", "search- and the config file's")
    study_options.add_online(parser)
    parser.add_argument("--json", action="store_true", help="print JSON (the leaderboard) and nothing else")
    return parser
