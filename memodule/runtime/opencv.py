"""OpenCV in one of several worker processes."""

import contextlib
import os
from collections.abc import Iterator

import cv2


@contextlib.contextmanager
def opencv_alone() -> Iterator[None]:
    """Run OpenCV in one thread, since more gain nothing next to other workers, and without its messages.

    Our own messages about unreadable files name the video.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    logging = cv2.utils.logging
    threads, level = cv2.getNumThreads(), logging.getLogLevel()
    cv2.setNumThreads(1)
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        logging.setLogLevel(level)
