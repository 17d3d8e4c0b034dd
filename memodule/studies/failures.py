"""What becomes of a fold that fails: a line for the user, the whole error beside the fold, or the study's end."""

import contextlib
import errno
from pathlib import Path
from typing import Final

from memodule.errors import UserError
from memodule.runtime.atomic import write_text
from memodule.studies.plan import Job

_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""Errors that every other fold would meet too, at the end of its training."""


def keep_error(job: Job, error: BaseException, details: str) -> str:
    """Write the whole error to the fold's `error.txt` and give its first line.

    Args:
        job: The fold.
        error: What it raised.
        details: The whole of it, traceback included.

    Raises:
        UserError: If nothing can be written any more: to go on would train fold after fold for nothing.
    """
    if _no_room(error):
        raise UserError(
            f"{job.folder}: cannot be written ({error}); make room and give the same command again, finished folds "
            f"are kept"
        ) from None
    with contextlib.suppress(OSError):  # the line alone must do
        write_text(_error_file(job), details + "\n")
    return in_one_line(error)


def first_line(error: BaseException) -> str:
    """What an error says first; its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def in_one_line(error: BaseException) -> str:
    """An error for a list of failures: a user's mistake as it is told, any other with its kind."""
    return first_line(error) if isinstance(error, UserError) else f"{type(error).__name__}: {first_line(error)}"


def forget_error(job: Job) -> None:
    """Remove what an earlier attempt left."""
    with contextlib.suppress(OSError):
        _error_file(job).unlink(missing_ok=True)


def _error_file(job: Job) -> Path:
    return job.folder / "error.txt"


def _no_room(error: BaseException | None) -> bool:
    """Whether this error, or one that led to it, is a full or read-only disk."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False
