"""What a search found: as text for the terminal, as a page, and as a W&B run."""

import csv
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from memodule.runtime.atomic import write_text
from memodule.runtime.own_parts import import_options

if TYPE_CHECKING:
    from memodule.studies.search.leaderboard import Leaderboard, LeaderboardRow

_LISTED: Final = 10
"""Trials that the terminal lists."""


def write_leaderboard_page(board: "Leaderboard") -> None:
    """Write leaderboard.html."""
    from memodule.report.leaderboard import leaderboard_page

    write_text(board.search.folder / "leaderboard.html", leaderboard_page(board))


def log_search(board: "Leaderboard") -> None:
    """Send the leaderboard, the winner and the nested estimate to a summary run, where the search logs to W&B."""
    from memodule.studies.tracking import group_run, log_media

    search, values = board.search, board.to_dict()
    with group_run(search.folder, "summary", "summary", search.base.config, {"space": search.space.describe()}) as run:
        if run is not None:
            run.summary.update({name: values[name] for name in ("complete", "partial", "winner", "nested_estimate")})
            run.summary.update({"uncalibrated": bool(board.uncalibrated)})
            log_media(run, {"leaderboard": list(csv.DictReader(board.csv().splitlines()))})


def search_text(board: "Leaderboard") -> str:
    """The best trials, the winner, how honest its scores are, and how to use it."""
    from memodule.studies.search.leaderboard import HELD_OUT

    search, winner = board.search, board.winner
    finished, stopped, failed = (board.having(state) for state in ("finished", "stopped", "failed"))
    lines = [
        f"{search.folder.name}: {len(finished)} finished, {len(stopped)} stopped early, {len(failed)} failed, "
        f"{board.repeated} repeated, of {board.asked} trials"
    ]
    lines += [_line(row) for row in board.rows[:_LISTED] if row.scores]
    if board.partial:
        lines.append(f"PARTIAL: each trial runs {board.partial}; do not quote these numbers")
    if board.protocol.leak:
        lines.append(f"LEAK: {board.protocol.leak}")
    lines += [f"UNCALIBRATED: {reason}" for reason in board.uncalibrated]
    if winner and board.held_out:
        lines.append(f"winner: trial {winner.record.number}; {HELD_OUT}: {_range(board.held_out)}")
        lines.append("  slightly optimistic: a fold's inner subjects are held out in other folds")
    if board.nested:
        kind = "free of the held-out subjects" if board.exact else "candidates were proposed with all subjects in view"
        lines.append(f"nested estimate (each fold chose for itself; {kind}): {_range(board.nested)}")
    for row in failed:
        lines.append(f"failed: trial {row.record.number} ({_settings(row.record.settings)}): {row.record.error}")
    lines.append(f"leaderboard: {search.folder / 'leaderboard.html'}")
    if winner:
        report = shlex.join(["memodule", "report", str(board.winner_folder), *import_options()])
        lines.append(f"winner's study, finished: {report}")
        lines.append(f"  to train it again for its checkpoints: {search.command(winner.record.settings)}")
    return "\n".join(lines)


def _line(row: "LeaderboardRow") -> str:
    low, high = row.interval or (0.0, 1.0)
    state = "" if row.record.state == "finished" else f" ({row.record.state} after {len(row.folds)} folds)"
    return (
        f"  trial {row.record.number:3}: inner STRS {row.objective:.4f} ({low:.4f} .. {high:.4f})  "
        f"{_settings(row.record.settings)}{state}" + (" UNCALIBRATED" if row.uncalibrated else "")
    )


def _range(results: Mapping[str, Any]) -> str:
    low, high = results["ci"]["strs"]
    return f"{results['strs']:.4f} (95 %: {low:.4f} .. {high:.4f})"


def _settings(settings: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value.rpartition('/')[2]}" for key, value in settings.items())
