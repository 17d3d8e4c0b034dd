"""Weight files of any origin, read without running any code in them."""

import pickle
from pathlib import Path
from typing import Any

import torch

from memodule.errors import UserError


def read_plain(path: Path, wanted: str) -> Any:
    """What `torch.save` wrote to a file, if it consists of tensors, plain values and containers only.

    Raises:
        UserError: If the file is missing or damaged, or holds other objects; the remedy is to pass what is `wanted`.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; pass {wanted}") from None
    except pickle.UnpicklingError as error:
        raise _unreadable(path, "it is damaged, or holds more than names and tensors") from error
    except Exception as error:  # torch raises many kinds for a broken file
        raise _unreadable(path, str(error).strip().partition("\n")[0] or type(error).__name__) from error


def _unreadable(path: Path, reason: str) -> UserError:
    remedy = "copy the file again, or save only network.state_dict() where it was written"
    return UserError(f"{path}: cannot be read as plain weights ({reason}); {remedy}")
