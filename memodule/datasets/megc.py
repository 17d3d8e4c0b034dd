"""The unseen test sets of the Micro-Expression Grand Challenge: frames without labels."""

import re
from pathlib import Path

from memodule.datasets.catalog import Catalog
from memodule.datasets.folders import Listing
from memodule.datasets.labels import assemble
from memodule.datasets.places import video_folders
from memodule.errors import UserError


def read_megc(
    root: Path | str,
    *,
    frames: str,
    folders: str,
    fps: float,
    name: str = "MEGC",
    listing: Listing | None = None,
) -> Catalog:
    """Read one part of an unseen test set, or any other frames without labels.

    The parts differ in frame rate, so that each is a Catalog of its own.

    Args:
        root: Folder that holds the frames (see data/README.md).
        frames: Name of the folder that holds the videos' folders.
        folders: Regular expression that finds the groups `subject` and `video` in the path of a video's folder below
            `frames`.
        fps: Frame rate.
        name: What the data set is called.
        listing: Knows what is in folders; a new one unless given.

    Returns:
        Videos without expressions, frames counted from 0 in the natural order of image names.

    Raises:
        UserError: If the folders are not there or `folders` is no such expression.
    """
    try:
        pattern = re.compile(folders)
    except re.error as error:
        raise UserError(
            f"folders: {folders!r} is no regular expression ({error}); correct the data set's YAML"
        ) from None
    if not {"subject", "video"} <= pattern.groupindex.keys():
        raise UserError(f"folders: {folders!r} needs the groups (?P<subject>...) and (?P<video>...)")

    def identify(below: str) -> tuple[str, str] | None:
        match = pattern.search(below)
        return (match["subject"], match["video"]) if match else None

    listing = listing or Listing()
    found = video_folders(listing, Path(root), frames, identify, f"like {folders}")
    return assemble(name, [], found, listing, fps=fps, emotions={})
