"""Types of option values for argparse; a bad value is reported with the option, the value and what is wanted."""

import argparse
import math
from collections.abc import Callable
from typing import Final

from memodule.studies.cluster_address import host_and_port

_SHARE: Final = "a share from 0 to 1, such as .25, or a whole number"


def whole(least: int | None = None) -> Callable[[str], int]:
    """The type of whole numbers from `least` on; None leaves the bounds to the command."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or (least is not None and number < least):
            raise refused(text, "a whole number" + ("" if least is None else f" of at least {least}"))
        return number

    return read


def number(text: str) -> float:
    """Any finite number."""
    return within(text, -math.inf, math.inf, "a number")


def positive(text: str) -> float:
    """A number above 0."""
    return within(text, 1e-6, math.inf, "a number above 0, such as 0.5")


def rate(text: str) -> float:
    """Frames per second."""
    return within(text, 1, 10000, "1 to 10000 frames per second, such as 29.97")


def share(text: str) -> float:
    """Share of a GPU."""
    value = within(text, 0, math.inf, _SHARE)
    if value > 1 and value % 1:
        raise refused(text, _SHARE)
    return value


def within(text: str, least: float, most: float, wanted: str) -> float:
    """A finite number from `least` to `most`, both included."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and least <= value <= most):
        raise refused(text, wanted)
    return value


def folder_name(text: str) -> str:
    """The name of a study, which becomes part of a folder's name and so must not be a path."""
    if not text.strip() or not text.isprintable() or "/" in text or "\\" in text:
        raise refused(text, "a name without / and \\, such as first-try; --runs says where the folder goes")
    return text


def cluster(text: str) -> str:
    """The address of a Ray cluster."""
    try:
        host_and_port(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def seed(text: str) -> int:
    """A seed that every random generator accepts."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value < 2**32:
        raise refused(text, "a whole number from 0 to 2^32 - 1, such as 0")
    return value


def seeds(text: str) -> tuple[int, ...]:
    """Seeds, separated by commas."""
    try:
        return tuple(seed(part) for part in text.split(","))
    except argparse.ArgumentTypeError:
        raise refused(text, "whole numbers from 0 to 2^32 - 1, such as 0,1,2") from None


def subjects(text: str) -> tuple[str, ...] | None:
    """Subjects, separated by commas; None for all of them."""
    if text == "all":
        return None
    named = tuple(part.strip() for part in text.split(",") if part.strip())
    if not named:
        raise refused(text, "subjects of the Catalog, such as 006,007, or all")
    return named


def refused(text: str, wanted: str) -> argparse.ArgumentTypeError:
    """The error message that all options share."""
    return argparse.ArgumentTypeError(f"{text!r}: write {wanted}")
