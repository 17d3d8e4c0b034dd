"""`memodule loso`: run every leave-one-subject-out fold of an experiment and pool the scores."""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

from memodule import console
from memodule.commands import command_parser, parse


def main(words: Sequence[str]) -> int:
    """Run the command; returns 1 when a fold failed."""
    arguments = parse(_parser(), words)
    from memodule.studies.execution import Workers
    from memodule.studies.loso import run_study
    from memodule.studies.plan import plan_study
    from memodule.studies.tracking import choose_mode, leave_sweep
    from memodule.training import is_main_process

    sweep = leave_sweep()
    choose_mode(arguments.online)
    plan = plan_study(
        arguments.config,
        dict(itertools.chain(*arguments.set)),
        arguments.folds,
        arguments.seeds,
        arguments.runs,
        arguments.name,
        arguments.curves,
    )
    workers = Workers(
        arguments.workers,
        arguments.gpus_per_fold,
        arguments.address,
        arguments.threads,
        not arguments.no_checkpoints,
    )
    outcome = run_study(plan, workers, sweep)
    if is_main_process():
        print(outcome.study.folder if console.console.quiet else outcome.text())
    return 1 if outcome.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "loso",
        "Run every leave-one-subject-out fold of an experiment and pool the scores.",
        epilog="Finished folds are kept: the same command continues a study that was stopped. A changed setting or "
        "changed data get another folder.\n\nexample:\n  memodule loso --config experiments/demo.yaml --workers 2 "
        "--set trainer.max_epochs=10",
    )
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        required=True,
        metavar="YAML",
        help="experiment file; a further one replaces what it names",
    )
    parser.add_argument(
        "--set",
        type=setting,
        action="append",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="replace settings, such as model.learning_rate=1e-3 (repeatable)",
    )
    parser.add_argument("--folds", type=_subjects, metavar="006,007|all", help="subjects to hold out (default: all)")
    parser.add_argument(
        "--seeds", type=_seeds, default=(0,), metavar="0,1,2", help="run every fold once per seed (default: 0)"
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        default=1,
        metavar="N|auto",
        help="folds at a time: 1 runs in this process, more as Ray tasks, auto = all processors (default: 1)",
    )
    parser.add_argument(
        "--gpus-per-fold",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of a GPU per fold; .25 lets four folds share one (default: 0, which uses no GPU on Ray workers)",
    )
    parser.add_argument("--address", metavar="auto|HOST:PORT", help="run on this existing Ray cluster")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads per fold (default: 1)")
    parser.add_argument(
        "--curves",
        type=Path,
        metavar="RUN_DIR",
        help="train nothing: decode the curves of this finished study again, under other intervals or scoring",
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of all studies")
    parser.add_argument("--name", help="name of the study (default: the config file's)")
    parser.add_argument("--online", action="store_true", help="send runs to Weights & Biases (needs `wandb login`)")
    parser.add_argument("--no-checkpoints", action="store_true", help="do not keep the trained weights")
    return parser


def setting(text: str) -> tuple[str, str]:
    """Read one KEY=VALUE of `--set`."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r}: write KEY=VALUE, such as trainer.max_epochs=10")
    return key, value


def _subjects(text: str) -> tuple[str, ...] | None:
    return None if text == "all" else tuple(part.strip() for part in text.split(",") if part.strip())


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: write whole numbers, such as 0,1,2") from None


def _workers(text: str) -> int | None:
    if text == "auto":
        return None
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number of at least 1, or auto")
    return count
