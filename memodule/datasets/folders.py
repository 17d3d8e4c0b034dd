"""Folders of a data set: what they hold, how their images are numbered, and where label files and videos are.

Listing a million images over a network takes minutes, so what was seen can be kept in an index file. It never lies in
the data set itself, which may be read-only. An entry counts as long as the folder's time of change is the same.
"""

import dataclasses
import fnmatch
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from memodule.atomic import write_text
from memodule.console import note
from memodule.errors import UserError

IMAGE_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
"""Files that count as frames."""

_INDEX_FORMAT: Final = 1
_SETTLED: Final = 2_000_000_000  # ns; a folder that changed later may change again without a new time stamp
_LABEL_DEPTH: Final = 2  # label files lie in the root or at most so many folders below it
_VIDEO_DEPTH: Final = 7


@dataclasses.dataclass(frozen=True)
class Images:
    """The image files of one folder.

    Attributes:
        count: How many there are.
        runs: Unbroken runs (first, last) of the numbers in their names, ascending.
        oddity: Why the numbers do not order the images ("" if they do).
    """

    count: int = 0
    runs: tuple[tuple[int, int], ...] = ()
    oddity: str = ""

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Runs (first, last) of numbers that are missing between the first image and the last."""
        return tuple((a[1] + 1, b[0] - 1) for a, b in zip(self.runs, self.runs[1:], strict=False))

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
    """What one folder holds.

    Attributes:
        folders: Names of its sub-folders (links to folders included), in natural order; hidden ones are left out.
        files: Names of its other files that are no images.
        images: Its images.
    """

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    images: Images = Images()


class Listing:
    """Looks into folders, each at most once, and remembers what it saw in an index file.

    Args:
        index: The index file, or None to remember nothing. Use the Listing as a context manager to have it written.
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
                note(f"{self.index}: cannot keep the listing ({failure.strerror}); the next run will list again")

    def look(self, folder: Path) -> Content:
        """What the folder holds.

        Args:
            folder: The folder; one that was seen in this run, or has not changed since it was remembered, is not read
                again.

        Returns:
            What it holds; nothing below its sub-folders.

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
    """Where the listing of a root is kept unless the user says otherwise: the user's cache folder.

    Args:
        root: The root of the data set.

    Returns:
        A file of its own for every root, which need not exist.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "memodule" / f"listing-{hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:16]}.json"


def natural_key(name: str) -> tuple[Any, ...]:
    """Sort key under which `img10` follows `img9`, without case."""
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p.casefold()) for p in re.split(r"(\d+)", name) if p)


def find_files(listing: Listing, root: Path, patterns: Sequence[str]) -> list[Path]:
    """Files that match the patterns (case does not count), in the order of the patterns, then the shallowest first.

    Args:
        listing: Looks into the folders.
        root: The root of the data set; files may lie in it or up to two folders below it.
        patterns: File names with `*` and `?`, or a path below the root or an absolute one.

    Returns:
        The paths; the first pattern alone if it names an existing file exactly.

    Raises:
        UserError: If a folder cannot be listed.
    """
    found = [root / pattern for pattern in patterns if (root / pattern).is_file()]
    if found and found[0] == root / patterns[0]:
        return found[:1]
    everything = [(path.name.casefold(), path) for path in _label_files(listing, root)]
    for pattern in patterns:
        name = pattern.casefold()
        found += [path for have, path in everything if fnmatch.fnmatchcase(have, name) and path not in found]
    return found


def has_entry(listing: Listing, root: Path, patterns: Sequence[str]) -> bool:
    """Whether a file or folder matches one of the patterns, in the root or up to two folders below it.

    Args:
        listing: Looks into the folders.
        root: The root of the data set.
        patterns: Names with `*` and `?`; case does not count.

    Returns:
        Whether one is there.

    Raises:
        UserError: If a folder cannot be listed.
    """
    for folder, _ in _folders_below(listing, root, _LABEL_DEPTH):
        content = listing.look(folder)
        names = [name.casefold() for name in (*content.folders, *content.files)]
        if any(fnmatch.fnmatchcase(name, pattern.casefold()) for name in names for pattern in patterns):
            return True
    return False


def find_folder(listing: Listing, root: Path, name: str) -> Path:
    """The folder `name` in the root or up to two folders below it (case does not count), else the root itself.

    Args:
        listing: Looks into the folders.
        root: The root of the data set.
        name: Name of the folder.

    Returns:
        The shallowest match.

    Raises:
        UserError: If a folder cannot be listed.
    """
    if (root / name).is_dir():
        return root / name
    for folder, _ in _folders_below(listing, root, _LABEL_DEPTH):
        match = next((n for n in listing.look(folder).folders if n.casefold() == name.casefold()), None)
        if match:
            return folder / match
    return root


def find_videos(
    listing: Listing,
    base: Path,
    identify: Callable[[str], tuple[str, str] | None],
    passed_over: Collection[str] = (),
) -> dict[tuple[str, str], Path]:
    """All folders below `base` that `identify` takes for the frames of a video, in natural order.

    Args:
        listing: Looks into the folders.
        base: Where to start; links are followed.
        identify: (subject, video) of a folder given its path below `base` with forward slashes, or None.
        passed_over: Names of folders that need not be looked into.

    Returns:
        The folder of each (subject, video).

    Raises:
        UserError: If a video is found twice.
    """
    videos: dict[tuple[str, str], Path] = {}

    def is_leaf(below: str) -> bool:
        return below.rpartition("/")[2].lower() in passed_over or identify(below) is not None

    for folder, below in _folders_below(listing, base, _VIDEO_DEPTH, is_leaf):
        key = identify(below)
        if key is None:
            continue
        if key in videos:
            raise UserError(
                f"{folder}: video {'/'.join(key)} is also in {videos[key]}; move one of them out of the data set"
            )
        videos[key] = folder
    return videos


def _folders_below(
    listing: Listing, root: Path, depth: int, is_leaf: Callable[[str], bool] = lambda _: False
) -> Iterator[tuple[Path, str]]:
    """The root and the folders below it, level by level: path, and path below the root; leaves are not entered."""
    level: list[tuple[Path, str, tuple[str, ...]]] = [(root, "", (os.path.realpath(root),))]
    while level:
        deeper = []
        for folder, below, ancestors in level:
            yield folder, below
            if len(ancestors) > depth or is_leaf(below):
                continue
            for name in listing.look(folder).folders:
                real = os.path.realpath(folder / name)
                if real not in ancestors:  # a link that leads back up would never end
                    deeper.append((folder / name, f"{below}/{name}".lstrip("/"), (*ancestors, real)))
        level = deeper


def _label_files(listing: Listing, root: Path) -> Iterator[Path]:
    for folder, _ in _folders_below(listing, root, _LABEL_DEPTH):
        yield from (folder / name for name in listing.look(folder).files)


def _scan(folder: Path) -> Content:
    folders, files, images = [], [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith((".", "~$")):  # hidden, and the locks of spreadsheet programs
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
        oddity = f"image names begin differently: {', '.join(sorted(set(heads))[:3])}"
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
