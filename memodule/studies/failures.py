"""What happens when a fold fails: one line for the user, the whole error in its folder, or the end of the study."""

import contextlib
import errno
from pathlib import Path
from typing import Final

from memodule.errors import UserError
from memodule.runtime.atomic import write_text
from memodule.studies.plan import Job

_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""Errors that would stop every other fold too, after its training."""


def keep_error(job: Job, error: BaseException, details: str) -> str:
    """Write an error with its traceback (`details`) to the fold's `error.txt`, and return its first line.

    Raises:
        UserError: If the disk is full or read-only: every further fold would be trained in vain.
    """
    if _no_room(error):
        raise not_writable(job.folder, error) from None
    with contextlib.suppress(OSError):
        write_text(_error_file(job), details + "\n")
    return in_one_line(error)


def not_writable(folder: Path, error: BaseException) -> UserError:
    """What to raise when a study's files cannot be written."""
    remedy = "free some space and repeat the command, finished folds are kept"
    return UserError(f"{folder}: cannot be written ({error}); {remedy}")


def first_line(error: BaseException) -> str:
    """The first line of an error's message; the name of its class if it has no message."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def in_one_line(error: BaseException) -> str:
    """An error in a list of failures: the message of a user's mistake alone, any other after its class's name."""
    return first_line(error) if isinstance(error, UserError) else f"{type(error).__name__}: {first_line(error)}"


def forget_error(job: Job) -> None:
    """Remove the error of an earlier attempt."""
    with contextlib.suppress(OSError):
        _error_file(job).unlink(missing_ok=True)


def _error_file(job: Job) -> Path:
    return job.folder / "error.txt"


def _no_room(error: BaseException | None) -> bool:
    """Whether a full or read-only disk caused this error, directly or not."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False
