"""Searches for label files and the folders of videos below the root of a data set, and explains if they are missing."""

import fnmatch
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from memodule.datasets.catalog import VideoKey
from memodule.datasets.folders import Listing
from memodule.errors import UserError

_LABEL_DEPTH: Final = 2  # label files are in the root or at most this many folders below it
_VIDEO_DEPTH: Final = 7
_SHOWN: Final = 6  # names in a message


def label_file(listing: Listing, root: Path, patterns: Sequence[str]) -> Path:
    """The first of `find_files`.

    Raises:
        UserError: If there is none; the message lists what was found instead.
    """
    found = find_files(listing, root, patterns)
    if found:
        return found[0]
    others = find_files(listing, root, ("*.xls", "*.xlsx", "*.csv"))
    instead = f" (found instead: {', '.join(path.name for path in others[:_SHOWN])})" if others else ""
    what = f"no label file {' or '.join(patterns)} here or in a folder below{instead}"
    raise UserError(f"{root}: {what}; copy it there, or write its path into the description")


def find_files(listing: Listing, root: Path, patterns: Sequence[str]) -> list[Path]:
    """Files in the root or up to two folders below it that match the patterns, without regard to case.

    Args:
        patterns: File names with `*` and `?`, or a path below the root or an absolute one; the usual one first.

    Returns:
        The paths in the order of the patterns, then the shallowest first; only the first pattern's if it names an
        existing file exactly.
    """
    found = [root / pattern for pattern in patterns if (root / pattern).is_file()]
    if found and found[0] == root / patterns[0]:
        return found[:1]
    folders = _folders_below(listing, root, _LABEL_DEPTH)
    everything = [folder / name for folder, _ in folders for name in listing.look(folder).files]
    for pattern in patterns:
        found += [path for path in everything if _matches(path.name, [pattern]) and path not in found]
    return found


def has_entry(listing: Listing, root: Path, patterns: Sequence[str]) -> bool:
    """Whether a file or folder in the root or up to two folders below it matches one of the patterns."""
    contents = (listing.look(folder) for folder, _ in _folders_below(listing, root, _LABEL_DEPTH))
    return any(_matches(name, patterns) for content in contents for name in (*content.folders, *content.files))


def video_folders(
    listing: Listing,
    root: Path,
    name: str,
    identify: Callable[[str], VideoKey | None],
    example: str,
    skipped: Collection[str] = (),
) -> dict[VideoKey, Path]:
    """The folder of images of each (subject, video), in natural order; links are followed.

    Args:
        name: Folder that holds the videos; the root itself if there is no such folder.
        identify: (subject, video) of a folder given its path below `name` with forward slashes, or None.
        example: What the folders are called, for the message.
        skipped: Names of folders that are not searched.

    Raises:
        UserError: If the root or all videos are missing, or a video is found twice.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; pass the data set's folder, laid out as data/README.md shows")
    base = find_folder(listing, root, name)
    videos = _videos_below(listing, base, identify, skipped) or _videos_below(listing, root, identify, skipped)
    if videos:
        return videos
    there = listing.look(base).folders
    instead = f" (found: {', '.join(there[:_SHOWN])}{' ...' if len(there) > _SHOWN else ''})" if there else ""
    raise UserError(f"{base}: no video folders called {example}{instead}; lay them out as data/README.md shows")


def find_folder(listing: Listing, root: Path, name: str) -> Path:
    """The shallowest folder `name` in the root or up to two folders below it, in any case; else the root itself."""
    if (root / name).is_dir():
        return root / name
    for folder, _ in _folders_below(listing, root, _LABEL_DEPTH):
        match = next((n for n in listing.look(folder).folders if n.casefold() == name.casefold()), None)
        if match:
            return folder / match
    return root


def _videos_below(
    listing: Listing, base: Path, identify: Callable[[str], VideoKey | None], skipped: Collection[str]
) -> dict[VideoKey, Path]:
    videos: dict[VideoKey, Path] = {}

    def is_leaf(below: str) -> bool:
        return below.rpartition("/")[2].lower() in skipped or identify(below) is not None

    for folder, below in _folders_below(listing, base, _VIDEO_DEPTH, is_leaf):
        key = identify(below)
        if key in videos:
            what = f"video {'/'.join(key)} is also in {videos[key]}"
            raise UserError(f"{folder}: {what}; move one of them out of the data set")
        if key is not None:
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


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)
