"""Label files and video folders below the root that a user names, and the errors if they are missing."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from memodule.datasets.catalog import VideoKey
from memodule.datasets.finding import find_files, find_folder, find_videos
from memodule.datasets.folders import Listing
from memodule.errors import UserError

_SHOWN = 6


def label_file(listing: Listing, root: Path, patterns: Sequence[str]) -> Path:
    """The file that matches the first pattern possible, the shallowest match first.

    Args:
        listing: Lists the folders.
        root: The root of the data set.
        patterns: File names with `*` and `?`, the usual one first.

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


def video_folders(
    listing: Listing,
    root: Path,
    name: str,
    identify: Callable[[str], VideoKey | None],
    example: str,
    skipped: Collection[str] = (),
) -> dict[VideoKey, Path]:
    """The folder of images of each (subject, video), in natural order.

    Args:
        listing: Lists the folders.
        root: Root of the data set.
        name: Folder that holds the videos; the root itself if there is no such folder.
        identify: (subject, video) of a folder given its path below `name`, or None.
        example: What the folders are called, for the message.
        skipped: Names of folders that are not searched.

    Raises:
        UserError: If the root or all videos are missing.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; pass the data set's folder, laid out as data/README.md shows")
    base = find_folder(listing, root, name)
    videos = find_videos(listing, base, identify, skipped) or find_videos(listing, root, identify, skipped)
    if videos:
        return videos
    there = listing.look(base).folders
    instead = f" (found: {', '.join(there[:_SHOWN])}{' ...' if len(there) > _SHOWN else ''})" if there else ""
    raise UserError(f"{base}: no video folders called {example}{instead}; lay them out as data/README.md shows")
