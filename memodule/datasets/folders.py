"""Folders of a data set: what they hold, and how their images are numbered.

Listing a million images over a network takes minutes, so listings can be kept in an index file. It is never written
into the data set itself, which may be read-only. An entry is valid as long as the folder's modification time is.
"""

import dataclasses
import json
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from memodule.console import note
from memodule.errors import UserError
from memodule.runtime.atomic import write_text
from memodule.runtime.digests import text_sha256

IMAGE_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
"""Files that count as frames."""

_INDEX_FORMAT: Final = 1
_SETTLED: Final = 2_000_000_000  # ns; a folder that changed more recently may change again without a new time stamp


@dataclasses.dataclass(frozen=True)
class Images:
    """The image files of one folder.

    Attributes:
        runs: Unbroken runs (first, last) of the numbers in their names, ascending.
        oddity: Why the numbers do not order the images ("" if they do).
    """

    count: int = 0
    runs: tuple[tuple[int, int], ...] = ()
    oddity: str = ""

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Runs (first, last) of missing numbers between the first image and the last."""
        return tuple((a[1] + 1, b[0] - 1) for a, b in zip(self.runs, self.runs[1:], strict=False))

    @property
    def missing(self) -> int:
        """How many numbers are missing between the first image and the last."""
        return sum(last - first + 1 for first, last in self.gaps)

    def at_or_after(self, number: int) -> int:
        """Position (from 0) of the first image numbered `number` or higher; `count` if there is none."""
        position = 0
        for first, last in self.runs:
            if number <= last:
                return position + max(0, number - first)
            position += last - first + 1
        return position

    def at_or_before(self, number: int) -> int:
        """Position (from 0) of the last image numbered `number` or lower; -1 if there is none."""
        return self.at_or_after(number + 1) - 1


@dataclasses.dataclass(frozen=True)
class Content:
    """What one folder holds, except hidden files and folders.

    Attributes:
        folders: Names of its sub-folders (links to folders included), in natural order.
        files: Names of the files that are not images, in natural order.
    """

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    images: Images = Images()


class Listing:
    """Lists folders, each at most once, and keeps the results in an index file.

    Args:
        index: The index file, or None to keep nothing. Use the Listing as a context manager to have it written.
    """

    def __init__(self, index: Path | None = None) -> None:
        self.index = index
        self.scanned = 0
        self._seen: dict[Path, Content] = {}
        self._remembered: dict[str, Any] = _read_index(index) if index else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.index and self.scanned:
            try:
                write_text(self.index, json.dumps({"format": _INDEX_FORMAT, "folders": self._remembered}))
            except OSError as failure:
                note(f"{self.index}: the listing cannot be kept ({failure.strerror}); the next run will list again")

    def look(self, folder: Path) -> Content:
        """What the folder holds, without what is in its sub-folders.

        A folder that was listed in this run, or has not changed since it was indexed, is not read again.

        Raises:
            UserError: If it cannot be listed.
        """
        if folder not in self._seen:
            try:
                self._seen[folder] = self._recall(folder) or self._scan(folder)
            except OSError as error:
                raise UserError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from None
        return self._seen[folder]

    def _recall(self, folder: Path) -> Content | None:
        entry = self._remembered.get(str(folder.absolute()))
        return _decode(entry) if entry and entry["changed"] == folder.stat().st_mtime_ns else None

    def _scan(self, folder: Path) -> Content:
        changed = folder.stat().st_mtime_ns
        content = _scan(folder)
        self.scanned += 1
        if time.time_ns() - changed > _SETTLED:
            self._remembered[str(folder.absolute())] = {"changed": changed, **dataclasses.asdict(content)}
        return content


def default_index(root: Path) -> Path:
    """The index file of a root in the user's cache folder, one per root; it need not exist."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "memodule" / f"listing-{text_sha256(str(root.absolute()))[:16]}.json"


def natural_key(name: str) -> tuple[Any, ...]:
    """Sort key under which `img10` follows `img9`, without case."""
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p.casefold()) for p in re.split(r"(\d+)", name) if p)


def _scan(folder: Path) -> Content:
    folders, files, images = [], [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith((".", "~$")):  # hidden files and locks of spreadsheet programs
                continue
            if name.lower().endswith(IMAGE_SUFFIXES):
                images.append(name)
            elif entry.is_dir():
                folders.append(name)
            else:
                files.append(name)
    return Content(tuple(sorted(folders, key=natural_key)), tuple(sorted(files, key=natural_key)), _images(images))


def _images(names: Sequence[str]) -> Images:
    stems = [name[: name.rfind(".")] for name in names]
    heads = [stem.rstrip("0123456789") for stem in stems]
    numbers = sorted(int(stem[len(head) :]) for stem, head in zip(stems, heads, strict=True) if len(stem) > len(head))
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number <= runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    oddity = ""
    if len(numbers) < len(names):
        oddity = f"{len(names) - len(numbers)} image names do not end in a number"
    elif len(set(numbers)) < len(numbers):
        oddity = f"{len(numbers) - len(set(numbers))} frame numbers occur twice"
    elif len(set(heads)) > 1:
        oddity = f"image names have different beginnings: {', '.join(sorted(set(heads))[:3])}"
    return Images(len(names), tuple((first, last) for first, last in runs), oddity)


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        return dict(index["folders"]) if index["format"] == _INDEX_FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # no index, or not ours: list again


def _decode(entry: dict[str, Any]) -> Content:
    images = entry["images"]
    runs = tuple((first, last) for first, last in images["runs"])
    return Content(tuple(entry["folders"]), tuple(entry["files"]), Images(images["count"], runs, images["oddity"]))
