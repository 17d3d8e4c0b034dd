"""Pickles of numpy arrays and plain containers, read without running any code that the file names.

Unpickling calls whatever functions and classes a file names. This unpickler accepts only the names that numpy writes
for its arrays, and maps them to stand-ins that copy numbers out of byte strings, so that no made-up type reaches numpy
itself. Every other name is refused before anything is called, and no file can reserve more memory than its own length.
"""

import math
import os
import pickle
import pickletools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from memodule.errors import UserError

_NUMBERS: Final = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248])")
"""Types of numbers as numpy writes them: booleans, integers and floats."""


def read_plain_pickle(path: Path) -> Any:
    """Read numbers, strings, lists, tuples, dicts, numpy scalars and arrays of numbers from a pickle.

    One-dimensional arrays of objects become lists.

    Raises:
        UserError: If the file is missing or damaged, or names any other class or function.
    """
    try:
        with path.open("rb") as file:
            _check_sizes(file)
            return _settled(_PlainUnpickler(file, path).load())
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"{path}: no such file; pass the path of a pickle") from None
    except UserError:
        raise
    except RecursionError:
        raise UserError(f"{path}: containers hold themselves; get the file again") from None
    except Exception as error:  # a damaged pickle can fail in any way
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(f"{path}: not a pickle of arrays, or damaged ({reason}); get the file again") from None


def _check_sizes(file: BinaryIO) -> None:
    """Refuse sizes that the file does not fill: one damaged byte can make Python reserve many gigabytes.

    `genops` itself finds contents that are longer than the file.
    """
    length = os.fstat(file.fileno()).st_size
    for count, (opcode, number, _) in enumerate(pickletools.genops(file)):
        if not isinstance(number, int):
            continue
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and number > count:  # entries are numbered in order
            raise ValueError(f"entry {number} of {count}")
        if opcode.name == "FRAME" and number > length:
            raise ValueError(f"a part of {number} bytes in a file of {length}")
    file.seek(0)


class _PlainUnpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, path: Path) -> None:
        super().__init__(file)
        self._path = path

    @override
    def find_class(self, module: str, name: str) -> Any:
        stand_ins = {  # bound methods, since a pickle can set attributes of functions and classes
            "numpy.dtype": self._dtype,
            "numpy.ndarray": "ndarray",
            "numpy.core.multiarray._reconstruct": self._array,
            "numpy.core.multiarray.scalar": self._scalar,
            "numpy.core.numeric._frombuffer": self._from_buffer,
            "_codecs.encode": self._encode,  # byte strings of protocols 0 to 2, and empty ones
            "__builtin__.bytes": self._nothing,
        }
        path = f"{module}.{name}"
        found = stand_ins.get(path.replace("numpy._core", "numpy.core"))  # since and before numpy 2
        if found is None:
            why = "only numpy arrays and plain containers are read, and nothing in this file was run"
            raise UserError(f"{self._path}: names {path}; {why}; get the file from its authors again")
        return found

    def _dtype(self, spec: str, *_: object) -> "_Type":
        return _Type(spec)

    def _array(self, *_: object) -> "_Array":
        return _Array()

    def _scalar(self, kind: "_Type", contents: bytes) -> Any:
        return _numbers(kind.dtype, contents, ())[()]

    def _from_buffer(self, contents: bytes, kind: "_Type", shape: tuple[int, ...], order: str) -> npt.NDArray[Any]:
        return _numbers(kind.dtype, contents, shape, order == "F")

    def _encode(self, text: str, encoding: str) -> bytes:
        if encoding not in ("latin1", "latin-1"):
            raise ValueError(f"a byte string in {encoding}")
        return text.encode("latin1")

    def _nothing(self) -> bytes:
        return b""


class _Type:
    """Stands in for numpy's type of the elements of an array."""

    __slots__ = ("dtype",)

    def __init__(self, spec: str) -> None:
        is_object = spec.lstrip("|") in ("O", "O8", "O4")
        if not is_object and not _NUMBERS.fullmatch(spec):
            raise ValueError(f"an array of type {spec!r}")
        self.dtype: np.dtype[Any] = np.dtype(object if is_object else spec)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *structure = state
        if any(part is not None for part in structure[:3]):
            raise ValueError("an array of structures")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands in for a numpy array until its contents are known."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, is_fortran, contents = state
        if not kind.dtype.hasobject:
            self.value = _numbers(kind.dtype, contents, shape, is_fortran)
        elif len(shape) == 1 and isinstance(contents, list):
            self.value = contents
        else:
            raise ValueError(f"an array of objects of shape {shape}")


def _numbers(dtype: np.dtype[Any], contents: bytes, shape: Iterable[int], is_fortran: bool = False) -> npt.NDArray[Any]:
    """Numbers out of a byte string that must fill the shape exactly."""
    shape = tuple(map(int, shape))
    if dtype.hasobject or min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(contents):
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
