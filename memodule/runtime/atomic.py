"""Files that are either whole or absent: write aside, then rename."""

import contextlib
import errno
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_ASIDE: Final = ".memodule-tmp-"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a free path next to `path`, with the same suffix; it replaces `path` when the block ends without an error.

    Readers see the old file or the new one, never half of it; after an error or a kill the old file is untouched. Of
    two writers the last one to finish wins. Missing parent folders are created.

    Raises:
        OSError: If `path` cannot be written, for instance because it is a folder.
    """
    if path.is_dir():  # or empty, which means the working directory
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = aside_of(path)
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8 in one step."""
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write plain values as indented JSON in one step.

    Raises:
        ValueError: If a number is infinite or undefined, which JSON cannot express.
        TypeError: If a value is not plain.
    """
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def aside_of(path: Path) -> Path:
    """A free path next to `path`, with the same suffix, that `remove_leftovers` recognises."""
    return path.with_name(f"{_ASIDE}{uuid.uuid4().hex}{path.suffix}")


def remove_leftovers(folder: Path, older_than: float = 0.0) -> None:
    """Remove what killed writers have left anywhere below `folder`.

    Args:
        folder: Where to search; no one else may be writing to it, unless `older_than` is long enough.
        older_than: Minimum age in seconds; younger files and folders may be in use.
    """
    for path in folder.rglob(f"{_ASIDE}*"):
        with contextlib.suppress(FileNotFoundError):  # its writer has just finished
            if time.time() - path.stat().st_mtime < older_than:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
