"""The entry point `memodule`: finds the command, runs it, and turns a user's mistake into one line."""

import argparse
import contextlib
import importlib
import importlib.metadata
import sys
from collections.abc import Sequence
from typing import Final

from memodule import __version__, console
from memodule.commands import OneLineParser
from memodule.errors import UserError

GROUPS: Final[dict[str, dict[str, str]]] = {
    "your own videos": {
        "spot": "find the micro-expressions in a video",
        "sensitivity": "test how large a movement must be to be found in a video",
        "adapt": "adapt a checkpoint to your own recordings, without labels",
    },
    "data sets": {
        "synth": "generate semi-synthetic face videos, or a stand-in for a whole data set",
        "check": "report what is missing or looks wrong in a data set",
        "catalog": "write the Catalog of a data set (two CSV files)",
        "extract": "compute optical-flow features (resumable, in parallel)",
    },
    "studies": {
        "demo": "run a whole study on generated videos: generate, extract, train, score, report",
        "loso": "run every leave-one-subject-out fold and pool the scores",
        "search": "tune settings on inner validation subjects (Ray Tune, Optuna)",
        "ablate": "decode the curves of a finished study again, under a grid of selection rules",
        "report": "write a self-contained HTML page about finished studies",
        "evaluate": "score predicted expressions (CSV) against labelled ones",
        "submit": "write or check submission files for the Micro-Expression Grand Challenge",
        "import-published": "score the authors' own weights and features",
        "import-curves": "make a study of another system's score curves",
    },
    "one fold (LightningCLI)": {
        "fit": "train",
        "validate": "score the validation subjects",
        "test": "score the held-out subject",
        "predict": "decode the held-out subject without scoring",
    },
    "tools": {
        "init": "copy the included configs and experiments for editing",
        "doctor": "report what is installed and which of it is used",
    },
}

COMMANDS: Final = tuple(name for group in GROUPS.values() for name in group)
"""Each command is the module `memodule.commands.<name>`, imported only when it runs."""


def main(args: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        args: The command line without the program's name; None takes `sys.argv`.

    Returns:
        The exit status: 0 for success, 2 for a user's mistake, 130 when interrupted, else the command's own.
    """
    argv = list(sys.argv[1:] if args is None else args)
    console.show_log()
    try:
        if not argv or argv[0] not in COMMANDS:
            _overview().parse_args(argv or ["--help"])
        command = importlib.import_module(f"memodule.commands.{argv[0].replace('-', '_')}")
        return int(command.main(argv[1:]))
    except UserError as error:
        return _mistake(str(error))
    except KeyboardInterrupt:
        print("memodule: interrupted", file=sys.stderr)
        return 130
    except SystemExit as leaving:  # argparse: --help, --version and wrong usage
        return leaving.code if isinstance(leaving.code, int) else 2
    except BrokenPipeError:  # the reader of our output (head, less) has closed it
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.filename is None:  # not about a file of the user's
            raise
        return _mistake(f"{error.filename}: {error.strerror}; check path, permissions and space")
    finally:
        console.set_quiet(False)


def _mistake(message: str) -> int:
    console.remove_bars()
    print(f"memodule: error: {message}", file=sys.stderr)
    return 2


def entry_point() -> None:
    """Run the console script."""
    sys.exit(main())


def _overview() -> argparse.ArgumentParser:
    groups = (
        "\n".join([f"{title}:", *(f"  {name:<17} {summary}" for name, summary in commands.items())])
        for title, commands in GROUPS.items()
    )
    parser = OneLineParser(
        prog="memodule",
        description="Spot and recognise facial micro-expressions in long videos.",
        epilog="\n\n".join([*groups, "`memodule COMMAND --help` explains a command."]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_versions())
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    return parser


def _versions() -> str:
    """Our version and those of the libraries that results depend on, without importing them."""
    parts = []
    for name in ("torch", "lightning", "numpy", "opencv-python"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            parts.append(f"{name} {importlib.metadata.version(name)}")
    python = ".".join(map(str, sys.version_info[:3]))
    return f"memodule {__version__} ({', '.join([f'Python {python}', *parts])})"
