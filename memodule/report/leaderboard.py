"""The page of a search: the winner, the honest estimate beside it, all trials, and the score against each parameter."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from memodule.report.html import Child, Html, document, el, join, packaged
from memodule.report.plot import Axis, Plot
from memodule.report.tables import decimal, table, titled
from memodule.synthetic.recipe import RECIPE

if TYPE_CHECKING:
    from memodule.studies.search.leaderboard import Leaderboard, Row
    from memodule.studies.search.space import SpaceParameter as Parameter

_STYLE: Final = """
.command { background: var(--panel); padding: .8rem 1rem; border-radius: .5rem; font-size: .85rem; }
.command { white-space: pre-wrap; overflow-wrap: anywhere; }
.tiles { align-items: flex-start; }
.tiles .what { max-width: 20rem; }
tr.winner th, tr.winner td { background: rgb(var(--shade) / .12); }
"""

_STATES: Final = {"finished": "finished", "stopped": "stopped early", "running": "not finished", "failed": "failed"}


def leaderboard_page(board: "Leaderboard") -> Html:
    """The page as text; it loads nothing."""
    search = board.search
    name = search.folder.name
    return document(
        f"{name} · memodule search",
        el("header", el("p", "memodule search", class_="brand"), el("h1", name), _facts(board)),
        el("main", _banners(board), _winner(board), _table(board), _plots(board), _failures(board), _provenance(board)),
        style=packaged("memodule.report", "page.css") + _STYLE,
    )


def _facts(board: "Leaderboard") -> Html:
    search, count = board.search, len
    base = search.base
    words = [
        f"{count(board.having('finished'))} trials finished, {count(board.having('stopped'))} stopped early, "
        f"{count(board.having('failed'))} failed, {board.repeated} repeated, of {board.asked}",
        f"{count(base.subjects)} of {count(base.catalog.subjects)} folds each",
        f"seed {base.seeds[0]}",
        f"sampler {search.sampler}",
        f"no trial stopped before fold {search.grace}",
        f"protocol {base.config['protocol']['name']}",
    ]
    return el("p", *(el("span", text, class_="fact") for text in words), class_="facts")


def _banners(board: "Leaderboard") -> Html:
    parts: list[Child] = []
    if (Path(board.search.base.config["data"]["catalog"]) / RECIPE).is_file():
        parts.append(_banner("Generated data", "These scores say nothing about real micro-expressions.", "generated"))
    if board.protocol.leak:
        parts.append(_banner("LEAK", board.protocol.leak, "warning"))
    if not board.over:
        text = "Held-out scores are shown at its end. The same command goes on."
        parts.append(_banner("This search has not ended.", text, "warning"))
    return join(*parts)


def _banner(title: str, text: str, kind: str) -> Html:
    return el("div", el("strong", title), " ", text, class_=f"banner {kind}", role="note")


def _winner(board: "Leaderboard") -> Html:
    winner = board.winner
    if winner is None or winner.scores is None:
        return el("section", el("h2", "Winner"), el("p", "No trial has finished all folds yet."))
    tiles = [_tile(winner.objective, winner.interval, "inner STRS of the winner: what it was chosen by")]
    if board.held_out:
        tiles.append(_tile(*_scored(board.held_out), "its held-out STRS, not used for choosing"))
    if board.nested:
        tiles.append(_tile(*_scored(board.nested), "nested estimate: each fold under the settings it chose itself"))
    return el(
        "section",
        el("h2", f"Winner: trial {winner.record.number}"),
        el("div", *tiles, class_="tiles"),
        el("p", *_how_to_read(board), class_="reading"),
        el("p", "To train it as a study of its own, with checkpoints:"),
        el("pre", board.search.command(winner.record.settings), class_="command"),
    )


def _tile(value: float, interval: Sequence[float] | None, what: str) -> Html:
    low, high = interval or (0.0, 1.0)
    span = el("small", f"{decimal(low)} to {decimal(high)} (95 %)")
    return el("div", el("span", el("strong", decimal(value)), span, class_="value"), el("p", what, class_="hint what"))


def _scored(results: dict[str, Any]) -> tuple[float, Sequence[float]]:
    return results["strs"], results["ci"]["strs"]


def _how_to_read(board: "Leaderboard") -> list[Child]:
    parts: list[Child] = [
        "Trials are ordered by STRS of inner validation subjects, pooled over the folds. A fold's inner subjects are "
        "held out in other folds, so settings chosen this way have seen them: the winner's held-out STRS stays "
        "slightly optimistic, and its inner STRS, the best of many, more so. "
    ]
    if board.nested:
        parts.append(
            "The nested estimate takes, for each fold, the trial with the best inner score in that fold alone, and "
            "pools what those found in the held-out subjects. "
        )
        parts.append(
            el("strong", "No score decided which trials there are, so the held-out subject had no part in its choice.")
            if board.exact
            else "Which trials there are, and how far they ran, was decided with all subjects in view, so it is nearly "
            "but not wholly free of their influence; --sampler random with --grace of all folds makes it so."
        )
    return parts


def _table(board: "Leaderboard") -> Html:
    keys = [parameter.key for parameter in board.search.space.parameters]
    rows = [_line(board, rank, row, keys) for rank, row in enumerate(board.rows, 1)]
    head = ["rank", "trial", "inner STRS [95 %]", "spotting F1", "folds", "state", *keys]
    if board.held_out:
        head.insert(3, "held-out STRS, not used for choosing")
    hint = (
        "Scores are of inner validation subjects. A trial that was stopped early is scored on its first folds only, "
        "and compares with others after as many folds, not with finished ones."
    )
    return el(
        "section",
        el("h2", "Trials"),
        table(titled(board.protocol, "Best first"), head, rows),
        el("p", hint, class_="hint"),
    )


def _line(board: "Leaderboard", rank: int, row: "Row", keys: Sequence[str]) -> list[Child]:
    finished = row.record.state == "finished"
    scores: list[Child] = ["", ""]
    if row.scores and row.interval:
        low, high = row.interval
        span = el("small", f"[{decimal(low)}, {decimal(high)}]")
        scores = [join(decimal(row.objective), " ", span), decimal(row.scores["spot_f1"])]
    if board.held_out:
        held_out = el("strong", decimal(board.held_out["strs"])) if row is board.winner else ""
        scores.insert(1, held_out)
    folds = f"{len(row.folds)} of {len(board.search.base.subjects)}"
    values = [_short(row.record.settings.get(key, "")) for key in keys]
    return [rank if finished else "", row.record.number, *scores, folds, _STATES[row.record.state], *values]


def _short(value: str) -> str:
    return Path(value).stem if value.endswith((".yaml", ".yml")) else value


def _plots(board: "Leaderboard") -> Html:
    figures = [_plot(board, parameter) for parameter in board.search.space.parameters]
    key = "Filled: ran all folds. Hollow: stopped early or not finished, scored on the folds that it has."
    return el(
        "section",
        el("h2", "Inner STRS against each parameter"),
        el("p", key, " The other parameters differ too; with few trials, patterns arise by luck.", class_="hint"),
        el("div", *figures, class_="figures small"),
    )


def _plot(board: "Leaderboard", parameter: "Parameter") -> Html:
    shown = [row for row in reversed(board.rows) if row.scores and parameter.key in row.record.settings]
    places = [_place(parameter, row.record.settings[parameter.key]) for row in shown]
    top = max([row.objective for row in shown], default=1.0)
    plot = Plot(_axis(parameter), Axis.around("inner STRS", 0.0, max(top, 0.1)))
    marks = []
    for place, row in zip(places, shown, strict=True):
        filled = row.record.state == "finished"
        shape = "diamond" if row is board.winner else "circle"
        marks.append(plot.symbol((place, row.objective), shape, "mark b" if filled else "mark hollow"))
    names = [
        plot.text((index, plot.y.low), _short(choice), "name", dy=15) for index, choice in enumerate(parameter.choices)
    ]
    label = f"inner STRS against {parameter.key}, {len(shown)} trials"
    return el("figure", el("figcaption", parameter.key), plot.svg(*names, *marks, label=label))


def _axis(parameter: "Parameter") -> Axis:
    if parameter.choices:
        return Axis("", -0.5, len(parameter.choices) - 0.5, ())
    if parameter.kind == "loguniform":
        return Axis.around("power of ten", math.log10(parameter.low), math.log10(parameter.high))
    return Axis.around("", parameter.low, parameter.high)


def _place(parameter: "Parameter", value: str) -> float:
    if parameter.choices:
        return float(parameter.choices.index(value))
    return math.log10(float(value)) if parameter.kind == "loguniform" else float(value)


def _failures(board: "Leaderboard") -> Html | None:
    rows = [
        [str(row.record.number), row.record.error, " ".join(f"{k}={v}" for k, v in row.record.settings.items())]
        for row in board.having("failed")
    ]
    if not rows:
        return None
    return el(
        "section",
        el("h2", "Failed trials"),
        table("The same command tries them again", ["trial", "error", "settings"], rows),
    )


def _provenance(board: "Leaderboard") -> Html:
    """Which subjects influenced the choice, fold by fold."""
    told = board.provenance()
    rows: list[list[Child]] = []
    for subject, chosen_on in told["chosen_on_by_fold"].items():
        nested = told["nested"].get(subject, {}).get("trial", "")
        rows.append([subject, ", ".join(chosen_on), nested])
    influencing = told["chosen_on"]
    text = (
        f"{len(influencing)} subjects influenced the choice of the winner ({', '.join(influencing)}); "
        f"{len(told['chosen_on_and_held_out_in_another_fold'])} of them are held out in another fold."
    )
    head = ["held out", "inner validation subjects", "trial that they alone choose"]
    return el("section", el("h2", "Who influenced what"), el("p", text), table("Folds", head, rows))
