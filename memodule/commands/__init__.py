"""One thin module per command: `main(argv)` parses its arguments, calls the package and returns the exit status."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from memodule import console
from memodule.errors import UserError
from memodule.runtime.own_parts import import_part


class OneLineParser(argparse.ArgumentParser):
    """Reports wrong usage in one line, like every other mistake."""

    def error(self, message: str) -> NoReturn:
        """Raise the error that the command line prints."""
        raise UserError(f"{self.prog.removeprefix('memodule ')}: {message}; see `{self.prog} --help`")


def command_parser(name: str, description: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """A parser with the style and options that all commands share."""
    parser = OneLineParser(
        prog=f"memodule {name}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_shared(parser)
    return parser


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments of one command, and obey `--quiet` and `--import`."""
    return _obeyed(parser.parse_args(argv))


def lightning_command(subcommand: str, argv: Sequence[str]) -> int:
    """Run LightningCLI's `fit`, `validate`, `test` or `predict`; it parses all arguments but the shared ones."""
    parser = OneLineParser(prog=f"memodule {subcommand}", allow_abbrev=False, add_help=False)
    _add_shared(parser)
    shared, rest = parser.parse_known_args(argv)
    _obeyed(shared)
    from memodule.training.command_line import run_lightning

    run_lightning(subcommand, rest, shared.quiet)
    return 0


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bars and notes")
    parser.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="FILE|MODULE",
        help="import your own networks, rules or metrics from this Python file or module (repeatable)",
    )


def _obeyed(arguments: argparse.Namespace) -> argparse.Namespace:
    console.set_quiet(arguments.quiet)
    for part in arguments.imports:
        import_part(part)
    return arguments
