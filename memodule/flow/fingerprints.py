"""What distinguishes one source of features from another: a quick look at its files, and a hash of their contents."""

import hashlib
from pathlib import Path

from memodule.datasets.frames import image_files
from memodule.runtime.digests import file_sha256


def source_stamp(path: Path) -> str:
    """16 hexadecimal digits that change when a video, or an image of a folder, is added, removed, resized or rewritten.

    Contents are not read, so the stamp also changes where files are copied without their times.
    """
    files = image_files(path) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        status = file.stat()
        digest.update(f"{file.name}\n{status.st_size}\n{status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def contents_sha256(path: Path) -> str:
    """SHA-256 of a video file, or of the names and contents of the images of a folder."""
    if path.is_file():
        return file_sha256(path)
    digest = hashlib.sha256()
    for image in image_files(path):
        contents = image.read_bytes()
        digest.update(f"{image.name}\n{len(contents)}\n".encode("utf-8", "surrogateescape"))
        digest.update(contents)
    return digest.hexdigest()
