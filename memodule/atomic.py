"""Files that are either whole or absent: write aside, then rename."""

import contextlib
import json
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
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{_ASIDE}{uuid.uuid4().hex}{path.suffix}")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` in one step."""
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON to `path` in one step; NaN is refused, since JSON has none."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def remove_leftovers(folder: Path) -> None:
    """Remove what a writer that was killed has left below `folder`; only for folders that nobody else writes to."""
    for path in folder.rglob(f"{_ASIDE}*"):
        path.unlink(missing_ok=True)
