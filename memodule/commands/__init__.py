"""One thin module per command: `main(argv)` parses its own argv, calls the package, and returns the exit status."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from memodule import console
from memodule.errors import UserError


class OneLineParser(argparse.ArgumentParser):
    """Tells wrong usage in one line, as all other mistakes are told."""

    def error(self, message: str) -> NoReturn:
        """Raise what the command line prints."""
        raise UserError(f"{self.prog.removeprefix('memodule ')}: {message}; see `{self.prog} --help`")


def command_parser(name: str, description: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """A parser in the style that all commands share, with `--quiet`."""
    parser = OneLineParser(
        prog=f"memodule {name}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bars and notes")
    return parser


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words of one command and obey `--quiet`."""
    arguments = parser.parse_args(argv)
    console.set_quiet(arguments.quiet)
    return arguments
