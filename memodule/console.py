"""What the user sees while a command works: progress bars, messages, and silence on request."""

import contextlib
import logging
import warnings
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from memodule.errors import UserError

T = TypeVar("T")

console = Console(stderr=True, highlight=False)
"""Where progress, notes and warnings go; standard output is left to results."""


def set_quiet(quiet: bool) -> None:
    """Silence progress bars and notes (errors and results are still printed)."""
    console.quiet = quiet


class _Bar(Progress):
    """Knows whether it is on the screen, and leaves it without a trace when a user's mistake ends the work."""

    def start(self) -> None:
        """Show it."""
        _shown.append(self)
        super().start()

    def stop(self) -> None:
        """Show its last state and leave it there."""
        if self in _shown:
            _shown.remove(self)
            super().stop()

    def vanish(self) -> None:
        """Take it off the screen."""
        self.live.transient = True
        self.live.stop()
        _shown.remove(self)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, UserError) and self in _shown:
            self.vanish()
        self.stop()


_shown: Final[list[_Bar]] = []


def remove_bars() -> None:
    """Take unfinished bars off the screen, so that the line of an error stands alone."""
    while _shown:
        _shown[-1].vanish()


def progress_bar() -> Progress:
    """A progress display with count, elapsed and remaining time; silent under `--quiet`, plain when redirected."""
    return _Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=console.quiet,
    )


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Iterate over `items` under a progress bar.

    Args:
        items: What to go through.
        description: Stands in front of the bar.
        total: How many there are; asked of `items` unless given.

    Yields:
        The items.
    """
    with progress_bar() as bar:
        yield from bar.track(items, total=total, description=description)


def note(message: str) -> None:
    """Tell the user something worth knowing."""
    console.print(message, markup=False, soft_wrap=True)


def warn(message: str) -> None:
    """Tell the user something that may spoil the result."""
    console.print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)


@contextlib.contextmanager
def hushed(loggers: Iterable[str], level: int, module: str) -> Iterator[None]:
    """Keep the notes of a library off the terminal while a progress bar of ours stands there.

    Args:
        loggers: Names of its loggers.
        level: Least level that they still tell.
        module: Pattern of the modules whose Python warnings are ignored.
    """
    known = [logging.getLogger(name) for name in loggers]
    before = [logger.level for logger in known]
    for logger in known:
        logger.setLevel(level)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=module)
            yield
    finally:
        for logger, was in zip(known, before, strict=True):
            logger.setLevel(was)


@contextlib.contextmanager
def spared(logger: str, beginning: str, warning: str) -> Iterator[None]:
    """Keep certain lines of a library off the terminal that tell the user nothing; all others are shown.

    Args:
        logger: Name of its logger.
        beginning: How the log messages to leave out begin.
        warning: Pattern of the Python warnings to leave out.
    """

    def wanted(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(beginning)

    log = logging.getLogger(logger)
    log.addFilter(wanted)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=warning)
            yield
    finally:
        log.removeFilter(wanted)


class _Notes(logging.Handler):
    """Shows log records as notes and warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        (warn if record.levelno >= logging.WARNING else note)(record.getMessage())


def show_log() -> None:
    """Show what the package logs, such as which selective scan is used; `--quiet` silences it too."""
    log = logging.getLogger("memodule")
    if not any(isinstance(handler, _Notes) for handler in log.handlers):
        log.addHandler(_Notes())
        log.setLevel(logging.INFO)
