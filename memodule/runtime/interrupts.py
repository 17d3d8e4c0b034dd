"""Stopping work that takes hours: when an interruption may come, and what counts as one.

Python raises KeyboardInterrupt wherever it happens to be: while a library holds a lock, or in a destructor, which
swallows it. Work that calls such libraries in a loop therefore holds interruptions back (`held_back`) and looks between
two steps whether one has come.

Python hears signals in its main thread only; elsewhere everything here changes nothing.
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
    """Note an interruption, and raise it only when asked to, or at the end; a second one is raised at once.

    Not to be nested: the outer one would hear what the inner one waits for.

    Yields:
        A function that raises KeyboardInterrupt if an interruption has come.
    """
    come = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal come
        if come:
            raise KeyboardInterrupt
        come = True

    def look() -> None:
        if come:
            raise KeyboardInterrupt

    raising = (signal.default_int_handler, _interrupt)  # a signal that is ignored, or somebody else's, stays so
    with _handlers({number: note for number in _SIGNALS if signal.getsignal(number) in raising}):
        yield look
    look()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let no interruption stop tidying up that takes a second or two; one that came meanwhile is heard after it.

    An error of the tidying up goes first: then it is not heard.
    """
    come: list[int] = []
    with _handlers(dict.fromkeys(_SIGNALS, lambda number, _: come.append(number))):
        yield
    for number in come[:1]:
        signal.raise_signal(number)


@contextlib.contextmanager
def own_handlers() -> Iterator[None]:
    """Give both signals back to whom they belonged before, whatever a library does to them."""
    with _handlers({number: signal.getsignal(number) for number in _SIGNALS}):
        yield


@contextlib.contextmanager
def _handlers(new: dict[signal.Signals, Any]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [number for number in new if signal.getsignal(number) is not None]  # else it was set outside of Python
    before = {number: signal.signal(number, new[number]) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
