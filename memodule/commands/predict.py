"""`memodule predict`: LightningCLI's `predict` for one fold."""

from collections.abc import Sequence

from memodule.commands import parse_shared


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    shared, rest = parse_shared("predict", argv)
    from memodule.training.command_line import run_lightning

    run_lightning("predict", rest, shared.quiet)
    return 0
