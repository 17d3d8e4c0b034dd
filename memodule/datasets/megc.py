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

    The parts differ in frame rate, so each is a separate Catalog.

    Args:
        root: Folder that holds the frames (see data/README.md).
        frames: Name of the folder that holds the videos' folders.
        folders: Regular expression with the groups `subject` and `video`, searched for in the path of a video's folder
            below `frames`.

    Raises:
        UserError: If the folders are missing or `folders` is not such an expression.
    """
    try:
        pattern = re.compile(folders)
    except re.error as error:
        what = f"{folders!r} is not a regular expression ({error})"
        raise UserError(f"folders: {what}; correct the data set's YAML file") from None
    if not {"subject", "video"} <= pattern.groupindex.keys():
        raise UserError(f"folders: {folders!r} needs the groups (?P<subject>...) and (?P<video>...)")

    def identify(below: str) -> tuple[str, str] | None:
        match = pattern.search(below)
        return (match["subject"], match["video"]) if match else None

    listing = listing or Listing()
    found = video_folders(listing, Path(root), frames, identify, f"like {folders}")
    return assemble(name, [], found, listing, fps=fps, emotions={})
