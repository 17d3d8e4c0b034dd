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

COMMANDS: Final[dict[str, str]] = {
    "demo": "all of it on generated videos: make, extract, train, score, report",
    "synth": "make semi-synthetic face videos, or a stand-in for a whole data set",
    "check": "say in words what is wrong with a data set",
    "catalog": "write the Catalog of a data set (two CSV files)",
    "extract": "compute optical-flow features (resumable, in parallel)",
    "fit": "train one fold (LightningCLI)",
    "validate": "validate one fold (LightningCLI)",
    "test": "test one fold (LightningCLI)",
    "predict": "predict one fold (LightningCLI)",
    "loso": "run every leave-one-subject-out fold and pool the scores",
    "search": "search settings by inner validation subjects (Ray Tune, Optuna)",
    "import-published": "score the authors' own weights and features",
    "evaluate": "score predicted expressions (CSV) against labelled ones",
    "ablate": "decode a finished study's curves under a grid of rules and parameters",
    "report": "write one self-contained HTML page about finished studies",
    "spot": "find the micro-expressions of videos of your own",
    "submit": "write or check submission files of the Micro-Expression Grand Challenge",
    "init": "copy the included configs and experiments for editing",
    "doctor": "say what is installed here and what is in use",
}
"""Every command is the module `memodule.commands.<name>`, imported only when it is asked for."""


def main(args: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        args: The words of the command line without the program's name; `None` takes them from `sys.argv`.

    Returns:
        The exit status: 0 for success, 2 for a user's mistake, 130 when interrupted, else what the command says.
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
    except BrokenPipeError:  # the reader of our output (head, less) has seen enough
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.filename is None:  # none of the user's files
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
    rows = "\n".join(f"  {name:<17} {summary}" for name, summary in COMMANDS.items())
    parser = OneLineParser(
        prog="memodule",
        description="Spot and recognise facial micro-expressions in long videos.",
        epilog=f"commands:\n{rows}\n\n`memodule COMMAND --help` explains a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_versions())
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="what to do")
    return parser


def _versions() -> str:
    """Our version and those that results depend on; nothing is imported for it."""
    parts = []
    for name in ("torch", "lightning", "numpy", "opencv-python"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            parts.append(f"{name} {importlib.metadata.version(name)}")
    python = ".".join(map(str, sys.version_info[:3]))
    return f"memodule {__version__} ({', '.join([f'Python {python}', *parts])})"
