"""Environment variables for a while: other libraries are told things by them that they have no argument for."""

import contextlib
import os
from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables, and afterwards put back what was there.

    Args:
        values: Names and values.
    """
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def unless_set(values: Mapping[str, str]) -> dict[str, str]:
    """Those of the variables that nobody has set.

    Args:
        values: Variables of the environment, and what they would be set to.

    Returns:
        The part of `values` that the environment does not name.
    """
    return {name: value for name, value in values.items() if name not in os.environ}
