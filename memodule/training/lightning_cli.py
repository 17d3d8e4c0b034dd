"""Config files -> trainer, module and data of one fold, through LightningCLI.

The sections of a config are model, data, trainer (Lightning's own) and intervals, protocol (ours). `fit`, `validate`,
`test` and `predict` run one fold; the studies build every fold from the same config with `build_fold`.
"""

import contextlib
import copy
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import yaml
from jsonargparse import ArgumentError
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.utilities import rank_zero_only

from memodule import console
from memodule.callbacks import History, IntervalSelection, LeakageGuard
from memodule.data import LosoDataModule
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.module import SpotRecognizeModule
from memodule.networks.weight_files import read_plain
from memodule.runtime.environment import environment
from memodule.runtime.packaged import with_packaged_files
from memodule.runtime.tidying import tidied

LARGEST_SEED: Final = 2**32 - 1
"""What NumPy takes."""


class LogConfig(SaveConfigCallback):
    """Sends the resolved config to the logger.

    Lightning's own callback writes it to the log folder and refuses a folder that already has one, which ends the
    second run of every W&B project.
    """

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Log the whole config as hyper-parameters."""
        if trainer.logger is not None:
            trainer.logger.log_hyperparams({"config": self.config.as_dict()})


class FoldCLI(LightningCLI):
    """LightningCLI with interval selection, protocol, leakage guard and training curves.

    Args:
        args: Words of a command line, or a config as a mapping.
        run: Whether `args` begins with a subcommand to run.

    Attributes:
        history: The callback that keeps the training curves.

    Raises:
        UserError: If a setting does not exist or has an impossible value.
    """

    def __init__(self, args: list[str] | dict[str, Any], run: bool = True) -> None:
        self.history = History()
        # Errors of the parser come as exceptions, so that they can be told in one line, without 80 lines of usage.
        parsing: dict[str, Any] = {"prog": "memodule", "exit_on_error": False}
        quiet = "-q, --quiet leaves out progress bars and notes."
        parsing |= {name: {"exit_on_error": False, "epilog": quiet} for name in self.subcommands()} if run else {}
        super().__init__(
            SpotRecognizeModule,
            LosoDataModule,
            args=args,
            run=run,
            seed_everything_default=0,
            auto_configure_optimizers=False,
            save_config_callback=LogConfig,
            save_config_kwargs={"save_to_log_dir": False},
            trainer_defaults={"num_sanity_val_steps": 0, "callbacks": [self.history]},
            parser_kwargs=parsing,
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, and tell a mistake in one line.

        Args:
            parser: Lightning's parser with our sections.
            args: Words or a mapping.

        Raises:
            UserError: If something cannot be parsed.
        """
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="LightningCLI's args parameter is intended")
                super().parse_arguments(parser, with_packaged_files(args) if isinstance(args, list) else args)
        except ArgumentError as error:
            raise UserError(f"config: {' '.join(str(error).split())}") from None
        except UnicodeDecodeError as error:
            raise UserError(f"config: a file is no UTF-8 text ({error}); give YAML files") from None
        except AttributeError as error:  # jsonargparse 4.53 on a class that does not exist
            raise UserError(f"config: {error}; check the class names after class_path") from None
        seed = self.config.get(str(self.config.get("subcommand")), self.config).get("seed_everything")
        if isinstance(seed, int) and not isinstance(seed, bool) and not 0 <= seed <= LARGEST_SEED:
            raise UserError(f"seed_everything: {seed}; give a whole number from 0 to {LARGEST_SEED}")

    def instantiate_classes(self) -> None:
        """Build everything, and tell in one line what cannot be built.

        Raises:
            UserError: If a section of the config is empty, of another kind, or has an impossible value.
        """
        try:
            super().instantiate_classes()
        except (ArgumentError, TypeError, ValueError) as error:
            ours = _mistake_behind(error)
            if ours is not None:
                raise ours from None
            if not isinstance(error, ArgumentError) and not str(error).startswith("Parser key"):
                raise
            raise UserError(f"config: {' '.join(str(error).split())}") from None

    def _load_data(self) -> None:
        """Load fold and features before the logger starts a run: most mistakes are about them."""
        self.datamodule.setup(str(self.subcommand))

    before_fit = before_validate = before_test = before_predict = _load_data

    @property
    def interval_selection(self) -> IntervalSelection:
        """The callback that decodes and scores."""
        config = self.config_init if self.subcommand is None else self.config_init[self.subcommand]
        found: IntervalSelection = config["interval_selection"]
        return found

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add `intervals`, `protocol`, and what connects them with the rest."""
        parser.add_subclass_arguments(SelectionRule, "intervals", help="how score curves become intervals")
        parser.add_class_arguments(Protocol, "protocol", help="every rule that moves a score")
        parser.add_lightning_class_args(IntervalSelection, "interval_selection")
        parser.add_lightning_class_args(LeakageGuard, "leakage_guard")
        parser.link_arguments("intervals", "interval_selection.rule", apply_on="instantiate")
        parser.link_arguments("protocol", "interval_selection.protocol", apply_on="instantiate")
        parser.link_arguments("protocol.videos", "data.videos")
        parser.link_arguments("seed_everything", "data.seed")


def _mistake_behind(error: BaseException) -> UserError | None:
    """What one of our classes said before the parser wrapped it into all that it had tried."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, UserError):
        cause = cause.__cause__ or cause.__context__
    return cause


def quiet_lightning() -> contextlib.AbstractContextManager[None]:
    """Keep Lightning's notes about hardware and data loaders off the terminal; a study has its own progress bar."""
    return console.hushed(("lightning.pytorch", "lightning.fabric"), logging.WARNING, "lightning")


class _ParsingCLI(FoldCLI):
    """Reads a config and builds nothing."""

    def instantiate_classes(self) -> None:
        """Leave everything unbuilt."""


def parse_config(configs: Sequence[Path], overrides: Mapping[str, str]) -> dict[str, Any]:
    """Resolve config files to plain values, all defaults filled in.

    Args:
        configs: Config files; a later one replaces what it names.
        overrides: Keys and values on top, as on the command line: {"trainer.max_epochs": "5"}.

    Returns:
        The sections `seed_everything`, `trainer`, `model`, `data`, `intervals`, `protocol`, `interval_selection`. What
        is linked (`data.videos`, `data.seed`) is left out, and `data.fold` is empty.

    Raises:
        UserError: If a file cannot be read, or a setting does not exist.
    """
    words = [word for config in configs for word in ("--config", str(config))]
    words += ["--data.fold=", *(f"--{key}={value}" for key, value in overrides.items())]
    with quiet_lightning():
        cli = _ParsingCLI(words, run=False)
    resolved: dict[str, Any] = yaml.safe_load(cli.parser.dump(cli.config, skip_unset=False))
    return resolved


def build_fold(config: Mapping[str, Any], subject: str, seed: int, out: str | None = None, **trainer: Any) -> FoldCLI:
    """Build trainer, module and data of one fold.

    Args:
        config: What `parse_config` gave.
        subject: Subject to hold out.
        seed: Seed of everything random.
        out: Where the callback writes curves and intervals.
        **trainer: Trainer options that replace those of the config.

    Returns:
        The parsed and built fold; nothing has run yet.

    Raises:
        UserError: If a setting has an impossible value.
    """
    config = copy.deepcopy(dict(config))  # the parser changes what it is given, and the next fold needs it as it was
    changed = {
        **config,
        "seed_everything": seed,
        "data": {**config["data"], "fold": subject},
        "trainer": {**config["trainer"], **trainer},
        "interval_selection": {"out": out},
    }
    return FoldCLI(changed, run=False)


class _TrialCLI(FoldCLI):
    """Builds everything but the trainer, which asks the machine about devices, ranks and schedulers."""

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build none; nobody runs a trial."""
        return cast(Trainer, None)


def try_out(config: Mapping[str, Any], subject: str) -> SpotRecognizeModule:
    """Build module, data, rule and protocol of a fold once, so that a mistake among them ends no fold later.

    The trainer is left out: its options may speak of other machines than the one on which a study is planned.

    Args:
        config: What `parse_config` gave.
        subject: Any subject to hold out.

    Returns:
        The untrained module.

    Raises:
        UserError: If a setting has an impossible value.
    """
    sections = copy.deepcopy({name: config[name] for name in ("model", "data", "intervals", "protocol")})
    sections["data"]["fold"] = subject
    with quiet_lightning(), tidied():
        module: SpotRecognizeModule = _TrialCLI(sections, run=False).model
    return module


def is_main_process() -> bool:
    """Whether this process speaks for all that share one fold; false only under trainer.devices > 1."""
    return getattr(rank_zero_only, "rank", 0) == 0


def run_lightning(subcommand: str, words: Sequence[str]) -> None:
    """Run LightningCLI's `fit`, `validate`, `test` or `predict` for one fold.

    Args:
        subcommand: Which of them.
        words: Its command line. `-q` or `--quiet` leaves out progress and notes, W&B's included.

    Raises:
        UserError: If a setting, the fold, its features or the checkpoint cannot be used.
    """
    os.environ.setdefault("WANDB_MODE", "offline")
    kept = [word for word in words if word not in ("-q", "--quiet")]
    _require_readable_checkpoint(kept)
    if len(kept) == len(words):
        # an advertisement of Lightning's own platform, and what PyTorch says to Lightning about its code
        with console.spared(
            "lightning.pytorch.utilities.rank_zero", "\N{ELECTRIC LIGHT BULB} Tip:", ".*LeafSpec.*deprecated"
        ):
            FoldCLI([subcommand, *kept], run=True)
        return
    console.set_quiet(True)
    silent = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
    with quiet_lightning(), environment({"WANDB_SILENT": "true"}):
        FoldCLI([subcommand, *kept, *silent], run=True)


def _require_readable_checkpoint(words: Sequence[str]) -> None:
    """Refuse a missing or damaged file before anything is set up; Lightning would end in a traceback."""
    for position, word in enumerate(words):
        option, equals, given = word.partition("=")
        path = given if equals else "".join(words[position + 1 : position + 2])
        if option != "--ckpt_path":
            continue
        if not path:
            raise UserError("--ckpt_path: no file is named; give the model.ckpt of a fold, or leave the option out")
        if path not in ("null", "best", "last", "hpc", "registry"):
            read_plain(Path(path), "a checkpoint that `memodule fit` or `loso` wrote")
