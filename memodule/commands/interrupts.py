"""Stopping a command that works for hours: SIGTERM, which `kill` and job schedulers send, counts as Ctrl-C."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import NoReturn


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM; outside of the main thread, where Python hears no signals, change nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
