"""Tables of `memodule spot` as predictions: rows name files, and some mark parts that were not analysed."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from memodule import console
from memodule.datasets.catalog import VideoKey
from memodule.errors import UserError
from memodule.runtime.csv_files import csv_rows

NOT_ANALYSED: Final = "not_analysed"
"""The kind of rows that mark a part of a video which was not analysed."""

Keys = Mapping[Path, VideoKey]


def is_spot_table(header: Collection[str]) -> bool:
    """Whether a file with these columns was written by `memodule spot`."""
    return "subject" not in header and {"video", "kind", "onset_s"} <= set(header)


def keys_by_path(videos: Path | None, table: Path) -> dict[Path, VideoKey]:
    """Absolute path -> (subject, video), from the column path of a `videos.csv`.

    Raises:
        UserError: If `videos` is None or cannot be read.
    """
    if videos is None:
        raise UserError(
            f"{table}: a table of memodule spot names files, not subjects; pass --videos with the columns subject, "
            "video, path"
        )
    rows = csv_rows(videos, ("subject", "video", "path"))
    return {(videos.parent / cells["path"]).resolve(): (cells["subject"], cells["video"]) for _, cells in rows}


def with_key(cells: Mapping[str, str], keys: Keys, where: str) -> dict[str, str]:
    """The cells of a row, `subject` added and `video` (a path) replaced by its code.

    Raises:
        UserError: If `keys` has no such path.
    """
    key = keys.get(Path(cells["video"]).resolve())
    if key is None:
        raise UserError(
            f"{where}: --videos has no path {cells['video']}; correct it, or use the folder where memodule spot ran"
        )
    return {**cells, "subject": key[0], "video": key[1]}


def report_not_analysed(table: Path, parts: Sequence[tuple[VideoKey, int]]) -> None:
    """Warn if parts of videos, each (video, number of frames), were not analysed."""
    if parts:
        frames, videos = sum(count for _, count in parts), len({key for key, _ in parts})
        console.warn(
            f"{table}: {frames} frames of {videos} video{'s'[: videos != 1]} were not analysed; "
            "expressions there count as missed"
        )
