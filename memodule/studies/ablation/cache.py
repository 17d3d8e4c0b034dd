"""Counts on disk: a second run, a changed grid or a run after a kill computes only what is new."""

import functools
import hashlib
import json
from pathlib import Path
from typing import Final

import memodule
from memodule.runtime.atomic import write_text
from memodule.studies.ablation.counting import Counts
from memodule.studies.ablation.variants import Decoding

FORMAT: Final = 1
"""Of the files; a change makes all of them new."""

_CODE: Final = (
    "decoding/*.py",
    "intervals/*.py",
    "metrics/functional/*.py",
    "studies/ablation/counting.py",
    "studies/ablation/material.py",
    "emotions.py",
)
"""What decides a count: other code makes new files too."""


class Cache:
    """The counts of a study's decodings, one file each, named by all that can move them.

    Args:
        folder: Of the files.
        identity: Of the study's curves, labels and folds.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        self._identity = identity

    def path(self, decoding: Decoding, choosing: bool) -> Path:
        """Where the counts of a decoding are, or will be."""
        parts = [FORMAT, code_digest(), self._identity, decoding.digest, choosing]
        return self.folder / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}.json"

    def read(self, decoding: Decoding, choosing: bool) -> Counts | None:
        """The counts, or None where they have to be computed; a broken file counts as none."""
        try:
            return Counts.from_dict(json.loads(self.path(decoding, choosing).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def write_counts(path: Path, counts: Counts) -> None:
    """Write counts in one step."""
    write_text(path, json.dumps(counts.to_dict(), separators=(",", ":")) + "\n")


@functools.cache
def code_digest() -> str:
    """Hash of the source that turns curves into counts."""
    root, digest = Path(memodule.__file__).parent, hashlib.sha256()
    for path in sorted(path for pattern in _CODE for path in root.glob(pattern)):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
