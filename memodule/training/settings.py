"""Settings of a study as plain values: resolved from config files, and turned into the trainer and data of one fold."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from lightning.pytorch import Trainer
from typing_extensions import override

from memodule.module import SpotRecognizeModule
from memodule.runtime.tidying import tidied
from memodule.training.fold_cli import FoldCLI, quiet_lightning


class _ParsingCLI(FoldCLI):
    """Reads a config and builds nothing."""

    @override
    def instantiate_classes(self) -> None:
        pass


class _TrialCLI(FoldCLI):
    """Builds everything but the trainer, which asks the machine about devices, ranks and schedulers."""

    @override
    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        return cast(Trainer, None)


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
        config: What `parse_config` returned.
        out: Where the callback writes curves and intervals.
        **trainer: Trainer options that replace those of the config.
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


def try_out(config: Mapping[str, Any], subject: str) -> SpotRecognizeModule:
    """Build the (untrained) module, data, rule and protocol of a fold once, to find mistakes before a study starts.

    The trainer is left out: its options may be meant for other machines than the one on which a study is planned.

    Args:
        config: What `parse_config` returned.
        subject: Any subject to hold out.

    Raises:
        UserError: If a setting has an impossible value.
    """
    sections = copy.deepcopy({name: config[name] for name in ("model", "data", "intervals", "protocol")})
    sections["data"]["fold"] = subject
    with quiet_lightning(), tidied():
        module: SpotRecognizeModule = _TrialCLI(sections, run=False).model
    return module
