"""How the loops are compiled."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.float32]
"""Contiguous float32 arrays, mostly (planes, height, width)."""

F = TypeVar("F", bound=Callable[..., Any])


def compiled(inline: bool = False) -> Callable[[F], F]:
    """Compile on first use and keep the machine code on disk; a division by zero gives infinity, as in C."""
    options: dict[str, Any] = {"inline": "always"} if inline else {"cache": True}
    return cast(Callable[[F], F], numba.njit(error_model="numpy", **options))
