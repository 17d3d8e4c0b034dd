"""`memodule test`: LightningCLI's `test` for one fold."""

from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Run the command."""
    from memodule.training import run_lightning

    run_lightning("test", words)
    return 0
