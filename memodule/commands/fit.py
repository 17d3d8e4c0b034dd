"""`memodule fit`: LightningCLI's `fit` for one fold."""

from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Run the command."""
    from memodule.training import run_lightning

    run_lightning("fit", words)
    return 0
