"""Counts on disk: a second run, a changed grid or a run after a kill computes only what is new."""

import functools
import importlib.metadata
import json
from pathlib import Path
from typing import Final

import memodule
from memodule.runtime.atomic import write_text
from memodule.runtime.digests import file_sha256, json_sha256
from memodule.studies.ablation.counting import Counts
from memodule.studies.ablation.variants import DecodingSpec
from memodule.studies.own_code import own_code

_LIBRARIES: Final = ("numpy", "scipy")


class CountCache:
    """The counts of a study's decodings, one file each, named by everything that can change them.

    Args:
        identity: Hash of the study's curves, labels and folds.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        self._identity = identity

    def path(self, decoding: DecodingSpec, choosing: bool) -> Path:
        """Where the counts of a decoding are or will be, with `choosing` those of a nested choice too."""
        parts = [code_digest(), own_code(decoding.rule), self._identity, decoding.digest, choosing]
        return self.folder / f"{json_sha256(parts)[:32]}.json"

    def read(self, decoding: DecodingSpec, choosing: bool) -> Counts | None:
        """The counts, or None where they have to be computed: a damaged file counts as missing."""
        try:
            return Counts.from_dict(json.loads(self.path(decoding, choosing).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def write_counts(path: Path, counts: Counts) -> None:
    """Write counts in one step."""
    write_text(path, json.dumps(counts.to_dict(), separators=(",", ":")) + "\n")


@functools.cache
def code_digest(package: Path = Path(memodule.__file__).parent) -> str:
    """Hash of all source of the package, and of the versions of the libraries that compute.

    A list of only the modules that decoding needs would become incomplete sooner or later.
    """
    sources = {path.relative_to(package).as_posix(): file_sha256(path) for path in package.rglob("*.py")}
    return json_sha256([sources, {name: importlib.metadata.version(name) for name in _LIBRARIES}])
