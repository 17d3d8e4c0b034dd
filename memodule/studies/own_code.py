"""Which code of your own a result depends on: hashes of the files behind class paths that are not in this package."""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

import memodule
from memodule.runtime.digests import file_sha256, json_sha256
from memodule.runtime.own_parts import class_paths, imported_parts

_INSTALLED: Final = {Path(path).resolve() for name, path in sysconfig.get_paths().items() if name.endswith("lib")}
"""Folders of Python's own modules and of installed libraries."""


def own_code(named: Any) -> list[str]:
    """Hashes of the files that define the classes that a config or a rule's description names.

    A module counts with what it imports by name, so that a class may come from another file, and a package with all its
    files. Of an installed library only the file counts that a class path names or leads to.
    """
    own: dict[str, ModuleType] = {}
    waiting = [path.rpartition(".")[0] for path in class_paths(named)]
    while waiting:
        module = sys.modules.get(name := waiting.pop())
        if module is None or name in own or name.partition(".")[0] == memodule.__name__ or not _file(module):
            continue
        own[name] = module
        waiting += [other for other in _imports(module) if not _is_installed(other)]
    return [file_sha256(path) for path in sorted({path for module in own.values() for path in _sources(module)})]


def parts_digest(config: Any) -> str | None:
    """One short hash for all code of your own that a config names; None where it names only libraries."""
    parts = {part["module"].partition(".")[0] for part in imported_parts()}
    mine = [path for path in class_paths(config) if path.partition(".")[0] in parts]
    code = own_code([{"class_path": path} for path in mine])
    return json_sha256(code)[:8] if code else None


def _imports(module: ModuleType) -> Iterator[str]:
    """Names of the modules whose classes, functions or selves are global names of this one."""
    for value in vars(module).values():
        if isinstance(value, ModuleType):
            yield value.__name__
        elif isinstance(value, type | FunctionType):
            yield value.__module__


def _sources(module: ModuleType) -> list[Path]:
    file = _file(module)
    assert file is not None
    top = module.__name__.partition(".")[0]
    folders = getattr(sys.modules.get(top), "__path__", ())
    if _is_installed(top) or not folders:
        return [file]
    return [file, *(path for folder in folders for path in Path(folder).resolve().rglob("*.py"))]


def _is_installed(name: str) -> bool:
    """Whether a module is built in, or is in a folder of libraries."""
    module = sys.modules.get(name)
    file = _file(module) if module else None
    return file is None or any(file.is_relative_to(folder) for folder in _INSTALLED)


def _file(module: ModuleType) -> Path | None:
    written = getattr(module, "__file__", None)
    file = Path(written).resolve() if written else None
    return file if file is not None and file.is_file() else None
