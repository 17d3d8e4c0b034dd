"""What tells one source of features from another: a quick look at files, and their contents."""

import hashlib
from pathlib import Path

from memodule.datasets.frames import image_files


def stamp(path: Path) -> str:
    """Changes when a video file, or the images of a folder, are added, removed, resized or written again.

    Reads no contents, so it also changes where files are copied without their times.

    Args:
        path: A video file or a folder of images.

    Returns:
        16 hexadecimal digits.
    """
    files = image_files(path) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        status = file.stat()
        digest.update(f"{file.name}\n{status.st_size}\n{status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def contents_sha256(path: Path) -> str:
    """Hash of the contents of a video file, or of the names and contents of the images of a folder.

    Args:
        path: A video file or a folder of images.

    Returns:
        64 hexadecimal digits.
    """
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for image in image_files(path):
        contents = image.read_bytes()
        digest.update(f"{image.name}\n{len(contents)}\n".encode("utf-8", "surrogateescape"))
        digest.update(contents)
    return digest.hexdigest()
