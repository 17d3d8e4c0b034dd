"""Every use of what Lightning, Ray and Optuna do not promise to keep. Look here first when an update breaks something.

Tried with Lightning 2.6.6, Ray 2.60.0, Optuna 5.0.0. Imports are local, so that nothing is loaded needlessly.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
    from lightning.pytorch.loggers import WandbLogger
    from optuna.trial import FrozenTrial


def forget_anonymous(logger: "WandbLogger") -> None:
    """Drop an argument that Lightning 2.6 always passes to W&B, and of which W&B 0.31 warns in every process."""
    logger._wandb_init.pop("anonymous", None)


def speak_for_everyone() -> None:
    """Let Lightning write and log in this process, whatever rank it read from a scheduler's variables."""
    from lightning.pytorch.utilities import rank_zero_only

    rank_zero_only.rank = 0  # type: ignore[attr-defined]


def speaks_for_everyone() -> bool:
    """Whether this process is the one of several in which Lightning writes and logs."""
    from lightning.pytorch.utilities import rank_zero_only

    return getattr(rank_zero_only, "rank", 0) == 0


def parser_of(cli: "LightningCLI", subcommand: str | None) -> "LightningArgumentParser":
    """The parser that knows all settings: of a subcommand, or the only one of a command line without subcommands."""
    return cli._parser(subcommand if subcommand in getattr(cli, "_subcommand_parsers", {}) else None)


def ray_address() -> str | None:
    """What the address "auto" means to Ray: RAY_ADDRESS, or the last cluster of this machine, which may be gone.

    Raises:
        ConnectionError: If Ray knows of no cluster.
    """
    from ray._private.services import canonicalize_bootstrap_address

    return canonicalize_bootstrap_address("auto")


def queued_parameters(trial: "FrozenTrial") -> dict[str, Any]:
    """The parameters that `study.enqueue_trial` set for a trial that still waits."""
    parameters: dict[str, Any] = trial.system_attrs["fixed_params"]
    return parameters
