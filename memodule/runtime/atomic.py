"""Files that are either whole or absent: write aside, then rename."""

import contextlib
import errno
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_ASIDE: Final = ".memodule-tmp-"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a free path beside `path`; what the block writes there takes the place of `path` when it ends well.

    Readers see the old file or the new one, never half of it; after an error or a kill the old file is untouched. Of
    two writers the last one to finish wins.

    Args:
        path: The file to write; folders above it are made.

    Yields:
        Where to write meanwhile, with the suffix of `path`.

    Raises:
        OSError: If `path` cannot be written, for instance because it is a folder.
    """
    if path.is_dir():  # or empty, which stands for the working directory
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{_ASIDE}{uuid.uuid4().hex}{path.suffix}")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8 in one step.

    Args:
        path: The file; folders above it are made.
        text: All that it will hold.
    """
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON in one step.

    Args:
        path: The file; folders above it are made.
        value: Plain values.

    Raises:
        ValueError: If a number is infinite or undefined, for which JSON has no word.
        TypeError: If a value is not plain.
    """
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def remove_leftovers(folder: Path) -> None:
    """Remove what a writer that was killed has left below `folder`; only for folders that nobody else writes to.

    Args:
        folder: All folders below it are searched too.
    """
    for path in folder.rglob(f"{_ASIDE}*"):
        path.unlink(missing_ok=True)
