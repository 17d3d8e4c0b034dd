"""The variables of Weights & Biases: whether runs are sent, what it prints, and which sweep a process belongs to."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Final

from memodule import console
from memodule.errors import UserError

MODES: Final = {"online": True, "run": True, "shared": True, "offline": False, "dryrun": False, "disabled": False}
"""Values of WANDB_MODE, and whether runs are sent under them."""

SILENT: Final = {"WANDB_SILENT": "true"}
"""Switches off W&B's own messages, some 40 lines per fold."""

PASSED_ON: Final = ("WANDB_MODE", "WANDB_SILENT", "WANDB_CONSOLE", "WANDB_BASE_URL", "WANDB_ENTITY")
"""Variables that workers on other machines need too.

Not WANDB_API_KEY: anyone can read the variables of a Ray task in Ray's dashboard and logs. Workers log in themselves.
"""

_SWEEP: Final = ("WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH", "WANDB_RUN_ID")


def requested_mode() -> str | None:
    """WANDB_MODE; None unless it is set."""
    return os.environ.get("WANDB_MODE")


def default_to_offline() -> None:
    """Keep runs on this machine unless WANDB_MODE says otherwise."""
    os.environ.setdefault("WANDB_MODE", "offline")


def choose_mode(online: bool) -> None:
    """Decide once whether runs are sent: WANDB_MODE wins, then `--online`; otherwise they stay on this machine.

    W&B's own messages and its copy of the terminal are switched off unless variables request them.

    Raises:
        UserError: If WANDB_MODE is not a mode; or if runs are to be sent and there is no login, or no server answers:
            each fold would fail at its start.
    """
    asked = requested_mode()
    if asked is not None and asked not in MODES:
        raise UserError(f"WANDB_MODE={asked}: not a mode of Weights & Biases; set online, offline or disabled")
    for name, value in {"WANDB_MODE": "online" if online else "offline", **SILENT, "WANDB_CONSOLE": "off"}.items():
        os.environ.setdefault(name, value)
    if MODES[os.environ["WANDB_MODE"]]:
        _require_login("--online" if asked is None else f"WANDB_MODE={asked}")
    elif online:
        console.warn(f"--online is overruled by WANDB_MODE={asked}: nothing is sent")


def _require_login(asked: str) -> None:
    import wandb
    from wandb.errors import AuthenticationError

    try:
        if wandb.login(prompt=False):
            return
    except AuthenticationError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{asked}: {reason}; check the login and the network, or leave it off") from None
    raise UserError(f"{asked}: not logged in to Weights & Biases; run `wandb login`, or leave it off")


def leave_sweep() -> dict[str, str]:
    """Take the variables by which a `wandb agent` makes the next run its trial out of the environment.

    Otherwise every fold would take the trial's id, and overwrite what the fold before it logged.

    Returns:
        The variables, for the one run that is the trial: the summary. Empty outside of a sweep.
    """
    if "WANDB_SWEEP_ID" not in os.environ:
        return {}
    return {name: os.environ.pop(name) for name in _SWEEP if name in os.environ}


@contextlib.contextmanager
def rejoined(sweep: Mapping[str, str]) -> Iterator[None]:
    """Restore what `leave_sweep` removed while the trial's run is open; W&B reads it once, when it is set up."""
    if not sweep:
        yield
        return
    import wandb

    wandb.teardown()
    os.environ.update(sweep)
    try:
        yield
    finally:
        leave_sweep()
        wandb.teardown()
