"""LightningCLI's own commands for one fold: `fit`, `validate`, `test` and `predict`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from memodule import console
from memodule.errors import UserError
from memodule.networks.weight_files import read_plain
from memodule.runtime.class_paths import imported_class
from memodule.runtime.environment import environment
from memodule.runtime.own_parts import remember
from memodule.runtime.wandb_environment import SILENT, default_to_offline
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
    _require_readable_checkpoint(argv)
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


def _require_readable_checkpoint(argv: Sequence[str]) -> None:
    """Refuse a missing or damaged file before anything is set up; Lightning would end in a traceback."""
    for option, path in options(argv):
        if option != "--ckpt_path":
            continue
        if not path:
            raise UserError("--ckpt_path: no file is named; pass the model.ckpt of a fold, or leave the option out")
        if path not in ("null", "best", "last", "hpc", "registry"):
            _require_known_network(path, read_plain(Path(path), "a checkpoint that `memodule fit` or `loso` wrote"))


def _require_known_network(path: str, saved: Any) -> None:
    """Refuse a class that is not imported: Lightning would import whatever module the checkpoint names."""
    options = saved.get("hyper_parameters") if isinstance(saved, dict) else None
    network = options.get("network") if isinstance(options, dict) else None
    if isinstance(network, dict):
        remember(saved.get("parts", ()))
        imported_class(str(network.get("class_path")), nn.Module, path)
