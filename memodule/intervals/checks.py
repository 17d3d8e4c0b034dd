"""Options that no rule can work with are refused in one line that says how to fix them."""

import math
import numbers
from collections.abc import Sequence

from memodule.errors import UserError


def check_half_window(half_window: object) -> None:
    """Refuse a half window that is neither None nor a whole number from 0."""
    if half_window is not None and (not isinstance(half_window, numbers.Integral) or half_window < 0):
        raise UserError(
            f"intervals.half_window: {half_window} is not a length; use a whole number of samples of the curve, 0 or "
            "more, or null to fit it"
        )


def check_share(name: str, share: float) -> None:
    """Refuse a number outside 0..1."""
    check_number(name, share)
    if not 0 <= share <= 1:
        raise UserError(f"intervals.{name}: {share} is not a share; use a number from 0 to 1")


def check_positive(name: str, value: float) -> None:
    """Refuse a level, duration or spread that is not above 0."""
    check_number(name, value)
    if not value > 0:
        raise UserError(f"intervals.{name}: {value} is not above 0; use a positive number")


def check_number(name: str, value: object) -> None:
    """Refuse anything but a finite number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise UserError(f"intervals.{name}: {value!r} is not a number; use a finite one")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse a value that is not one of `choices`."""
    if value not in choices:
        raise UserError(f"intervals.{name}: {value!r} is not one of {', '.join(choices)}")
