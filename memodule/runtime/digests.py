"""Hashes that identify plain values and files."""

import hashlib
import json
from pathlib import Path
from typing import Any


def text_sha256(text: str) -> str:
    """SHA-256 of text as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def json_sha256(value: Any) -> str:
    """SHA-256 of plain values, independent of the order of keys; other objects count by their `str`."""
    return text_sha256(json.dumps(value, sort_keys=True, default=str))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's contents."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
