"""The flow store: one memory-mapped array and one JSON description per video, in one folder per set of parameters.

    STORE/window30-step1-corrected-0fd2c1aa/
        s01_a-77b1a4c2d0.json                      video, parameters, source, quality
        s01_a-77b1a4c2d0.9c56cc51b374.npy          (windows, 36, window) float32

An array's name contains the start of its own SHA-256, and the description names its array. Both are written aside and
renamed, the description last. So a description always belongs to the array that it names, even if a writer is killed or
several write at once. Equal contents have equal names, so two writers of one video do no harm.
"""

import contextlib
import hashlib
import io
import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from memodule.errors import UserError
from memodule.flow.parameters import FlowParameters
from memodule.flow.record import FORMAT, FlowRecord, array_problem, named_array, parse_description
from memodule.runtime.atomic import replacing, write_json
from memodule.runtime.digests import file_sha256, json_sha256

CHANNELS: Final = 36
"""x and y flow of the 18 facial regions: channel 2r is x and channel 2r + 1 is y of region r."""

_LEFTOVER_AGE: Final = 3600.0


class FlowStore:
    """Optical-flow features on disk, by subject and video, for one set of parameters.

    Args:
        root: Folder of the store, which can hold features of several sets of parameters.
    """

    def __init__(self, root: Path | str, parameters: FlowParameters) -> None:
        self.root = Path(root)
        self.parameters = parameters
        p = parameters
        phases = f"-phases{p.phases}" if p.phases > 1 else ""
        self.folder = self.root / f"window{p.window}-step{p.frame_step}-{p.motion_compensation}{phases}-{p.digest()}"

    def get(self, subject: str, video: str) -> FlowRecord:
        """The features of a video; contents are not hashed here (see `verify`).

        Raises:
            UserError: If there are none, or the files are truncated or not ours; names the file and how to fix it.
        """
        description = self.description_path(subject, video)
        if not description.is_file():
            elsewhere = self._elsewhere(description.name)
            raise UserError(f"{description}: no flow features of {subject}/{video}{elsewhere}; {self._remedy}")
        return self._read(description, subject, video)

    def videos(self) -> list[tuple[str, str]]:
        """(subject, video) of everything that the store holds with its parameters, sorted.

        Raises:
            UserError: If it holds nothing.
        """
        descriptions = (parse_description(path) for path in self.folder.glob("*.json"))
        keys = sorted((known["subject"], known["video"]) for known in descriptions if known is not None)
        if not keys:
            others = ", ".join(sorted(path.name for path in self.root.glob("window*")))
            there = f" (it has {others})" if others else ""
            raise UserError(f"{self.root}: no flow features with {self.parameters}{there}; {self._remedy}")
        return keys

    def records(self) -> Iterator[FlowRecord]:
        """All videos with these parameters, by the names of their files.

        Raises:
            UserError: If files are truncated or not ours.
        """
        for description in sorted(self.folder.glob("*.json")):
            known = parse_description(description)
            if known is not None:
                yield self._read(description, known["subject"], known["video"])

    def put(
        self,
        subject: str,
        video: str,
        windows: npt.ArrayLike,
        *,
        fps: float,
        frames: int,
        source: Mapping[str, Any],
        quality: Mapping[str, Any] | None = None,
    ) -> FlowRecord:
        """Store the features of a video, replacing earlier ones.

        Args:
            windows: Features, (W, 36, window), finite; stored as float32. W may be 0 (a video shorter than a window).
            frames: Number of source frames that the features cover.
            source: What the features were computed from, as plain JSON values with at least "kind", such as
                {"kind": "published cache", "path": …}. `memodule extract` never replaces features of another kind
                than its own.
            quality: Quality of the extraction, as plain JSON values.

        Raises:
            ValueError: If the array has another shape or contains infinite or undefined values.
        """
        array = np.ascontiguousarray(windows, dtype=np.float32)
        if array.ndim != 3 or array.shape[1:] != (CHANNELS, self.parameters.window):
            raise ValueError(f"flow windows of shape {array.shape}, expected (W, {CHANNELS}, {self.parameters.window})")
        if not np.isfinite(array).all():
            raise ValueError(f"flow windows of {subject}/{video} are not finite")
        if "kind" not in source:
            raise ValueError("the source of flow windows must name its kind")
        description = self.description_path(subject, video)
        superseded = named_array(description)
        path, sha256 = self._write_array(description.stem, array)
        known = {
            "format": FORMAT,
            "subject": subject,
            "video": video,
            "parameters": self.parameters.as_dict(),
            "fps": float(fps),
            "frames": int(frames),
            "windows": array.shape[0],
            "array": path.name,
            "sha256": sha256,
            "source": dict(source),
            "quality": dict(quality or {}),
        }
        write_json(description, known)
        if superseded is not None and superseded != named_array(description):
            (self.folder / superseded).unlink(missing_ok=True)
        return self._record(known)

    def describe(self, record: FlowRecord, *, fps: float, source: Mapping[str, Any]) -> None:
        """Update what is known about the source of stored features: frame rate and `source` as in `put`."""
        description = self.description_path(record.subject, record.video)
        known = json.loads(description.read_text(encoding="utf-8"))
        write_json(description, {**known, "fps": float(fps), "source": dict(source)})

    def verify(self, record: FlowRecord) -> None:
        """Compare the hash of the array file.

        Raises:
            UserError: If the contents are not what was written.
        """
        if file_sha256(record.path) != record.sha256:
            raise UserError(f"{record.path}: the contents have changed since they were written; {self._remedy}")

    def description_path(self, subject: str, video: str) -> Path:
        """The JSON file of a video, next to its array; it need not exist.

        The name is readable, safe on every file system, and different for every (subject, video), whatever characters
        the codes contain and even where upper and lower case are not distinguished.
        """
        readable = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{subject}_{video}").strip("._")[:60]
        unique = json_sha256([subject, video])[:10]
        return self.folder / f"{readable}-{unique}.json"

    def remove_leftovers(self) -> None:
        """Remove what killed writers left behind: partly written files, and arrays that no description names.

        Files younger than an hour may still be in use and are kept.
        """
        for path in {*self.folder.glob(".memodule-tmp-*"), *self.folder.glob("*.*.npy")}:
            used = path.name == named_array(self.folder / f"{path.name.rsplit('.', 2)[0]}.json")
            with contextlib.suppress(FileNotFoundError):  # its writer has just finished
                if not used and time.time() - path.stat().st_mtime > _LEFTOVER_AGE:
                    path.unlink()

    @property
    def _remedy(self) -> str:
        return f"run `memodule extract CATALOG --out {self.root} {self.parameters.options}`"

    def _elsewhere(self, name: str) -> str:
        """Other parameters with which the store holds the same video."""
        others = sorted(path.parent.name for path in self.root.glob(f"*/{name}"))
        return f" with {self.parameters} (the store has them as {', '.join(others)})" if others else ""

    def _write_array(self, stem: str, array: npt.NDArray[np.float32]) -> tuple[Path, str]:
        contents = io.BytesIO()
        np.save(contents, array)
        sha256 = hashlib.sha256(contents.getbuffer()).hexdigest()
        path = self.folder / f"{stem}.{sha256[:12]}.npy"
        with replacing(path) as aside:
            aside.write_bytes(contents.getbuffer())
        return path, sha256

    def _read(self, description: Path, subject: str, video: str) -> FlowRecord:
        known = parse_description(description)
        if known is None or Path(known["array"]).name != known["array"]:
            raise UserError(f"{description}: not a description of flow features (truncated or foreign); {self._remedy}")
        if (known["subject"], known["video"]) != (subject, video) or known["parameters"] != self.parameters.as_dict():
            whose = f"{known['subject']}/{known['video']} with {known['parameters']}"
            raise UserError(
                f"{description}: describes {whose}, not {subject}/{video} with {self.parameters}; {self._remedy}"
            )
        record = self._record(known)
        problem = array_problem(record)
        if problem:
            raise UserError(f"{record.path}: {problem}; {self._remedy}")
        return record

    def _record(self, known: Mapping[str, Any]) -> FlowRecord:
        return FlowRecord(
            known["subject"],
            known["video"],
            self.parameters,
            known["fps"],
            known["frames"],
            known["source"],
            known["quality"],
            (known["windows"], CHANNELS, self.parameters.window),
            self.folder / known["array"],
            known["sha256"],
        )
