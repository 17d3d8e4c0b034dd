"""The features of one video on disk: what their description says, and whether its array is present and intact."""

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from memodule.flow.parameters import FlowParameters

FORMAT: Final = "memodule flow 1"
"""The value of `format` in descriptions of this kind."""

_FIELDS: Final = {
    "subject": str,
    "video": str,
    "parameters": dict,
    "fps": float,
    "frames": int,
    "windows": int,
    "array": str,
    "sha256": str,
    "source": dict,
    "quality": dict,
}


@dataclasses.dataclass(frozen=True)
class FlowRecord:
    """The features of one video. Records are small and can be pickled: they hold no array and no open file.

    Attributes:
        fps: Frames per second of the source video.
        source: What they were computed from, as plain values; "kind" names the kind of source.
        quality: Quality of the extraction, as plain values (see `memodule.flow.quality`).
        shape: (W, 36, window).
        sha256: Of the array file `path`.
    """

    subject: str
    video: str
    parameters: FlowParameters
    fps: float
    frames: int
    source: Mapping[str, Any]
    quality: Mapping[str, Any]
    shape: tuple[int, int, int]
    path: Path
    sha256: str

    @property
    def windows(self) -> npt.NDArray[np.float32]:
        """The features, (W, 36, window) float32, read-only and memory-mapped again at every access.

        Window i covers `window` sampled frames from `parameters.starts(W)[i]` on.
        Mapping takes about 30 microseconds and keeps one file open while the array exists: a thousand records are no
        problem, but a thousand arrays exceed the limit of open files of most systems.
        """
        array: npt.NDArray[np.float32] = np.load(self.path, mmap_mode="r")
        return array


def parse_description(description: Path) -> dict[str, Any] | None:
    """The contents of an existing description, with all of `_FIELDS`; None if it is not one of ours."""
    try:
        known = json.loads(description.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        return None
    if not isinstance(known, dict) or known.get("format") != FORMAT:
        return None
    complete = all(isinstance(known.get(key), kind) for key, kind in _FIELDS.items())
    return known if complete else None


def named_array(description: Path) -> str | None:
    """File name of the array that a description names; None if there is no description, or it is not one of ours."""
    known = parse_description(description) if description.is_file() else None
    return Path(known["array"]).name if known else None


def array_problem(record: FlowRecord) -> str | None:
    """What is wrong with the array file, judged by its header and size; None if nothing is."""
    try:
        with record.path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            expected = file.tell() + math.prod(record.shape) * 4
            size = os.fstat(file.fileno()).st_size  # of the file just read, which may have been replaced since
    except FileNotFoundError:
        return "the array is missing"
    except ValueError:
        return "not a flow array (truncated or foreign)"
    if shape != record.shape or fortran or dtype != np.dtype(np.float32):
        return f"an array of {shape} {dtype} instead of {record.shape} float32"
    return None if size == expected else f"truncated or overwritten ({size} bytes instead of {expected})"
