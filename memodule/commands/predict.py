"""`memodule predict`: LightningCLI's `predict` for one fold."""

from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Run the command."""
    from memodule.training import run_lightning

    run_lightning("predict", words)
    return 0
