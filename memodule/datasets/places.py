"""Label files and video folders below the root that a user gives, and what to say when they are not there."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from memodule.datasets.catalog import VideoKey
from memodule.datasets.finding import find_files, find_folder, find_videos
from memodule.datasets.folders import Listing
from memodule.errors import UserError

_SHOWN = 6


def label_file(listing: Listing, root: Path, patterns: Sequence[str]) -> Path:
    """The label file: the first of the patterns that is there, the shallowest match first.

    Args:
        listing: Looks into the folders.
        root: The root of the data set.
        patterns: File names with `*` and `?`, the usual one first.

    Returns:
        Its path.

    Raises:
        UserError: If there is none, naming what is there instead.
    """
    found = find_files(listing, root, patterns)
    if found:
        return found[0]
    others = find_files(listing, root, ("*.xls", "*.xlsx", "*.csv"))
    instead = f" (found instead: {', '.join(path.name for path in others[:_SHOWN])})" if others else ""
    what = f"no label file {' or '.join(patterns)} here or in a folder below{instead}"
    raise UserError(f"{root}: {what}; put it there, or name its path in the description")


def video_folders(
    listing: Listing,
    root: Path,
    name: str,
    identify: Callable[[str], VideoKey | None],
    example: str,
    passed_over: Collection[str] = (),
) -> dict[VideoKey, Path]:
    """The folders of images of all videos.

    Args:
        listing: Knows what is in folders.
        root: Root of the data set.
        name: Folder that holds the videos; the root itself where there is no such folder.
        identify: (subject, video) of a folder, given its path below `name`.
        example: How the folders are called, for the message.
        passed_over: Names of folders that need not be looked into.

    Returns:
        (subject, video) -> folder, in natural order.

    Raises:
        UserError: If the root or any video is missing.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; give the data set's folder, laid out as data/README.md shows")
    base = find_folder(listing, root, name)
    videos = find_videos(listing, base, identify, passed_over) or find_videos(listing, root, identify, passed_over)
    if videos:
        return videos
    there = listing.look(base).folders
    instead = f" (found: {', '.join(there[:_SHOWN])}{' ...' if len(there) > _SHOWN else ''})" if there else ""
    raise UserError(f"{base}: no video folders called {example}{instead}; lay them out as data/README.md shows")
