"""One HTML file that holds a whole ablation: no network, no framework, nothing beside it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from memodule.errors import UserError
from memodule.metrics.score_names import NAMES, SCORE_NAMES
from memodule.report.ablation_plots import forest, heat_map, sensitivity
from memodule.report.html import Child, Html, document, el, join, packaged
from memodule.report.runs import is_generated
from memodule.report.tables import decimal, table
from memodule.runtime.atomic import write_text
from memodule.studies.ablation.run import Ablation
from memodule.studies.ablation.sweeps import Sweep, sweeps_of
from memodule.studies.ablation.table import AblationRow
from memodule.studies.ablation.variants import STUDY

_PICTURED: Final = ("strs", "spot_f1")
_OTHER_SCORES: Final = tuple(SCORE_NAMES)[1:]
"""All scores but STRS."""


def write_page(ablation: Ablation) -> Path:
    """Write `index.html` beside the tables.

    Raises:
        UserError: If it cannot be written.
    """
    path = ablation.folder / "index.html"
    try:
        write_text(path, ablation_page(ablation))
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error}); make room and give the command again") from None
    return path


def ablation_page(ablation: Ablation) -> Html:
    """The page as text; the same ablation gives the same text."""
    sweeps = sweeps_of(ablation.rows, [variant.group for variant in ablation.grid.variants])
    chosen = [row for row in ablation.rows if row.variant.chosen]
    parts = [
        ("variants", "Variants", _variants(ablation)),
        ("chosen", "Chosen", _chosen(chosen, ablation) if chosen else None),
        ("sweeps", "Sweeps", _sweeps(sweeps, ablation) if sweeps else None),
        ("rows", "All rows", _rows(ablation)),
        ("grid", "Grid", _grid(ablation)),
    ]
    links = [el("a", title, href=f"#{name}") for name, title, part in parts if part is not None]
    title = f"{ablation.study.name} under {ablation.grid.name}"
    style = packaged("memodule.report", "page.css") + packaged("memodule.report", "ablation.css")
    return document(
        f"{title} · memodule ablate",
        el("a", "Skip to the table", href="#rows", class_="skip"),
        el(
            "header",
            el("p", "memodule ablate", class_="brand"),
            el("h1", title),
            el("nav", *links, aria_label="Contents"),
        ),
        el("main", _banners(ablation), _facts(ablation), *(part for _, _, part in parts)),
        style=style,
        scripts=[packaged("memodule.report", name) for name in ("page.js", "ablation.js")],
    )


def _banners(ablation: Ablation) -> Html:
    parts = []
    if is_generated(ablation.study):
        text = (
            "These scores prove that the pipeline works, and nothing about real micro-expressions: no accuracy, and no "
            "ranking of rules, on real faces follows from them."
        )
        parts.append(el("div", el("strong", "Generated data"), " ", text, class_="banner generated", role="note"))
    for note in ablation.notes:
        title, colon, text = note.partition(": ")
        words = [el("strong", f"{title}."), " ", text[:1].upper(), text[1:]] if colon else [note]
        parts.append(el("div", *words, class_="banner warning", role="note"))
    return join(*parts)


def _facts(ablation: Ablation) -> Html:
    study, seeds = ablation.study, ablation.study.seeds
    told = [
        ("study", study.name),
        ("protocol", study.protocol.name),
        ("reference", ablation.grid.reference),
        ("rows", str(len(ablation.rows))),
        ("subjects", str(len(study.subjects))),
        ("seeds", ", ".join(map(str, seeds)) + (" (counts pooled)" if len(seeds) > 1 else "")),
        ("chosen by", NAMES[ablation.grid.choose_by]),
        ("code", str(study.description["code_version"])),
    ]
    facts = [el("span", el("b", name), " ", value, class_="fact") for name, value in told]
    return el("p", *facts, class_="facts")


def _variants(ablation: Ablation) -> Html:
    key = el(
        "p",
        *(_key("honest", "as the grid fixed it, or chosen on training subjects")),
        *(_key("picked", "best row of a sweep, picked by its held-out score")),
        *(_key("leak", "prior fitted on the scored subjects too")),
        el("span", class_="key whisker"),
        f"95 % bootstrap interval over {len(ablation.prepared.subjects)} subjects",
        el("span", class_="key against"),
        f"reference: {ablation.grid.reference}",
        class_="legend",
    )
    hint = (
        "Beside: difference of the pooled STRS to the reference, its 95 % interval over subjects, and the two-sided p "
        "of a permutation test that swaps the two subject by subject. "
        f"The row {STUDY} is the study's own rule, with the numbers of its results.json."
    )
    return el("section", el("h2", "Variants"), key, forest(ablation), el("p", hint, class_="hint"), id="variants")


def _key(kind: str, words: str) -> tuple[Html, str]:
    return el("span", class_=f"key dot {kind}"), words


def _chosen(rows: Sequence[AblationRow], ablation: Ablation) -> Html:
    lines: list[list[Child]] = [
        [row.name, len(row.variant.candidates), "; ".join(f"{label} ({n})" for label, n in row.chosen.items())]
        for row in rows
    ]
    kinds = Counter("inner" if fold.inner else "out of fold" for fold in ablation.prepared.folds)
    curves = {
        "inner": "curves of the fold's inner validation subjects, by its own network",
        "out of fold": "out-of-fold curves of the fold's training subjects, by networks that were trained on the "
        "held-out subject too; its own curves and labels are not looked at",
    }
    told = "; ".join(f"{count} folds chose on {curves[kind]}" for kind, count in kinds.items())
    return el(
        "section",
        el("h2", "What the folds chose"),
        el("p", f"By {NAMES[ablation.grid.choose_by]}: {told}.", class_="reading"),
        table("Choices by fold", ["variant", "candidates", "chosen (in how many folds)"], lines, "choices"),
        id="chosen",
    )


def _sweeps(sweeps: Sequence[Sweep], ablation: Ablation) -> Html:
    legend = el(
        "p",
        el("span", class_="key line-a"),
        "best over the other parameters",
        el("span", class_="key line-b"),
        "mean over the other parameters",
        el("span", class_="key one-row"),
        "one row",
        el("span", class_="key line-against"),
        f"reference: {ablation.grid.reference}",
        class_="legend",
    )
    return el(
        "section",
        el("h2", "Sweeps"),
        el("p", "All scores are of held-out subjects: these pictures show how much a parameter matters, and are no way "
           "to choose it.", class_="reading"),
        legend,
        *(_sweep(sweep, ablation) for sweep in sweeps),
        id="sweeps",
    )  # fmt: skip


def _sweep(sweep: Sweep, ablation: Ablation) -> Html:
    reference = ablation.reference.scores
    pictures = []
    if sweep.pair:
        rest = len(sweep.parameters) > 2
        for score in _PICTURED:
            caption = NAMES[score] + (", best over the other parameters" if rest else "")
            pictures.append(el("figure", el("figcaption", caption), heat_map(sweep, score)))
    for parameter in sweep.parameters:
        for score in _PICTURED:
            picture = sensitivity(sweep, parameter, score, reference[score])
            pictures.append(el("figure", el("figcaption", f"{NAMES[score]} against {parameter}"), picture))
    return el(
        "div",
        el("h3", sweep.group, el("small", f" {len(sweep.rows)} rows")),
        el("div", *pictures, class_="figures sweep"),
        class_="sweep-of",
    )


def _rows(ablation: Ablation) -> Html:
    head = [
        "variant",
        "STRS",
        "low",
        "high",
        "\N{MINUS SIGN} ref.",
        "p",
        *(SCORE_NAMES[name].short for name in _OTHER_SCORES),
        "TP",
        "FP",
        "FN",
        "on",
    ]
    lines = [_cells(row, ablation) for row in ablation.rows]
    shown = table("Scores of held-out subjects", head, lines, "sortable rows")
    hint = "A click on a head sorts. low, high: 95 % interval of STRS; on: hits that recognition is scored on."
    field = el(
        "p",
        el("label", "only rows with ", el("input", type="search", id="filter"), id="filter-label", hidden=True),
        " ",
        el("span", id="fitting", role="status"),
        class_="filter",
    )
    return el("section", el("h2", "All rows"), el("p", hint, class_="hint"), field, shown, id="rows")


def _cells(row: AblationRow, ablation: Ablation) -> list[Child]:
    low, high = row.ranges["strs"]
    test = None if row.differences is None else row.differences["strs"]
    tags = [
        *([el("span", "reference", class_="tag ref")] if row is ablation.reference else []),
        *([el("span", "leak", class_="tag leak")] if row.leak else []),
        *([el("span", "chosen", class_="tag chosen")] if row.variant.chosen else []),
    ]
    pooled = row.pooled
    return [
        join(row.name, *(join(" ", tag) for tag in tags)),
        el("td", el("strong", decimal(row.scores["strs"]))),
        decimal(low),
        decimal(high),
        decimal(test["difference"]) if test else "",
        f"{test['p_value']:.3f}" if test else "",
        *(decimal(row.scores[name]) for name in _OTHER_SCORES),
        pooled.tp,
        pooled.fp,
        pooled.fn,
        row.support,
    ]


def _grid(ablation: Ablation) -> Html:
    text = yaml.safe_dump(dict(ablation.grid.contents), sort_keys=False, allow_unicode=True)
    files = "table.csv, table.json and figures/*.png hold the same; provenance.json tells who influenced what."
    return el(
        "section",
        el("h2", "Grid"),
        el("p", f"{ablation.grid.path}. Beside this page, {files}", class_="reading"),
        el("details", el("summary", "The grid as it was read"), el("pre", text), class_="config"),
        id="grid",
    )
