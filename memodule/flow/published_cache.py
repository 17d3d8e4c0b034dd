"""The authors' released features (`cache/<data set>_dataset.pkl`) -> our flow store.

A cache is a pickled list: per video a list of windows, per window an array (36, k). It names neither subjects nor
videos; its order is that of the published code:

- folders in natural order: the subjects, and within a subject its videos (`spNO.2` before `spNO.10`; `006_1`, `006_2`);
- of these only the videos with at least one usable micro-expression (published `load_label`).

So the n-th list belongs to the n-th such video of the Catalog, which must be built from the same label files. Nothing
in a cache can prove this, but every video must have the number of windows that its length requires, and one that does
not fit is named. Two differences remain, and both are reported: the published code counts image numbers of CAS(ME)^3
(it repeats images over gaps) where our Catalog counts images, so a video with gaps may have one window more; and it
keeps a row or two that our readers drop, so it may contain one video more.

CAS(ME)^3 is released in five files `CASME_3_dataset_1.pkl` .. `_5.pkl`; pass their folder to read them as one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from memodule.console import note
from memodule.datasets.catalog import Catalog, Video
from memodule.datasets.folders import natural_key
from memodule.errors import UserError
from memodule.flow.store import CHANNELS, FlowStore
from memodule.runtime.plain_pickle import read_plain_pickle

KIND: Final = "published cache"
"""The kind of source of these features in the store."""

_TOLERATED: Final = 1
"""Windows that a video may have more or fewer than its length requires, as in training."""

Windows = list[npt.NDArray[np.float32]]
"""The windows of one video, (36, k) each."""


def read_published_cache(path: Path, length: int | None = None) -> list[Windows]:
    """Read a cache without running anything in it.

    Args:
        path: The pickle, or a folder of pickles (`*.pkl`) that are parts of one cache, read in natural order.
        length: Expected frames per window; None accepts any length that is the same everywhere.

    Raises:
        UserError: If a file is missing, damaged, contains foreign classes (`memodule.runtime.plain_pickle`), or
            anything but finite windows of one length; names the file, the video and the window, both counted from 0.
    """
    videos: list[Windows] = []
    for file in _files(path):
        contents = read_plain_pickle(file)
        if not isinstance(contents, list | tuple):
            raise UserError(f"{file}: contains {_what(contents)} instead of a list of videos; pass the authors' cache")
        for i, windows in enumerate(contents):
            where = f"{file}, video {i}"
            if not isinstance(windows, list | tuple | np.ndarray):
                raise UserError(f"{where}: is {_what(windows)} instead of a list of windows; pass the authors' cache")
            videos.append([_window(window, f"{where}, window {j}", length) for j, window in enumerate(windows)])
            length = videos[-1][0].shape[1] if videos[-1] else length
    return videos


def import_published_cache(path: Path, catalog: Catalog, store: FlowStore) -> int:
    """Put the features of a cache into a store, under the subjects and videos of a Catalog; returns their number.

    Nothing is written unless everything fits. Existing features of these videos are replaced.

    Args:
        path: The cache (see `read_published_cache`).
        store: Its parameters must be those of the cache, with published motion compensation.

    Raises:
        UserError: If the cache cannot be read, or does not fit the Catalog or the parameters; names what does not fit.
    """
    parameters = store.parameters
    if parameters.motion_compensation != "published":
        raise UserError(f"{path}: has published motion compensation; use `--motion-compensation published`")
    videos = published_order(catalog)
    cached = read_published_cache(path, parameters.window)
    _require_fit(path, cached, videos, store)
    for i, (windows, video) in enumerate(zip(cached, videos, strict=True)):
        array = np.stack(windows) if windows else np.zeros((0, CHANNELS, parameters.window), np.float32)
        source = {"kind": KIND, "path": str(path), "position": i}
        quality = {"windows_without_face": int((~array.any((1, 2))).sum())}
        store.put(video.subject, video.video, array, fps=video.fps, frames=video.frames, source=source, quality=quality)
    return len(videos)


def published_order(catalog: Catalog) -> list[Video]:
    """The videos that the published code uses, in its order: those with a micro-expression, in natural order."""
    with_micro = {expression.key for expression in catalog.expressions if expression.kind == "micro"}
    videos = [video for video in catalog.videos if video.key in with_micro]
    return sorted(videos, key=lambda video: (natural_key(video.subject), natural_key(video.video)))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    names = (file.name for file in path.glob("*.pkl"))
    files = [path / name for name in sorted(names, key=natural_key)]
    if not files:
        raise UserError(f"{path}: no *.pkl in it; pass the authors' cache, or the folder of its parts")
    return files


def _window(window: Any, where: str, length: int | None) -> npt.NDArray[np.float32]:
    """A window as float32, checked."""
    expected = f"({CHANNELS}, {length or 'k'})"
    if not isinstance(window, np.ndarray) or window.ndim != 2 or window.dtype.kind != "f":
        raise UserError(f"{where}: is {_what(window)} instead of a float array {expected}; pass the authors' cache")
    if window.shape[0] == 10:
        raise UserError(f"{where}: has the 10 channels of the older method; pass the cache of the 36-channel one")
    if window.shape[0] != CHANNELS or length not in (None, window.shape[1]):
        raise UserError(f"{where}: has the shape {window.shape} instead of {expected}; check `--window`")
    if not np.isfinite(window).all():
        raise UserError(f"{where}: contains infinite or undefined values; download the cache again")
    return np.ascontiguousarray(window, dtype=np.float32)


def _what(value: Any) -> str:
    return f"an array {value.shape} of {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


def _require_fit(path: Path, cached: Sequence[Windows], videos: Sequence[Video], store: FlowStore) -> None:
    """Refuse a cache of other videos."""
    misfits = list(_misfits(cached, videos, store))
    if len(cached) != len(videos):
        first = f"; the first that does not fit is {misfits[0]}" if misfits else ""
        raise UserError(
            f"{path}: contains {len(cached)} videos, but {len(videos)} videos of the Catalog have a micro-expression"
            f"{first}; use all parts of the cache, and a Catalog of exactly these videos"
        )
    if misfits:
        more = f", and {len(misfits) - 1} more videos do not fit" if len(misfits) > 1 else ""
        raise UserError(f"{path}: {misfits[0]}{more}; check `frames` in videos.csv, `--window` and `--frame-step`")
    for windows, video in zip(cached, videos, strict=True):
        expected = store.parameters.windows(video.frames)
        if len(windows) != expected:
            note(f"{'/'.join(video.key)}: {len(windows)} windows in the cache, {expected} according to its frames")


def _misfits(cached: Sequence[Windows], videos: Sequence[Video], store: FlowStore) -> Iterator[str]:
    for i, (windows, video) in enumerate(zip(cached, videos, strict=False)):
        expected = store.parameters.windows(video.frames)
        if abs(len(windows) - expected) > _TOLERATED:
            name, counts = "/".join(video.key), f"{len(windows)} windows, its {video.frames} frames give {expected}"
            yield f"video {i} of the cache ({counts}), which should be {name}"
