"""`memodule validate`: LightningCLI's `validate` for one fold."""

from collections.abc import Sequence

from memodule.commands import parse_shared


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    shared, rest = parse_shared("validate", argv)
    from memodule.training.command_line import run_lightning

    run_lightning("validate", rest, shared.quiet)
    return 0
