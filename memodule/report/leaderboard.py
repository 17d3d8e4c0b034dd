"""The page of a search: winner, honest estimate, all trials, and the score against each parameter."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

from matplotlib.ticker import MaxNLocator

from memodule.report.drawing import HIT, PAPER, Picture, page_axes, svg, whole_numbers
from memodule.report.rendering import render
from memodule.report.reported_study import titled
from memodule.runtime.yaml_files import is_yaml_file
from memodule.synthetic.recipe import RECIPE

if TYPE_CHECKING:
    from memodule.studies.search.leaderboard import Leaderboard
    from memodule.studies.values import Parameter

_STATES: Final = {"finished": "finished", "stopped": "stopped early", "running": "not finished", "failed": "failed"}


def leaderboard_page(board: "Leaderboard") -> str:
    """The page as HTML; it loads nothing."""
    search, base = board.search, board.search.base
    return render(
        "leaderboard.html",
        board=board,
        name=search.folder.name,
        facts=_facts(board),
        generated=(Path(base.config["data"]["catalog"]) / RECIPE).is_file(),
        folds=len(base.subjects),
        command=search.command(board.winner.record.settings) if board.winner else "",
        caption=titled(board.protocol, "Best first"),
        keys=[parameter.name for parameter in search.space.parameters],
        states=_STATES,
        short=_short,
        pictures=[_parameter_picture(board, parameter) for parameter in search.space.parameters],
        failed=board.having("failed"),
        provenance=board.provenance(),
    )


def _facts(board: "Leaderboard") -> list[tuple[str, str]]:
    search, base = board.search, board.search.base
    counts = {state: len(board.having(state)) for state in ("finished", "stopped", "failed")}
    trials = f"{counts['finished']} finished, {counts['stopped']} stopped early, {counts['failed']} failed"
    return [
        ("trials", f"{trials}, {board.repeated} repeated, of {board.asked}"),
        ("folds", f"{len(base.subjects)} of {len(base.catalog.subjects)} each"),
        ("seed", str(base.seeds[0])),
        ("sampler", search.sampler),
        ("grace", f"no trial stopped before fold {search.grace}"),
        ("protocol", base.config["protocol"]["name"]),
    ]


def _short(value: str) -> str:
    """A setting without the folder and suffix of a YAML file."""
    return Path(value).stem if is_yaml_file(value) else value


def _parameter_picture(board: "Leaderboard", parameter: "Parameter") -> Picture:
    """Inner STRS of each trial against one parameter: finished trials filled, the winner a diamond."""
    figure, axes = page_axes()
    shown = [row for row in reversed(board.rows) if row.scores and parameter.name in row.record.settings]
    for row in shown:
        marker = "D" if row is board.winner else "o"
        face = HIT if row.record.state == "finished" else PAPER
        place = _place(parameter, row.record.settings[parameter.name])
        axes.plot(place, row.objective, marker, color=HIT, markerfacecolor=face, markeredgewidth=2)
    axes.set(ylim=(0, max([row.objective for row in shown] + [0.1]) * 1.05), ylabel="inner STRS")
    if parameter.drawn is None:
        axes.set_xticks(range(len(parameter.values)), [_short(choice) for choice in parameter.values])
        axes.set_xlim(-0.5, len(parameter.values) - 0.5)
    elif parameter.drawn == "loguniform":
        axes.set(xlim=tuple(map(math.log10, parameter.values)), xlabel="power of ten")
    else:
        axes.set_xlim(*parameter.values)
        if parameter.drawn == "int":
            whole_numbers(axes)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5))
    return Picture(parameter.name, svg(figure, f"inner STRS against {parameter.name}, {len(shown)} trials"))


def _place(parameter: "Parameter", value: str) -> float:
    if parameter.drawn is None:
        return float(parameter.values.index(value))
    return math.log10(float(value)) if parameter.drawn == "loguniform" else float(value)
