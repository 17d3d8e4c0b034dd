"""Settings of a study as plain values: resolved from config files, and turned into the trainer and data of one fold."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from typing_extensions import override

from memodule.training.fold_cli import FoldCLI, quiet_lightning


class _ParsingCLI(FoldCLI):
    """Reads a config and builds nothing."""

    @override
    def instantiate_classes(self) -> None:
        pass


def parse_config(configs: Sequence[Path], overrides: Mapping[str, str]) -> dict[str, Any]:
    """Resolve config files to plain values, all defaults filled in.

    Args:
        configs: Config files; a later one replaces what it names.
        overrides: Keys and values on top, as on the command line: {"trainer.max_epochs": "5"}.

    Returns:
        The sections `seed_everything`, `trainer`, `model`, `data`, `intervals`, `protocol`, `interval_selection`. What
        is linked (`data.videos`, `data.seed`) is left out, and `data.fold` is empty.

    Raises:
        UserError: If a file cannot be read, or a setting does not exist or has an impossible value.
    """
    arguments = [argument for config in configs for argument in ("--config", str(config))]
    arguments += ["--data.fold=", *(f"--{key}={value}" for key, value in overrides.items())]
    with quiet_lightning():
        cli = _ParsingCLI(arguments, run=False)
    resolved: dict[str, Any] = yaml.safe_load(cli.parser.dump(cli.config, skip_unset=False))
    return resolved


def build_fold(config: Mapping[str, Any], subject: str, seed: int, out: str | None = None, **trainer: Any) -> FoldCLI:
    """Build trainer, module and data of one fold; nothing runs yet.

    Args:
        config: What `parse_config` gave.
        out: Where the callback writes curves and intervals.
        **trainer: Trainer options that replace those of the config.

    Raises:
        UserError: If a setting has an impossible value.
    """
    config = copy.deepcopy(dict(config))  # the parser changes what it is given, and the next fold needs it unchanged
    changed = {
        **config,
        "seed_everything": seed,
        "data": {**config["data"], "fold": subject},
        "trainer": {**config["trainer"], **trainer},
        "interval_selection": {"out": out},
    }
    return FoldCLI(changed, run=False)
