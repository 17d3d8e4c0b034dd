"""Hashes that identify plain values and files."""

import hashlib
import json
from pathlib import Path
from typing import Any


def json_sha256(value: Any) -> str:
    """SHA-256 of plain values, independent of the order of keys; other objects count by their `str`."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's contents."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
