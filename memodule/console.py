"""What the user sees while a command runs: progress bars, notes and warnings, all silenced by `--quiet`."""

import contextlib
import logging
import warnings
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from typing_extensions import override

from memodule.errors import UserError

T = TypeVar("T")

console = Console(stderr=True, highlight=False)
"""Where progress, notes and warnings go; standard output is for results."""


def set_quiet(quiet: bool) -> None:
    """Turn progress bars and notes off or on; errors and results are always printed."""
    console.quiet = quiet


_DAY: Final = 24 * 60 * 60.0
"""Seconds. Rich forgets steps that are older than its period, and with fewer than two it shows no time left."""


class _Bar(Progress):
    """A bar that disappears when a user's mistake ends the work, so that the error is all that remains."""

    @override
    def start(self) -> None:
        _shown.append(self)
        super().start()

    @override
    def stop(self) -> None:
        if self in _shown:
            _shown.remove(self)
            super().stop()

    def vanish(self) -> None:
        """Remove the bar from the screen."""
        self.live.transient = True
        self.live.stop()
        _shown.remove(self)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, UserError) and self in _shown:
            self.vanish()
        self.stop()


_shown: Final[list[_Bar]] = []


def remove_bars() -> None:
    """Remove unfinished bars from the screen, so that an error is the only line."""
    while _shown:
        _shown[-1].vanish()


def progress_bar(slow: bool = False) -> Progress:
    """A progress display with count, elapsed and remaining time; silent under `--quiet`, plain when redirected.

    Args:
        slow: Whether a step may take longer than half a minute: then the time left is estimated from the last day.
    """
    return _Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=console.quiet,
        speed_estimate_period=_DAY if slow else 30,
    )


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Iterate over `items` under a progress bar; without `total` their length is used."""
    with progress_bar() as bar:
        yield from bar.track(items, total=total, description=description)


def note(message: str) -> None:
    """Show the user something worth knowing."""
    console.print(message, markup=False, soft_wrap=True)


def warn(message: str) -> None:
    """Show the user something that may impair the result."""
    console.print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)


@contextlib.contextmanager
def silenced(loggers: Iterable[str], level: int, module: str) -> Iterator[None]:
    """Silence a library while our own progress bar is shown.

    Args:
        level: Lowest level that is still logged.
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
def hidden_lines(logger: str, beginning: str, warning: str) -> Iterator[None]:
    """Hide log messages with this beginning, and Python warnings of this pattern, that mean nothing to the user."""

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

    @override
    def emit(self, record: logging.LogRecord) -> None:
        (warn if record.levelno >= logging.WARNING else note)(record.getMessage())


def show_log() -> None:
    """Show what the package logs, such as the selective scan in use."""
    log = logging.getLogger("memodule")
    if not any(isinstance(handler, _Notes) for handler in log.handlers):
        log.addHandler(_Notes())
        log.setLevel(logging.INFO)
