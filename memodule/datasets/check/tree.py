"""The folders and files below a root, abridged to fit next to the expected tree."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from memodule.datasets.folders import Content, Listing
from memodule.errors import UserError

_DEPTH: Final = 5
_FOLDERS: Final = 3
_FILES: Final = 5


def found_tree(listing: Listing, root: Path) -> str:
    """One line per folder or file, with the contents of the first folder of each level."""
    if not root.is_dir():
        return f"{root.name}/  no such folder"
    return "\n".join((f"{root.name or root}/", *_lines(listing, root, 1)))


def _lines(listing: Listing, folder: Path, depth: int) -> Iterator[str]:
    try:
        content = listing.look(folder)
    except UserError:
        yield f"{'  ' * depth}(cannot be listed)"
        return
    indent = "  " * depth
    names = content.folders
    for position, name in enumerate(names[:_FOLDERS]):
        yield f"{indent}{name}/"
        if depth < _DEPTH and (depth == 1 or position == 0):
            yield from _lines(listing, folder / name, depth + 1)
    if len(names) > _FOLDERS:
        between = f"... {len(names) - _FOLDERS - 1} more folders ... " if len(names) > _FOLDERS + 1 else ""
        yield f"{indent}{between}{names[-1]}/"
    yield from (indent + line for line in _files(content))


def _files(content: Content) -> Iterator[str]:
    images = content.images
    if images.count:
        numbers = f", {images.runs[0][0]} .. {images.runs[-1][1]}" if images.runs else ""
        yield f"{images.count:,} images{numbers}"
    yield from content.files[:_FILES]
    if len(content.files) > _FILES:
        yield f"... {len(content.files) - _FILES} more files"
