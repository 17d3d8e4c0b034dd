"""Classes by name: how checkpoints and result files say which network or selection rule they hold."""

import sys
from typing import TypeVar

from memodule.errors import UserError
from memodule.runtime.own_parts import how_to_import, import_requested
from memodule.runtime.yaml_files import did_you_mean

T = TypeVar("T")


def class_path(kind: type) -> str:
    """The dotted path under which a class can be found again."""
    return f"{kind.__module__}.{kind.__qualname__}"


def imported_class(path: str, base: type[T], where: str) -> type[T]:
    """Find a class by its dotted path, among modules that are already imported and those that the user requested.

    Files may come from anywhere, so a file that names a class cannot make us import anything. A class of ours whose
    module has moved since the file was written is found in the package around it.

    Raises:
        UserError: If there is no such class; names the file (`where`) that asks for it.
    """
    kind = _found(path, base)
    if kind is None:
        import_requested()
        kind = _found(path, base)
    if kind is not None:
        return kind
    module, _, name = path.rpartition(".")
    if module in sys.modules:
        known = [each for each, value in vars(sys.modules[module]).items() if _is_kind(value, base)]
        remedy = f"check the name{did_you_mean(name, known)}"
    else:
        remedy = how_to_import(module)
    raise UserError(f"{where}: {path} is not a known {base.__name__}; {remedy}")


def _found(path: str, base: type[T]) -> type[T] | None:
    module, _, name = path.rpartition(".")
    while module:
        kind = getattr(sys.modules.get(module), name, None)
        if _is_kind(kind, base):
            return kind
        module = module.rpartition(".")[0] if module.startswith("memodule.") else ""
    return None


def _is_kind(value: object, base: type[T]) -> bool:
    return isinstance(value, type) and issubclass(value, base)
