"""`memodule predict`: LightningCLI's `predict` for one fold."""

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    from memodule.training.lightning_cli import run_lightning

    run_lightning("predict", argv)
    return 0
