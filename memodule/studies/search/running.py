"""A search from its plan to its leaderboard."""

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from filelock import FileLock, Timeout

from memodule.errors import UserError
from memodule.report.leaderboard import leaderboard_page
from memodule.runtime.atomic import remove_leftovers, write_json, write_text
from memodule.runtime.interrupts import held_back
from memodule.studies.cluster_address import require_answer
from memodule.studies.origin import code_version, host
from memodule.studies.search.leaderboard import HELD_OUT, Leaderboard, Row
from memodule.studies.search.search import Search
from memodule.studies.search.tracking import log_summary
from memodule.studies.search.tuning import run_trials
from memodule.studies.work import Workers


def run_search(search: Search, workers: Workers, trials: int) -> Leaderboard:
    """Run trials until that many have ended, keep the leaderboard up to date, and write it at the end.

    Args:
        search: What to search; what earlier runs have finished is kept.
        workers: Where trials run.
        trials: How many, in all.

    Raises:
        UserError: If the extra `search` is not installed, the folder cannot be written, or the cluster does not answer.
    """
    check_installed()
    require_answer(workers.address)  # before anything is written
    with _alone(search):
        _begin(search)
        try:
            run_trials(search, workers, trials, lambda: _publish(Leaderboard.read(search, trials)))
        except BaseException:
            _publish(Leaderboard.read(search, trials))  # what there is; held-out scores wait for the end
            raise
        board = Leaderboard.read(search, trials)
        _publish(board)
        log_summary(board, search_values(board))
    return board


def _publish(board: Leaderboard) -> None:
    """Write leaderboard.csv, leaderboard.html and provenance.json."""
    folder = board.search.folder
    write_text(folder / "leaderboard.csv", board.csv())
    write_json(folder / "provenance.json", board.provenance())
    write_text(folder / "leaderboard.html", leaderboard_page(board))


def check_installed() -> None:
    """Refuse to go on without the extra `search`.

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
    """Keep the folder for this process: two that propose trials side by side would give them the same numbers."""
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


def search_text(board: Leaderboard) -> str:
    """What the terminal shows at the end: the best trials, the winner, how honest its scores are, how to go on."""
    search = board.search
    counts = ", ".join(
        f"{len(board.having(s))} {t}" for s, t in (("finished", "finished"), ("stopped", "stopped early"))
    )
    others = f"{len(board.having('failed'))} failed, {board.repeated} repeated"
    lines = [f"{search.folder.name}: {counts}, {others}, of {board.asked} trials"]
    lines += [_line(row) for row in board.rows[:_SHOWN] if row.scores]
    if board.protocol.leak:
        lines.append(f"LEAK: {board.protocol.leak}")
    if board.winner and board.held_out:
        lines.append(f"winner: trial {board.winner.record.number}; {HELD_OUT}: {_range(board.held_out)}")
        lines.append("  slightly optimistic: a fold's inner subjects are held out in other folds")
    if board.nested:
        kind = "free of the held-out subjects" if board.exact else "candidates were proposed with all subjects in view"
        lines.append(f"nested estimate (each fold chose for itself; {kind}): {_range(board.nested)}")
    for row in board.having("failed"):
        lines.append(f"failed: trial {row.record.number} ({_settings(row.record.settings)}): {row.record.error}")
    lines.append(f"leaderboard: {search.folder / 'leaderboard.html'}")
    if board.winner:
        lines.append(f"train the winner: {search.command(board.winner.record.settings)}")
    return "\n".join(lines)


_SHOWN = 10
"""Trials that the terminal lists."""


def _line(row: Row) -> str:
    low, high = row.interval or (0.0, 1.0)
    state = "" if row.record.state == "finished" else f" ({row.record.state} after {len(row.folds)} folds)"
    return (
        f"  trial {row.record.number:3}: inner STRS {row.objective:.4f} ({low:.4f} .. {high:.4f})  "
        f"{_settings(row.record.settings)}{state}"
    )


def _range(results: Mapping[str, Any]) -> str:
    low, high = results["ci"]["strs"]
    return f"{results['strs']:.4f} (95 %: {low:.4f} .. {high:.4f})"


def _settings(settings: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value.rpartition('/')[2]}" for key, value in settings.items())


def search_values(board: Leaderboard) -> dict[str, Any]:
    """The same as plain values."""
    winner = board.winner
    return {
        "search": board.search.folder.name,
        "folder": str(board.search.folder),
        "leaderboard": str(board.search.folder / "leaderboard.csv"),
        "complete": board.over,
        "leak": board.protocol.leak,
        "trials": [
            {
                **dataclasses.asdict(row.record),
                "folds": len(row.folds),
                "inner": row.scores,
                "inner_strs_interval": row.interval,
            }
            for row in board.rows
        ],
        "winner": winner
        and {
            "number": winner.record.number,
            "settings": winner.record.settings,
            "inner_strs": winner.objective,
            "command": board.search.command(winner.record.settings),
            "held_out_not_used_for_choosing": _scores(board.held_out),
        },
        "nested_estimate": board.nested
        and {**(_scores(board.nested) or {}), "exact": board.exact, "chosen": board.chosen},
    }


def _scores(results: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if results is None:
        return None
    return {
        "strs": results["strs"],
        "strs_interval": results["ci"]["strs"],
        "spot_f1": results["spotting"]["f1"],
        "recog_f1": results["recognition"]["f1"],
        "tp": results["spotting"]["tp"],
    }
