"""Searches for label files and the folders of videos below the root of a data set."""

import fnmatch
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from memodule.datasets.folders import Listing
from memodule.errors import UserError

_LABEL_DEPTH: Final = 2  # label files are in the root or at most this many folders below it
_VIDEO_DEPTH: Final = 7


def find_files(listing: Listing, root: Path, patterns: Sequence[str]) -> list[Path]:
    """Files in the root or up to two folders below it that match the patterns, without regard to case.

    Args:
        listing: Lists the folders.
        root: The root of the data set.
        patterns: File names with `*` and `?`, or a path below the root or an absolute one.

    Returns:
        The paths in the order of the patterns, then the shallowest first; only the first pattern's if it names an
        existing file exactly.
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
    """Whether a file or folder in the root or up to two folders below it matches one of the patterns."""
    for folder, _ in _folders_below(listing, root, _LABEL_DEPTH):
        content = listing.look(folder)
        names = [name.casefold() for name in (*content.folders, *content.files)]
        if any(fnmatch.fnmatchcase(name, pattern.casefold()) for name in names for pattern in patterns):
            return True
    return False


def find_folder(listing: Listing, root: Path, name: str) -> Path:
    """The shallowest folder `name` in the root or up to two folders below it, in any case; else the root itself."""
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
    skipped: Collection[str] = (),
) -> dict[tuple[str, str], Path]:
    """The folder of each (subject, video) below `base`, in natural order; links are followed.

    Args:
        listing: Lists the folders.
        base: Where to start.
        identify: (subject, video) of a folder given its path below `base` with forward slashes, or None.
        skipped: Names of folders that are not searched.

    Raises:
        UserError: If a video is found twice.
    """
    videos: dict[tuple[str, str], Path] = {}

    def is_leaf(below: str) -> bool:
        return below.rpartition("/")[2].lower() in skipped or identify(below) is not None

    for folder, below in _folders_below(listing, base, _VIDEO_DEPTH, is_leaf):
        key = identify(below)
        if key is None:
            continue
        if key in videos:
            what = f"video {'/'.join(key)} is also in {videos[key]}"
            raise UserError(f"{folder}: {what}; move one of them out of the data set")
        videos[key] = folder
    return videos


def _folders_below(
    listing: Listing, root: Path, depth: int, is_leaf: Callable[[str], bool] = lambda _: False
) -> Iterator[tuple[Path, str]]:
    """The root and the folders below it, level by level: path, and path below the root; leaves are not searched."""
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
