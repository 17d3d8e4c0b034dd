"""`memodule validate`: LightningCLI's `validate` for one fold."""

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    from memodule.training.lightning_cli import run_lightning

    run_lightning("validate", argv)
    return 0
