"""The checkpoint that `memodule spot` uses unless told otherwise; it lies in the package.

experiments/default_spotter.yaml trains it, and docs/default-spotter.md says what it can and cannot do. The network that
`memodule demo` trains for itself is kept beside the demo's data.
"""

import shutil
from pathlib import Path
from typing import Final

from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.runtime.atomic import replacing
from memodule.training.checkpoints import write_with_rule

CAUTION: Final = (
    "the included checkpoint has learned from semi-synthetic faces only: it shows how the program works and is not an "
    "instrument for real conclusions (docs/default-spotter.md); train one on real data and pass it with --checkpoint"
)
"""Warning in every result of the included checkpoint."""

_INCLUDED: Final = Path(__file__).with_name("default.ckpt")


def default_checkpoint() -> Path:
    """The included checkpoint.

    Raises:
        UserError: If the installation is incomplete.
    """
    if not _INCLUDED.is_file():
        raise UserError(
            f"{_INCLUDED}: no default checkpoint, so the installation is incomplete; install memodule again, or pass "
            "--checkpoint"
        )
    return _INCLUDED


def demo_checkpoint_path() -> Path:
    """Where `memodule demo` puts the checkpoint that it trains, relative to the working directory."""
    return Path("data") / "models" / "demo.ckpt"


def install_demo_checkpoint(checkpoint: Path, rule: SelectionRule | None = None) -> Path:
    """Copy a checkpoint to `demo_checkpoint_path()`, which is returned.

    Args:
        checkpoint: A fold's `model.ckpt`.
        rule: A fitted selection rule for the copy, instead of the fold's own.

    Raises:
        UserError: If it is not a checkpoint.
    """
    installed = demo_checkpoint_path()
    if rule is not None:
        write_with_rule(checkpoint, rule, installed, local=False)
    else:
        with replacing(installed) as aside:
            shutil.copyfile(checkpoint, aside)
    return installed
