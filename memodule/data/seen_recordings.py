"""Recordings without labels that weights were adapted on, and how to recognise them later.

`memodule adapt` adds a training to `SpotRecognizeModule.seen` that names no subject: it has recordings, under the key
`adapted_on`. A recording is known by its contents, or by its name and length where the file is not at hand or was
converted.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from memodule.datasets.catalog import Video
from memodule.errors import UserError
from memodule.flow.fingerprints import contents_sha256

_FRAMES: Final = 2
"""Frames by which lengths may differ: containers may promise a frame or two more than they hold."""


@dataclasses.dataclass(frozen=True)
class SeenRecording:
    """A recording that weights were adapted on.

    Attributes:
        name: Name of the video file without its suffix, or of the folder of images.
        frames: Number of frames.
        sha256: Of its contents (`memodule.flow.fingerprints.contents_sha256`); "" where nothing says.
    """

    name: str
    frames: int
    sha256: str

    @classmethod
    def of(cls, path: Path, frames: int) -> "SeenRecording":
        """The record of a video file or folder of images."""
        return cls(name_of(path), frames, contents_sha256(path))

    def is_video(self, path: Path, frames: int, *names: str) -> bool:
        """Whether a video of so many frames is this recording; files of other lengths are not read.

        Args:
            path: Of the video; it need not exist.
            names: Under which it is known, too.
        """
        if abs(frames - self.frames) > _FRAMES:
            return False
        if self.name in (name_of(path), *names):
            return True
        if not self.sha256 or not path.exists():
            return False
        try:
            return contents_sha256(path) == self.sha256
        except (OSError, UserError):
            return False


def name_of(path: Path) -> str:
    """Name of a video file without its suffix, or of a folder of images."""
    path = path.resolve()
    return path.name if path.is_dir() else path.stem


def adaptation(recordings: Iterable[SeenRecording], videos: Iterable[tuple[str, str, int]] = ()) -> dict[str, Any]:
    """One entry of `SpotRecognizeModule.seen`, as plain values.

    Args:
        videos: (subject, video, frames) of those that came from a Catalog.
    """
    return {
        "catalog": "",
        "held_out": "",
        "training": [],
        "chosen_on": [],
        "videos": [list(video) for video in videos],
        "adapted_on": [dataclasses.asdict(recording) for recording in recordings],
    }


def adapted_on(seen: Iterable[Mapping[str, Any]]) -> Iterator[SeenRecording]:
    """The recordings that weights were adapted on, from their record."""
    for training in seen:
        yield from (SeenRecording(**recording) for recording in training.get("adapted_on", ()))


def is_adapted_on(seen: Iterable[Mapping[str, Any]], videos: Iterable[Video]) -> bool:
    """Whether any of a Catalog's videos is a recording that weights were adapted on."""
    recordings = list(adapted_on(seen))
    return any(
        recording.is_video(video.path, video.frames, video.video, "_".join(video.key))
        for video in (videos if recordings else ())
        for recording in recordings
    )
