"""Frees objects that refer to each other at once: trainer, network and features of a fold."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def tidied() -> Iterator[None]:
    """Free what the block builds and drops; its parts refer to each other, and Python would keep them for long.

    Older objects are excluded from the search, which takes milliseconds instead of half a second.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
