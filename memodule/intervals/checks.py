"""Refuse options that no rule can work with, in one line that says how to mend them."""

import math
import numbers
from collections.abc import Sequence

from memodule.errors import UserError


def check_half_window(half_window: object) -> None:
    """Refuse a half window that is no whole number, or below zero.

    Raises:
        UserError: With the mend.
    """
    if half_window is not None and (not isinstance(half_window, numbers.Integral) or half_window < 0):
        raise UserError(
            f"intervals.half_window: {half_window} is no length; give a whole number of samples of the curve from 0, "
            "or null to fit it"
        )


def check_share(name: str, share: float) -> None:
    """Refuse a share outside 0..1.

    Raises:
        UserError: With the mend.
    """
    check_number(name, share)
    if not 0 <= share <= 1:
        raise UserError(f"intervals.{name}: {share} is no share; give a number in 0..1")


def check_positive(name: str, value: float) -> None:
    """Refuse a level, duration or spread that is not above zero.

    Raises:
        UserError: With the mend.
    """
    check_number(name, value)
    if not value > 0:
        raise UserError(f"intervals.{name}: {value} is not above 0; give a positive number")


def check_number(name: str, value: object) -> None:
    """Refuse what is no finite number.

    Raises:
        UserError: With the mend.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise UserError(f"intervals.{name}: {value!r} is no number; give a finite one")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse what is none of a few words.

    Raises:
        UserError: With the mend.
    """
    if value not in choices:
        raise UserError(f"intervals.{name}: {value!r} is none of {', '.join(choices)}")
