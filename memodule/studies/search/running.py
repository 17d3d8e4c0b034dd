"""A search from its plan to its leaderboard."""

import contextlib
import shutil
from collections.abc import Callable, Iterator

from filelock import FileLock, Timeout

from memodule.errors import UserError
from memodule.runtime.atomic import remove_leftovers, write_json, write_text
from memodule.runtime.interrupts import held_back
from memodule.studies.cluster_address import require_answer
from memodule.studies.origin import code_version, host
from memodule.studies.search.leaderboard import Leaderboard
from memodule.studies.search.planning import Search
from memodule.studies.search.tuning import run_trials
from memodule.studies.work import Workers


def run_search(
    search: Search, workers: Workers, trials: int, on_change: Callable[[Leaderboard], object]
) -> Leaderboard:
    """Run trials until that many have ended; leaderboard.csv and provenance.json are rewritten after each of them.

    Args:
        trials: How many in all, with those of earlier runs.
        on_change: Called with the leaderboard after each trial and at the end, also at an early one.

    Raises:
        UserError: If the extra `search` is not installed, the folder cannot be written, or the cluster does not answer.
    """
    check_installed()
    require_answer(workers.address)  # before anything is written

    board: Leaderboard | None = None

    def publish() -> Leaderboard:
        nonlocal board
        board = Leaderboard.read(search, trials, board)
        write_text(search.folder / "leaderboard.csv", board.csv())
        write_json(search.folder / "provenance.json", board.provenance())
        on_change(board)
        return board

    with _alone(search):
        _begin(search)
        try:
            run_trials(search, workers, trials, publish)
        except BaseException:
            publish()  # what is there; held-out scores wait for the end
            raise
        return publish()


def check_installed() -> None:
    """Refuse to continue without the extra `search`.

    Raises:
        UserError: With the command that installs it.
    """
    try:
        with held_back():  # an import of Ray may swallow an interruption
            import optuna  # noqa: F401
            import ray.tune  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"search: {error.name or 'ray[tune]'} is not installed; run `pip install 'memodule[search]'`"
        ) from None


@contextlib.contextmanager
def _alone(search: Search) -> Iterator[None]:
    """Keep the folder for this process: two that propose trials at the same time would give them the same numbers."""
    with _writing(search):
        search.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(search.folder / ".lock", blocking=False)
        try:
            lock.acquire()
        except Timeout:
            raise UserError(
                f"{search.folder}: this search is running already; wait for its end, or stop it first"
            ) from None
    try:
        yield
    finally:
        lock.release()


def _begin(search: Search) -> None:
    description = {
        "name": search.name,
        "configs": [str(path) for path in search.configs],
        "changes": search.changes,
        "space": search.space.describe(),
        "folds": list(search.base.subjects),
        "seed": search.base.seeds[0],
        "sampler": search.sampler,
        "grace": search.grace,
        "data_fingerprint": search.base.fingerprint,
        "code_version": code_version(),
        "host": host(),
    }
    with _writing(search):
        remove_leftovers(search.folder)
        write_json(search.folder / "search.json", description)
        shutil.copyfile(search.space.path, search.folder / "space.yaml")


@contextlib.contextmanager
def _writing(search: Search) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{search.folder}: cannot be written ({error}); choose another folder with --runs") from None
