"""One fold as LightningCLI builds it: trainer, module and data from the sections of a config.

The sections are model, data, trainer (Lightning's own) and intervals, protocol (ours).
"""

import contextlib
import logging
import warnings
from typing import Any, Final

from jsonargparse import ArgumentError
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from typing_extensions import override

from memodule import console
from memodule.callbacks import History, IntervalSelection, LeakageGuard, OptimisationLog
from memodule.data import LosoDataModule
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.module import SpotRecognizeModule
from memodule.runtime.own_parts import adopt, import_requested
from memodule.runtime.packaged import with_packaged_files
from memodule.runtime.private_interfaces import parser_of
from memodule.training.checkpoints import require_known_network
from memodule.training.config_errors import failed_import, in_one_line
from memodule.training.config_files import Sources, check_arguments

LARGEST_SEED: Final = 2**32 - 1
"""The largest seed that NumPy accepts."""


class LogConfig(SaveConfigCallback):
    """Sends the resolved config to the logger.

    Lightning's own callback writes it to the log folder and refuses a folder that already has one, which ends the
    second run of every W&B project.
    """

    @override
    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if trainer.logger is not None:
            trainer.logger.log_hyperparams({"config": self.config.as_dict()})


class FoldCLI(LightningCLI):
    """LightningCLI with interval selection, protocol, leakage guard and training curves.

    Args:
        args: Arguments of a command line, or a config as a mapping.
        run: Whether `args` begins with a subcommand to run.

    Attributes:
        history: The callback that keeps the training curves.

    Raises:
        UserError: If a setting does not exist or has an impossible value.
    """

    def __init__(self, args: list[str] | dict[str, Any], run: bool = True) -> None:
        self.history = History()
        # Abbreviated options would let misspelt ones through. Errors come as exceptions, to be reported in one line.
        parsing: dict[str, Any] = {"prog": "memodule", "exit_on_error": False, "allow_abbrev": False}
        epilog = "--import FILE|MODULE imports your own networks or rules; -q, --quiet hides progress bars and notes."
        options = {"exit_on_error": False, "allow_abbrev": False, "epilog": epilog}
        parsing |= {name: dict(options) for name in self.subcommands()} if run else {}
        import_requested()
        super().__init__(
            SpotRecognizeModule,
            LosoDataModule,
            args=args,
            run=run,
            seed_everything_default=0,
            auto_configure_optimizers=False,
            save_config_callback=LogConfig,
            save_config_kwargs={"save_to_log_dir": False},
            trainer_defaults={"num_sanity_val_steps": 0, "callbacks": [OptimisationLog(), self.history]},
            parser_kwargs=parsing,
        )

    @override
    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        args = with_packaged_files(args) if isinstance(args, list) else args
        sources = check_arguments(args) if isinstance(args, list) else Sources()
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="LightningCLI's args parameter is intended")
                super().parse_arguments(parser, args)
        except (ArgumentError, AttributeError) as error:  # jsonargparse 4.53 raises the latter for some unknown classes
            if failed := failed_import(str(error)):
                raise failed from None
            known = parser_of(self, args[0] if isinstance(args, list) and args else None)
            raise UserError(in_one_line(str(error), known, sources)) from None
        adopt(self.config.as_dict())
        seed = self.config.get(str(self.config.get("subcommand")), self.config).get("seed_everything")
        if isinstance(seed, int) and not isinstance(seed, bool) and not 0 <= seed <= LARGEST_SEED:
            raise UserError(f"seed_everything: {seed}; use a whole number from 0 to {LARGEST_SEED}")

    @override
    def _parse_ckpt_path(self) -> None:
        subcommand = self.config.get("subcommand")
        path = self.config[subcommand].get("ckpt_path") if subcommand else None
        if path is None:
            return
        require_known_network(str(path))
        try:
            super()._parse_ckpt_path()
        except (ArgumentError, AttributeError, SystemExit) as error:
            reason = in_one_line(str(error), parser_of(self, subcommand), Sources())
            raise UserError(f"{path}: its settings do not fit here ({reason}); train the fold again") from None

    @override
    def instantiate_classes(self) -> None:
        try:
            super().instantiate_classes()
        except (ArgumentError, TypeError, ValueError) as error:
            ours = _user_error_behind(error)
            if ours is not None:
                raise ours from None
            if not isinstance(error, ArgumentError) and not str(error).startswith("Parser key"):
                raise
            raise UserError(in_one_line(str(error), parser_of(self, self.subcommand), Sources())) from None

    def _load_data(self) -> None:
        """Load fold and features before the logger starts a run: most mistakes are about them."""
        self.datamodule.setup(str(self.subcommand))
        rule = self.interval_selection.rule
        if rule.learns_from_curves:
            console.warn(
                f"UNCALIBRATED: {type(rule).__name__} learns from score curves too, which `{self.subcommand}` does not "
                "give it, so scores and checkpoint are of the uncalibrated rule; set data.inner_validation_subjects "
                f"and use `memodule loso --folds {self.datamodule.fold.held_out}`, or run a study of several folds"
            )

    before_fit = before_validate = before_test = before_predict = _load_data

    @property
    def interval_selection(self) -> IntervalSelection:
        """The callback that decodes and scores."""
        config = self.config_init if self.subcommand is None else self.config_init[self.subcommand]
        found: IntervalSelection = config["interval_selection"]
        return found

    @override
    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_subclass_arguments(SelectionRule, "intervals", help="how score curves become intervals")
        parser.add_class_arguments(Protocol, "protocol", help="every rule that affects a score")
        parser.add_lightning_class_args(IntervalSelection, "interval_selection")
        parser.add_lightning_class_args(LeakageGuard, "leakage_guard")
        parser.link_arguments("intervals", "interval_selection.rule", apply_on="instantiate")
        parser.link_arguments("protocol", "interval_selection.protocol", apply_on="instantiate")
        parser.link_arguments("protocol.videos", "data.videos")
        parser.link_arguments("seed_everything", "data.seed")


def _user_error_behind(error: BaseException) -> UserError | None:
    """What one of our classes said before the parser wrapped it into a list of all its attempts."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, UserError):
        cause = cause.__cause__ or cause.__context__
    return cause


def quiet_lightning() -> contextlib.AbstractContextManager[None]:
    """Keep Lightning's notes about hardware and data loaders off the terminal; a study has its own progress bar."""
    return console.silenced(("lightning.pytorch", "lightning.fabric"), logging.WARNING, "lightning")
