"""Temporary environment variables, for libraries that have no argument for what they control."""

import contextlib
import os
from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables, and afterwards restore what was there."""
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
    """The part of `values` whose variables the environment does not set yet."""
    return {name: value for name, value in values.items() if name not in os.environ}
