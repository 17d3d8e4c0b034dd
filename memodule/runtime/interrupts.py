"""Stopping work that takes hours: when an interruption may arrive, and what counts as one.

Python raises KeyboardInterrupt wherever it happens to be: while a library holds a lock, or in a destructor, which
swallows it. Work that calls such libraries in a loop therefore holds interruptions back (`held_back`) and checks
between two steps whether one has arrived.

Python handles signals in its main thread only; in other threads nothing here has an effect.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final, NoReturn

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM, which `kill` and job schedulers send, count as Ctrl-C."""
    with _handlers({signal.SIGTERM: _interrupt}):
        yield


@contextlib.contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Hold an interruption back until the yielded function is called or the block ends; a second one is raised at once.

    Must not be nested: the outer block would receive what the inner one waits for.

    Yields:
        A function that raises KeyboardInterrupt if an interruption has arrived.
    """
    arrived = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal arrived
        if arrived:
            raise KeyboardInterrupt
        arrived = True

    def check() -> None:
        if arrived:
            raise KeyboardInterrupt

    raising = (signal.default_int_handler, _interrupt)  # a signal that is ignored, or handled by others, stays so
    with _handlers({number: note for number in _SIGNALS if signal.getsignal(number) in raising}):
        yield check
    check()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let no interruption stop a cleanup of a second or two; one that arrives meanwhile is raised afterwards.

    An error in the block takes precedence over it.
    """
    arrived: list[int] = []
    with _handlers(dict.fromkeys(_SIGNALS, lambda number, _: arrived.append(number))):
        yield
    for number in arrived[:1]:
        signal.raise_signal(number)


@contextlib.contextmanager
def own_handlers() -> Iterator[None]:
    """Restore the handlers of both signals afterwards, whatever a library does to them."""
    with _handlers({number: signal.getsignal(number) for number in _SIGNALS}):
        yield


@contextlib.contextmanager
def _handlers(new: dict[signal.Signals, Any]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [number for number in new if signal.getsignal(number) is not None]  # None: set outside Python
    before = {number: signal.signal(number, new[number]) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
