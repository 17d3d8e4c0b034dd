"""The top of a report: what it shows, how to read it, and how its runs compare."""

from collections.abc import Sequence
from typing import Final

from memodule.metrics.score_names import HEADLINE_SCORES, NAMES, SCORE_ORDER, chance_scores, pooled_scores
from memodule.report.comparison import AT_LABELS, Comparison, against_first
from memodule.report.html import Child, Html, el, join
from memodule.report.runs import Run
from memodule.report.tables import LABELLED_F1, decimal, table, titled
from memodule.studies.recognition_at_labels import scores_at_labels

_TESTED: Final = {name: NAMES[name] for name in HEADLINE_SCORES} | {AT_LABELS: LABELLED_F1}


def banners(runs: Sequence[Run], labels: Sequence[str]) -> Html:
    """What nobody may overlook: generated data, missing folds, leaks."""
    parts = []
    generated = [label for run, label in zip(runs, labels, strict=True) if run.generated]
    if generated:
        whose = "" if len(generated) == len(runs) else f" ({_named(generated)})"
        parts.append(
            _banner(
                f"Generated data{whose}",
                "These scores prove that the pipeline works, and nothing about real micro-expressions: no accuracy on "
                "real faces follows from them.",
                "generated",
            )
        )
    for run, label in zip(runs, labels, strict=True):
        for warning in run.warnings:
            title, _, text = warning.partition(": ")
            parts.append(_banner(title if len(runs) == 1 else f"{title}, run {label}", text, "warning"))
    return join(*parts)


def how_to_read(runs: Sequence[Run], labels: Sequence[str]) -> Html:
    """How STRS is made, and how many hits stand behind its second factor."""
    parts: list[Child] = [
        "STRS is spotting F1 (are micro-expressions found where they are?) times recognition F1 (is the emotion of "
        "those that were found right?). Recognition is scored on the hits whose emotion is scored, and on nothing "
        "else: "
    ]
    told = []
    for run, label in zip(runs, labels, strict=True):
        spotting, support = run.results["spotting"], run.results["recognition"]["support"]
        who = "" if len(runs) == 1 else f"{label}: "
        told.append(f"{who}{support} of {spotting['tp'] + spotting['fn']} labelled MEs")
    parts += [el("strong", "; ".join(told)), ". With few hits that factor is luck, so read it with this number beside."]
    return el("p", *parts, class_="reading")


def comparison(runs: Sequence[Run], labels: Sequence[str]) -> Html:
    """All runs side by side: chart, table of scores, paired differences."""
    many = len(runs) > 1
    subjects = max(len(run.results["by_subject"]) for run in runs)
    key = el(
        "p",
        el("span", class_="key dot"),
        "pooled over all folds ",
        el("span", class_="key whisker"),
        f"95 % bootstrap interval over {subjects} subjects ",
        el("span", class_="key chance"),
        "chance: random peaks of the prior's length, the majority emotion",
        class_="legend",
    )
    tests = against_first(runs) if many else []
    return el(
        "section",
        el("h2", "Comparison" if many else "Scores at a glance"),
        _refusals(tests, labels),
        el("div", *(_group(name, runs, labels) for name in HEADLINE_SCORES), class_="chart"),
        key,
        _scores(runs, labels) if many else None,
        _differences(tests, runs, labels),
        id="comparison",
    )


def _banner(title: str, text: str, kind: str) -> Html:
    return el("div", el("strong", title), " ", text, class_=f"banner {kind}", role="note")


def _named(labels: Sequence[str]) -> str:
    return f"run{'s' if len(labels) > 1 else ''} {', '.join(labels)}"


def _group(name: str, runs: Sequence[Run], labels: Sequence[str]) -> Html:
    """One score of all runs, each a line: dot, whisker, chance."""
    rows = [_line(name, run, label if len(runs) > 1 else None) for run, label in zip(runs, labels, strict=True)]
    return el("div", el("h3", NAMES[name]), *rows, class_="group")


def _line(name: str, run: Run, label: str | None) -> Html:
    value, (low, high) = pooled_scores(run.results)[name], run.results["ci"][name]
    luck = chance_scores(run.results)[name]
    numbers = f"{decimal(value)} [{decimal(low)}, {decimal(high)}]"
    told = f"{NAMES[name]} {decimal(value)}, interval {decimal(low)} to {decimal(high)}, chance {decimal(luck)}"
    track = el(
        "div",
        el("i", class_="whisker", style=f"left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"),
        el("i", class_="chance", style=f"left:{100 * luck:.2f}%"),
        el("i", class_="dot", style=f"left:{100 * value:.2f}%"),
        class_="track",
        role="img",
        aria_label=told,
    )
    who = el("span", label, class_="badge", title=run.name) if label else None
    return el("div", who, track, el("span", numbers, class_="numbers"), class_="line" if label else "line alone")


def _scores(runs: Sequence[Run], labels: Sequence[str]) -> Html:
    rows = []
    for run, label in zip(runs, labels, strict=True):
        scores, ranges, spotting = pooled_scores(run.results), run.results["ci"], run.results["spotting"]
        given = scores_at_labels(run.labelled, run.protocol)
        cells = [_with_interval(scores[name], ranges[name]) for name in SCORE_ORDER[:3]]
        counts = [spotting[count] for count in ("tp", "fp", "fn")]
        who = join(
            el("span", label, class_="badge"),
            " ",
            el("a", run.name, href=f"#run-{label}", title=run.name),
            *_leak_tag(run),
        )
        support = run.results["recognition"]["support"]
        rows.append([who, *cells, *counts, support, _with_interval(given["f1"], given["ci"]["f1"])])
    head = ["run", *(NAMES[name] for name in SCORE_ORDER[:3]), "hits", "false alarms", "misses", "hits recognised on"]
    head.append(LABELLED_F1)
    return table("Runs", head, rows, "compared named")


def _with_interval(value: float, ends: Sequence[float]) -> Html:
    return join(decimal(value), " ", el("small", "[{}, {}]".format(*map(decimal, ends))))


def _refusals(tests: Sequence[Comparison], labels: Sequence[str]) -> Html:
    """Which runs do not stand on the same ground as the first."""
    return join(
        *(
            _banner(
                f"Run {label} is not comparable with {labels[0]}",
                f"{'; '.join(test.obstacles)}. No difference is computed, and the bars below must not be compared.",
                "warning",
            )
            for test, label in zip(tests, labels[1:], strict=False)
            if test.obstacles
        )
    )


def _leak_tag(run: Run) -> list[Child]:
    return [" ", el("small", "LEAK", class_="leak", title=run.protocol.leak)] if run.protocol.leaks else []


def _differences(tests: Sequence[Comparison], runs: Sequence[Run], labels: Sequence[str]) -> Html | None:
    rows = []
    for test, label in zip(tests, labels[1:], strict=False):
        if test.differences is not None:
            cells = [_difference(test.differences[name]) for name in _TESTED]
            rows.append([f"{label} \N{MINUS SIGN} {labels[0]}", *cells])
    if not rows:
        return None
    several = (
        f" These are {len(rows) * len(_TESTED)} tests: among so many, some small p arise by luck."
        if len(rows) > 1
        else ""
    )
    return join(
        table(
            titled(
                runs[0].protocol, f"Paired differences to run {labels[0]}"
            ),  # runs that leak compare with such runs only
            ["", *_TESTED.values()],
            rows,
            "compared",
        ),
        el(
            "p",
            "Difference of the pooled scores, 95 % bootstrap interval of it over subjects, and two-sided p of a "
            f"permutation test that swaps the two runs subject by subject.{several}",
            class_="hint",
        ),
    )


def _difference(row: dict[str, float]) -> Html:
    sign = "+" if row["difference"] > 0 else ""
    interval = f"[{decimal(row['low'])}, {decimal(row['high'])}]"
    p = row["p_value"]
    return join(
        el("strong", f"{sign}{decimal(row['difference'])}"),
        " ",
        el("small", interval, el("br"), " p ", "< 0.001" if p < 0.001 else f"= {p:.3f}"),
    )
