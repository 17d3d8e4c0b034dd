"""Tables of `memodule spot` as predictions: their rows name files, and some of them tell what was not looked at."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from memodule import console
from memodule.datasets.catalog import VideoKey
from memodule.errors import UserError
from memodule.runtime.csv_files import csv_rows

NOT_ANALYSED: Final = "not_analysed"
"""The kind of a row that bounds a part of a video of which nothing is known."""

Keys = Mapping[Path, VideoKey]


def is_spot_table(header: Collection[str]) -> bool:
    """Whether a file with these columns was written by `memodule spot`.

    Args:
        header: Names of its columns.
    """
    return "subject" not in header and {"video", "kind", "onset_s"} <= set(header)


def keys_by_path(videos: Path | None, table: Path) -> dict[Path, VideoKey]:
    """Which subject and video each file is, from the column path of a `videos.csv`.

    Args:
        videos: A `videos.csv`, or None where none was given.
        table: The table, for the message.

    Returns:
        Absolute path of the file -> (subject, video).

    Raises:
        UserError: If there is no such file, or it cannot be read.
    """
    if videos is None:
        raise UserError(
            f"{table}: a table of memodule spot names files, not subjects; give --videos with columns subject, video, "
            "path"
        )
    rows = csv_rows(videos, ("subject", "video", "path"))
    return {(videos.parent / cells["path"]).resolve(): (cells["subject"], cells["video"]) for _, cells in rows}


def with_key(cells: Mapping[str, str], keys: Keys, where: str) -> dict[str, str]:
    """The cells of a row with the codes of the file's subject and video.

    Args:
        cells: The row; its cell `video` is the path of the file.
        keys: What `keys_by_path` gave.
        where: Where the row stands, for the message.

    Returns:
        The cells, `subject` added and `video` replaced by its code.

    Raises:
        UserError: If no video has this file.
    """
    key = keys.get(Path(cells["video"]).resolve())
    if key is None:
        raise UserError(f"{where}: --videos has no path {cells['video']}; mend it, or run where memodule spot was run")
    return {**cells, "subject": key[0], "video": key[1]}


def tell_not_analysed(table: Path, parts: Sequence[tuple[VideoKey, int]]) -> None:
    """Warn of how much was not looked at; say nothing where there is nothing to say.

    Args:
        table: The file, for the message.
        parts: (video, number of frames) of each part.
    """
    if parts:
        frames, videos = sum(count for _, count in parts), len({key for key, _ in parts})
        console.warn(
            f"{table}: {frames} frames of {videos} video{'s'[: videos != 1]} were not analysed; "
            "expressions there count as missed"
        )
