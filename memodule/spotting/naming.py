"""Names of result files: the video's own, unless those files belong to another video."""

import contextlib
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from memodule.errors import UserError

_LEVELS: Final = 4
"""Number of candidate names of a video; the last one is unique."""

_SUFFIXES: Final = (".json", ".csv", ".html", ".mp4")


def result_names(paths: Sequence[Path], out: Path | None) -> list[str]:
    """A file name for each video, the same whatever the order of the videos.

    A video keeps the name that its results in `out` already have. A name that two new videos would share, or that
    belongs to another video in `out`, is extended: v1, then folder-v1, then v1-avi, then v1- and a hash of the path.

    Args:
        out: Where files go; None ignores existing files.

    Returns:
        Names without suffix, in the order of the videos.
    """
    possible = {path: list(_candidates(path.resolve())) for path in paths}
    names: dict[Path, str] = {}
    if out is not None:
        names = {path: known for path in paths if (known := _known_name(out, path, possible[path]))}
    for level in range(_LEVELS):
        waiting = [path for path in paths if path not in names]
        wanted = Counter(possible[path][level].casefold() for path in waiting)
        taken = {name.casefold() for name in names.values()}
        for path in waiting:
            name = possible[path][level]
            free = wanted[name.casefold()] == 1 and name.casefold() not in taken
            if level == _LEVELS - 1 or (free and (out is None or not _is_taken(out, name))):
                names[path] = name
    return [names[path] for path in paths]


def _candidates(path: Path) -> Iterator[str]:
    stem = path.name if path.is_dir() else path.stem
    yield stem
    yield f"{path.parent.name}-{stem}" if path.parent.name else stem
    yield f"{stem}{path.suffix.replace('.', '-')}"
    yield f"{stem}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def _known_name(out: Path, video: Path, names: Sequence[str]) -> str | None:
    """The name of results of this video that exist already."""
    for name in names:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # no such file, not ours, or damaged
            if json.loads((out / f"{name}.json").read_text(encoding="utf-8"))["file"] == str(video.resolve()):
                return name
    return None


def _is_taken(out: Path, name: str) -> bool:
    return any((out / f"{name}{suffix}").exists() for suffix in _SUFFIXES)


@contextlib.contextmanager
def writable(out: Path) -> Iterator[None]:
    """Create the folder of results and check that it can be written to before hours of work; removed if left empty.

    Raises:
        UserError: If it cannot be created or written to.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        _remove_empty(made)
        raise UserError(f"--out {out}: cannot be written ({error.strerror}); choose another folder") from None
    try:
        yield
    finally:
        _remove_empty(made)


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
