"""Options that the commands about studies share: which experiment, which folds, where they run."""

import argparse
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Final

from memodule.commands.values import cluster, folder_name, share, subjects, whole
from memodule.runtime.workers import processors

if TYPE_CHECKING:
    from memodule.studies.work import Workers

_EXPERIMENT: Final = "experiment: a YAML file, or the name of an included one, such as demo"


def add_experiment(parser: argparse.ArgumentParser, what: str = _EXPERIMENT, required: bool = True) -> None:
    """Add `--config` and `--set`."""
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        required=required,
        metavar="YAML|NAME",
        help=f"{what}; a further one replaces what it names",
    )
    add_settings(parser)


def add_settings(parser: argparse.ArgumentParser, what: str = "replace settings") -> None:
    """Add `--set`; `settings` reads it."""
    parser.add_argument(
        "--set",
        type=_setting,
        action="append",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help=f"{what}, such as model.learning_rate=1e-3 (repeatable)",
    )


def settings(arguments: argparse.Namespace) -> dict[str, str]:
    """The settings of all `--set` options, as written: {"trainer.max_epochs": "5"}; the last value of a key counts."""
    return dict(itertools.chain(*arguments.set))


def add_folds(parser: argparse.ArgumentParser) -> None:
    """Add `--folds`."""
    parser.add_argument("--folds", type=subjects, metavar="006,007|all", help="subjects to hold out (default: all)")


def add_workers(parser: argparse.ArgumentParser, what: str, one: str) -> None:
    """Add `--workers`, `--gpus-per-fold`, `--address` and `--threads`.

    The help text says `what` runs in parallel, and what `--workers 1` means (`one`).
    """
    parser.add_argument(
        "--workers",
        type=worker_count,
        metavar="N|auto",
        help=f"{what} in parallel: {one}, auto all that fit (default: 1; auto with --address or --gpus-per-fold)",
    )
    parser.add_argument(
        "--gpus-per-fold",
        type=share,
        default=0.0,
        metavar="SHARE",
        help="share of a GPU per fold; .25 lets four folds share one (default: 0, which uses no GPU on Ray workers)",
    )
    parser.add_argument("--address", type=cluster, metavar="auto|HOST:PORT", help="run on this existing Ray cluster")
    parser.add_argument("--threads", type=whole(1), default=1, metavar="N", help="CPU threads per fold (default: 1)")


def workers(arguments: argparse.Namespace, save_checkpoints: bool) -> "Workers":
    """Where folds run: by default one at a time, but as many as fit with --address or --gpus-per-fold."""
    from memodule.studies.work import Workers

    wanted = arguments.workers or ("auto" if arguments.address is not None or arguments.gpus_per_fold else 1)
    count = None if wanted == "auto" else int(wanted)
    return Workers(count, arguments.gpus_per_fold, arguments.address, arguments.threads, save_checkpoints)


def worker_count(text: str) -> int | str:
    """What `--workers` accepts: a number of at least 1, or "auto"."""
    if text == "auto":
        return text
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number of at least 1, or auto")
    return count


def process_count(text: str) -> int:
    """The same for processes on this machine alone, where "auto" means one per processor."""
    count = worker_count(text)
    return processors() if isinstance(count, str) else count


def add_place(parser: argparse.ArgumentParser, what: str, name: str = "the config file's") -> None:
    """Add `--runs` and `--name`; `what` gets the name, by default `name`."""
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of all studies")
    parser.add_argument("--name", type=folder_name, help=f"name of the {what} (default: {name})")


def add_online(parser: argparse.ArgumentParser) -> None:
    """Add `--online`."""
    parser.add_argument("--online", action="store_true", help="send runs to Weights & Biases (needs `wandb login`)")


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r}: write KEY=VALUE, such as trainer.max_epochs=10")
    return key, value
