"""Pickles that hold numpy arrays and plain containers, read without running anything that the file asks for.

A pickle names functions and classes, and reading one calls them: a file from elsewhere may call anything. Here only the
names that numpy writes for its arrays are known. Even they do not lead to numpy but to stand-ins, which copy numbers
out of byte strings, so that no made-up type can reach numpy either. Every other name is refused before anything is
called. Nor can a file ask for more memory than it is long.
"""

import math
import os
import pickle
import pickletools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from memodule.errors import UserError

Array = npt.NDArray[Any]

_NUMBERS: Final = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248])")
"""Types of numbers as numpy writes them: booleans, integers and floats."""


def read_plain_pickle(path: Path) -> Any:
    """The contents of a pickle: numbers, strings, lists, tuples, dicts, numpy scalars and arrays of numbers.

    One-dimensional arrays of objects come as lists.

    Args:
        path: The file.

    Raises:
        UserError: If there is no such file, it is damaged, or it names a foreign class or function, which is told.
    """
    try:
        with path.open("rb") as file:
            _require_modesty(file)
            return _settled(_PlainUnpickler(file, path).load())
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"{path}: no such file; give the path of a pickle") from None
    except UserError:
        raise
    except RecursionError:
        raise UserError(f"{path}: holds containers within themselves; get the file again") from None
    except Exception as error:  # a damaged pickle can fail in any way
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(f"{path}: no pickle of arrays, or a damaged one ({reason}); get the file again") from None


def _require_modesty(file: BinaryIO) -> None:
    """Look at what a pickle asks for before it is read: one damaged byte can make Python reserve many gigabytes.

    Contents that are longer than the file are found by `genops`, which reads them.
    """
    length = os.fstat(file.fileno()).st_size
    for count, (opcode, number, _) in enumerate(pickletools.genops(file)):
        if not isinstance(number, int):
            continue
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and number > count:  # entries are numbered as they come
            raise ValueError(f"entry {number} of {count}")
        if opcode.name == "FRAME" and number > length:
            raise ValueError(f"a part of {number} bytes in a file of {length}")
    file.seek(0)


class _PlainUnpickler(pickle.Unpickler):
    def __init__(self, file: Any, path: Path) -> None:
        super().__init__(file)
        self._path = path
        # bound methods: unlike functions and classes they cannot be altered by what is in a pickle
        self._known: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("numpy", "dtype"): self._dtype,
            ("numpy", "ndarray"): "ndarray",
            # how old protocols write byte strings, and empty ones
            ("_codecs", "encode"): self._encode,
            ("__builtin__", "bytes"): self._nothing,
        }
        for core in ("numpy.core", "numpy._core"):  # before and since numpy 2
            self._known[f"{core}.multiarray", "_reconstruct"] = self._array
            self._known[f"{core}.multiarray", "scalar"] = self._scalar
            self._known[f"{core}.numeric", "_frombuffer"] = self._from_buffer

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name, if it is one of numpy's."""
        found = self._known.get((module, name))
        if found is None:
            why = "only numpy arrays and plain containers are read, and nothing of this file was run"
            raise UserError(f"{self._path}: names {module}.{name}; {why}; get the file from its authors again")
        return found

    def _dtype(self, spec: str, *_: object) -> "_Type":
        return _Type(spec)

    def _array(self, *_: object) -> "_Array":
        return _Array()

    def _scalar(self, kind: "_Type", contents: bytes) -> Any:
        return _numbers(kind, contents, ())[()]

    def _from_buffer(self, contents: bytes, kind: "_Type", shape: tuple[int, ...], order: str) -> Array:
        return _numbers(kind, contents, shape, order == "F")

    def _encode(self, text: str, encoding: str) -> bytes:
        if encoding not in ("latin1", "latin-1"):
            raise ValueError(f"a byte string in {encoding}")
        return text.encode("latin1")

    def _nothing(self) -> bytes:
        return b""


class _Type:
    """Stands in for numpy's type of the numbers of an array."""

    __slots__ = ("is_object", "name")

    def __init__(self, spec: str) -> None:
        self.is_object = spec.lstrip("|") in ("O", "O8", "O4")
        if not self.is_object and not _NUMBERS.fullmatch(spec):
            raise ValueError(f"an array of type {spec!r}")
        self.name = spec.lstrip("<>=|")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *structure = state
        if order not in ("<", ">", "=", "|") or any(part is not None for part in structure[:3]):
            raise ValueError("an array of structures")
        self.name = order + self.name


class _Array:
    """Stands in for a numpy array until its contents are known."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, is_fortran, contents = state
        if not kind.is_object:
            self.value = _numbers(kind, contents, shape, is_fortran)
        elif len(shape) == 1 and isinstance(contents, list):
            self.value = contents
        else:
            raise ValueError(f"an array of objects of shape {shape}")


def _numbers(kind: _Type, contents: bytes, shape: Iterable[int], is_fortran: bool = False) -> Array:
    """Numbers out of a byte string."""
    shape, dtype = tuple(map(int, shape)), np.dtype(kind.name)
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(contents):
        raise ValueError(f"{len(contents)} bytes for an array of shape {shape}")
    return np.frombuffer(contents, dtype).reshape(shape, order="F" if is_fortran else "C")


def _settled(value: Any) -> Any:
    """Values without stand-ins."""
    if isinstance(value, _Array):
        return _settled(value.value)
    if isinstance(value, list | tuple):
        return type(value)(map(_settled, value))
    if isinstance(value, dict):
        return {key: _settled(part) for key, part in value.items()}
    if value is None or isinstance(value, bool | int | float | complex | str | bytes | np.ndarray | np.generic):
        return value
    raise ValueError(f"a {type(value).__name__}")
