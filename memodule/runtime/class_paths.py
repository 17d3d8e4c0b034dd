"""Classes by name: how checkpoints and result files say which network or rule they hold."""

import sys
from typing import TypeVar

from memodule.errors import UserError

T = TypeVar("T")


def class_path(kind: type) -> str:
    """The dotted path under which a class can be found again."""
    return f"{kind.__module__}.{kind.__qualname__}"


def imported_class(path: str, base: type[T], where: str) -> type[T]:
    """Find a class by its dotted path, among modules that are already imported.

    Files may come from anywhere, so they cannot make us import anything.

    Args:
        path: What `class_path` gave.
        base: What the class must be.
        where: Which file names it, for the message.

    Returns:
        The class.

    Raises:
        UserError: If there is no such class.
    """
    module, _, name = path.rpartition(".")
    kind = getattr(sys.modules.get(module), name, None)
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise UserError(f"{where}: {path} is no known {base.__name__}; import the module that defines it first")
    return kind
