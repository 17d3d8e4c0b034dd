"""Your own modules with networks, selection rules or metrics: imported on request, never because a file names them.

A file is imported under its name without `.py`, with its folder at the end of `sys.path`, so that its classes are
`my_parts.MyRule` wherever they are named: in configs, checkpoints, worker processes and later commands. Child processes
import the same parts, since each part is added to the environment variable MEMODULE_IMPORT that they inherit.
"""

import contextlib
import dataclasses
import functools
import importlib
import importlib.metadata
import importlib.util
import os
import re
import shlex
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from memodule import console
from memodule.errors import UserError
from memodule.runtime.digests import file_sha256

VARIABLE: Final = "MEMODULE_IMPORT"
"""Files and modules to import, separated by commas or `os.pathsep`."""

ENTRY_POINTS: Final = "memodule.parts"
"""Entry-point group whose modules are imported wherever the package is installed."""

_LIBRARIES: Final = ("memodule", "torch", "lightning", "pytorch_lightning", "torchmetrics")
"""Packages whose modules are never the user's own."""


_INSTALLED: Final = frozenset(("site-packages", "dist-packages"))

_SEPARATORS: Final = f",{os.pathsep}"


class _NoSuchModuleError(UserError):
    """The requested module does not exist; it is not one that its code imports."""


@dataclasses.dataclass(frozen=True)
class OwnPart:
    """An imported module of the user's own.

    Attributes:
        module: The name in class paths.
        file: Its absolute path; empty for a module without a file.
        sha256: Of the file when it was imported; empty without a file.
    """

    module: str
    file: str = ""
    sha256: str = ""

    @property
    def argument(self) -> str:
        """What `--import` takes: a file, the folder of a package, or the name of what is installed or in a package."""
        file = Path(self.file)
        if _INSTALLED.isdisjoint(file.parts):
            if file.name == f"{self.module}.py":
                return self.file
            if file.name == "__init__.py" and file.parent.name == self.module:
                return str(file.parent)
        return self.module


_imported: dict[str, OwnPart] = {}
"""By module."""

_remembered: dict[str, OwnPart] = {}
"""By module, the parts that studies and checkpoints were made with; only used in messages."""

_broken: dict[str, str] = {}
"""By module, what is wrong with entry points of installed packages."""


def import_part(given: str, source: str = "--import") -> None:
    """Import a file or module, here and in child processes started from now on.

    Args:
        given: `path/to/my_parts.py`, the folder of a package (`path/to/my_package`), or the name of a module that is
            installed or in the current folder.
        source: Where it was requested, for the message.

    Raises:
        UserError: If it does not exist, its name is taken, or its code fails.
    """
    local = Path(f"{given}.py")
    if given.endswith(".py") or os.sep in given:
        _keep(_import_file(Path(given), source))
    elif not _is_dotted(given):
        raise UserError(f"{source} {given!r}: neither a Python file nor the name of a module; pass one of these")
    else:
        _keep(_import_file(local, source) if local.is_file() else _import_module(given, source))


def import_named(class_path: str, source: str) -> None:
    """Import the module of a class path that a config names, where Python finds it by itself.

    Unlike `import_part`, this does not search the working folder: that takes `--import`.

    Args:
        source: Where it is named, for the message.

    Raises:
        UserError: If its code fails.
    """
    module = class_path.rpartition(".")[0]
    if _is_dotted(module) and _exists(module.partition(".")[0]):
        with contextlib.suppress(_NoSuchModuleError):
            _import_module(module, source)
        adopt({"class_path": class_path})


def import_requested() -> None:
    """Import what the environment variable and the entry points of installed packages request.

    Called before classes are found by name, so that commands that need none do not pay for it.

    Raises:
        UserError: As `import_part`.
    """
    requested = [given for given in re.split(f"[{_SEPARATORS}]", os.environ.get(VARIABLE, "")) if given]
    for given in requested:
        if given not in _arguments():
            import_part(given, VARIABLE)
    if requested:
        os.environ[VARIABLE] = os.pathsep.join(_arguments())  # no relative paths: child processes run elsewhere
    for module in _entry_points():
        if module not in _imported and module not in _broken:
            try:
                _keep(_import_module(module, f"entry point {ENTRY_POINTS}"))
            except UserError as error:  # of a package that this command may not need at all
                _broken[module] = str(error)
                console.warn(f"{error}; continuing without it")


def adopt(config: Any) -> None:
    """Count the modules of a parsed config's class paths, which its parser has imported, among the own parts."""
    for path in class_paths(config):
        module = sys.modules.get(path.rpartition(".")[0])
        if module is not None and module.__name__.partition(".")[0] not in (*_LIBRARIES, "__main__"):
            _keep(module)


def class_paths(config: Any) -> Iterator[str]:
    """The class paths anywhere in a parsed config."""
    if isinstance(config, Mapping):
        if isinstance(config.get("class_path"), str):
            yield config["class_path"]
        for value in config.values():
            yield from class_paths(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from class_paths(value)


def imported_parts() -> list[dict[str, str]]:
    """The own parts imported so far, for files that need them again: module, file, and the file's SHA-256."""
    return [dataclasses.asdict(part) for part in _imported.values()]


def import_options() -> list[str]:
    """The arguments with which another command imports the same parts."""
    return [option for argument in _arguments() for option in ("--import", argument)]


def without_folders(parts: Any) -> list[dict[str, str]]:
    """`imported_parts` for a checkpoint that others get: with the names of the files alone."""
    return [dataclasses.asdict(dataclasses.replace(part, file=Path(part.file).name)) for part in _read(parts)]


def remember(parts: Any) -> None:
    """Keep the `imported_parts` that a file names, for messages about missing ones; nothing is imported."""
    for part in _read(parts):
        if part.module not in _remembered or Path(part.file).is_absolute():  # others' checkpoints name no folder
            _remembered[part.module] = part


def warn_of_changes(parts: Any, where: str) -> None:
    """Warn about `imported_parts` whose code has changed since the files of the folder `where` were made with them."""
    for part in _read(parts):
        if part.module in _imported and _imported[part.module].sha256 != part.sha256:
            console.warn(f"{where}: {part.module} has changed since; what is finished there is kept as it was")


def how_to_import(module: str) -> str:
    """The remedy for a class of a module that is not imported: the arguments to add to the command."""
    package = module.partition(".")[0]
    related = [part for part in _remembered.values() if part.module.partition(".")[0] == package]
    known = [_remembered[module]] if module in _remembered else related
    missing = [f"--import {shlex.quote(part.argument)}" for part in known if part.module not in _imported]
    guess = module if "." in module else f"{module or 'FILE'}.py (the file that defines it, or an installed module)"
    broken = f" (left out: {'; '.join(_broken.values())})" if _broken else ""
    return (f"add {' '.join(missing)}" if missing else f"add --import {guess}") + broken


def _read(parts: Any) -> Iterator[OwnPart]:
    """What a study or checkpoint says about its parts; anything else in its place is passed over."""
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, Mapping) and isinstance(part.get("module"), str):
            yield OwnPart(part["module"], str(part.get("file") or ""), str(part.get("sha256") or ""))


def _arguments() -> list[str]:
    """What to import elsewhere; a package of the working folder comes before its modules, which others cannot find."""
    return list(dict.fromkeys(argument for part in _imported.values() for argument in _needed(part)))


def _needed(part: OwnPart) -> list[str]:
    package, dot, _ = part.module.partition(".")
    around = _part(sys.modules[package]).argument if dot and package in sys.modules else package
    return [*([around] if around != package else []), part.argument]


def _part(module: ModuleType) -> OwnPart:
    written = getattr(module, "__file__", None)
    file = Path(written).resolve() if written else None
    if file is None or not file.is_file():
        return OwnPart(module.__name__)
    return OwnPart(module.__name__, str(file), file_sha256(file))


def _exists(package: str) -> bool:
    return package in sys.modules or importlib.util.find_spec(package) is not None


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _keep(module: ModuleType) -> None:
    if module.__name__ in _imported:
        return
    part = _part(module)
    needed = _needed(part)
    for argument in needed:
        _require_separable(argument)
    _imported[part.module] = part
    known = list(filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)))
    os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys([*known, *needed]))


def _require_separable(path: str) -> None:
    """Refuse a path that child processes would read as several; see `VARIABLE`."""
    if any(separator in path for separator in _SEPARATORS):
        raise UserError(f"--import {path}: a path must not contain any of {_SEPARATORS!r}; move or rename the folder")


def _import_file(path: Path, source: str) -> ModuleType:
    if (path / "__init__.py").is_file():
        path = path / "__init__.py"
    if not path.is_file():
        raise UserError(f"{source} {path}: no such file; pass a Python file, or the name of an installed module")
    path = path.resolve()
    _require_separable(str(path))
    named = path.parent if path.name == "__init__.py" else path
    name = named.stem
    if not name.isidentifier():
        raise UserError(f"{source} {path}: {name} cannot be the name of a module; rename the file, such as my_parts.py")
    _search(named.parent)
    loaded = sys.modules.get(name)
    spec = loaded.__spec__ if loaded is not None else importlib.util.find_spec(name)
    origin = getattr(spec, "origin", None) or getattr(loaded, "__file__", None)
    if origin is None or Path(origin).resolve() != path:
        raise UserError(f"{source} {path}: another module is called {name} ({origin or 'built in'}); rename the file")
    return _import_module(name, source)


def _search(folder: Path) -> None:
    """Let Python look for modules in a folder too, after all others, so that nothing there hides a library."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    importlib.invalidate_caches()


def _import_module(name: str, source: str) -> ModuleType:
    try:
        if importlib.util.find_spec(name.partition(".")[0]) is None:  # `python -m` looks here, not the console script
            _search(Path.cwd())
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            raise _NoSuchModuleError(
                f"{source} {name}: no such module, neither installed nor in the current folder; pass a Python file"
            ) from None
        reason = (str(error).strip() or "no message").splitlines()[0]
        raise UserError(f"{source} {name}: {_place(error)}{type(error).__name__}: {reason}") from error


def _place(error: BaseException) -> str:
    """Where the user's code failed, in front of the message; nothing if it is not known."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}: "
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    return f"{frames[-1].filename}, line {frames[-1].lineno}: " if len(frames) > 1 else ""


@functools.cache
def _entry_points() -> tuple[str, ...]:
    return tuple(sorted({point.module for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}))
