"""The checkpoint that `memodule spot` uses by default: the small one that `memodule demo` trains.

The package contains the one of an unchanged `memodule demo` (all defaults, seed 0, held-out subject s01), so that
`memodule spot` works right after installation; a demo of your own takes precedence.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.runtime.atomic import replacing
from memodule.training.checkpoints import write_with_rule

CAUTION: Final = (
    "the default checkpoint was trained on semi-synthetic faces: it shows how the program works and is not an "
    "instrument for real conclusions; train one on real data and pass it with --checkpoint"
)
"""Warning in every result of the default checkpoint."""

_NAME: Final = "demo.ckpt"

_INCLUDED: Final = Path(__file__).with_name("default.ckpt")


def default_checkpoint_path() -> Path:
    """Where `memodule demo` puts the default checkpoint, relative to the working directory."""
    return Path("data") / "models" / _NAME


def find_default_checkpoint() -> Path | None:
    """The default checkpoint of the working directory, else of the user's data folder, else the included one.

    The user's data folder is `$XDG_DATA_HOME/memodule`, by default `~/.local/share/memodule`. None only if the
    package is incomplete.
    """
    share = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    places = (default_checkpoint_path(), share / "memodule" / _NAME, _INCLUDED)
    return next((path for path in places if path.is_file()), None)


def install_default_checkpoint(checkpoint: Path, rule: SelectionRule | None = None) -> Path:
    """Copy a checkpoint to `default_checkpoint_path()`, which is returned.

    Args:
        checkpoint: A fold's `model.ckpt` that was trained on semi-synthetic data.
        rule: A fitted selection rule for the copy, instead of the fold's own.

    Raises:
        UserError: If it is not a checkpoint.
    """
    installed = default_checkpoint_path()
    if rule is not None:
        write_with_rule(checkpoint, rule, installed, local=False)
    else:
        with replacing(installed) as aside:
            shutil.copyfile(checkpoint, aside)
    return installed


def require_default_checkpoint() -> Path:
    """The default checkpoint, or a UserError if there is none."""
    found = find_default_checkpoint()
    if found is None:
        raise UserError(
            f"{default_checkpoint_path()}: no default checkpoint; run `memodule demo` once to create it, or pass "
            "--checkpoint"
        )
    return found
