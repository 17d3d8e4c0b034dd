"""LightningCLI's own commands for one fold: `fit`, `validate`, `test` and `predict`."""

from collections.abc import Sequence

from memodule import console
from memodule.runtime.environment import environment
from memodule.runtime.wandb_environment import SILENT, default_to_offline
from memodule.training.checkpoints import require_known_network
from memodule.training.config_files import options
from memodule.training.fold_cli import FoldCLI, quiet_lightning


def run_lightning(subcommand: str, argv: Sequence[str], quiet: bool = False) -> None:
    """Run one of LightningCLI's commands.

    Args:
        argv: Its arguments, without those that all our commands share.
        quiet: Whether to hide progress bars and notes, W&B's included.

    Raises:
        UserError: If a setting, the fold, its features or the checkpoint cannot be used.
    """
    default_to_offline()
    for option, path in options(argv):
        if option == "--ckpt_path":  # before anything is set up; FoldCLI checks those of config files too
            require_known_network(path)
    if not quiet:
        # an advertisement of Lightning's own platform, and what PyTorch says to Lightning about its code
        with console.hidden_lines(
            "lightning.pytorch.utilities.rank_zero", "\N{ELECTRIC LIGHT BULB} Tip:", ".*LeafSpec.*deprecated"
        ):
            FoldCLI([subcommand, *argv], run=True)
        return
    silent = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
    with quiet_lightning(), environment(SILENT):
        FoldCLI([subcommand, *argv, *silent], run=True)
