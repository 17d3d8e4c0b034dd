"""Refuse options that no rule can work with, in one line that says how to mend them."""

from memodule.errors import UserError


def check_half_window(half_window: int | None) -> None:
    """Refuse a half window below zero.

    Raises:
        UserError: With the mend.
    """
    if half_window is not None and half_window < 0:
        raise UserError(f"intervals.half_window: {half_window} is negative; give samples of the curve, or null to fit")


def check_share(name: str, share: float) -> None:
    """Refuse a share outside 0..1.

    Raises:
        UserError: With the mend.
    """
    if not 0 <= share <= 1:
        raise UserError(f"intervals.{name}: {share} is no share; give a number in 0..1")


def check_positive(name: str, value: float) -> None:
    """Refuse a level, duration or spread that is not above zero.

    Raises:
        UserError: With the mend.
    """
    if not value > 0:
        raise UserError(f"intervals.{name}: {value} is not above 0; give a positive number")
