"""Tables of a report: their markup, and those that list the scores of one run."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from memodule.decoding.protocol import Protocol
from memodule.emotions import EMOTIONS, FRAME_CLASSES
from memodule.metrics.functional import recognition_scores
from memodule.metrics.functional.timing import LANDMARKS
from memodule.metrics.score_names import NAMES, SCORE_ORDER, chance_scores, pooled_scores
from memodule.report.html import Child, Html, el, join
from memodule.report.runs import Run
from memodule.studies.recognition_at_labels import scores_at_labels
from memodule.studies.results_view import per_class

LABELLED_F1: Final = "recognition F1 of the labelled intervals"
"""What `memodule.studies.recognition_at_labels` measures, in the words of the page."""


def table(caption: str, head: Sequence[Child], rows: Iterable[Sequence[Child]], class_: str = "") -> Html:
    """A table with a caption, a header row, and a header cell in front of each row; it scrolls where it is too wide."""
    body = [el("tr", el("th", row[0], scope="row"), *(_cell(value) for value in row[1:])) for row in rows]
    return el(
        "div",
        el(
            "table",
            el("caption", caption),
            el("thead", el("tr", *(el("th", name, scope="col") for name in head))),
            el("tbody", *body),
            class_=class_ or None,
        ),
        class_="scroll",
        role="region",
        tabindex=0,
        aria_label=caption,
    )


def titled(protocol: Protocol, caption: str) -> str:
    """The caption of a table; it names the leak of the protocol, so that no table is quoted without."""
    return f"{caption} (protocol {protocol.name}: LEAK)" if protocol.leaks else caption


def decimal(value: float, digits: int = 3) -> str:
    """A score or a difference, with a real minus sign."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def bar(value: float) -> Html:
    """A share as a number with a bar behind it."""
    return el("td", el("span", decimal(value)), class_="bar", style=f"--share:{100 * value:.1f}%")


def scores_table(run: Run) -> Html:
    """Pooled scores beside their intervals, chance, and the mean of the folds; seeds apart where there are several."""
    results = run.results
    pooled, chance, folds = pooled_scores(results), chance_scores(results), results["folds"]
    seeds = results["by_seed"] if len(results["by_seed"]) > 1 else {}
    rows = []
    for key in SCORE_ORDER:
        low, high = results["ci"][key]
        rows.append(
            [
                NAMES[key],
                el("strong", decimal(pooled[key])),
                f"{decimal(low)} to {decimal(high)}",
                decimal(chance[key]),
                f"{decimal(folds[key]['mean'])} ± {decimal(folds[key]['std'])}",
                *(decimal(scores[key]) for scores in seeds.values()),
            ]
        )
    given = scores_at_labels(run.labelled, run.protocol)
    low, high = given["ci"]["f1"]
    cells = [el("strong", decimal(given["f1"])), f"{decimal(low)} to {decimal(high)}", decimal(given["majority"]["f1"])]
    rows.append([LABELLED_F1, *cells, "", *("" for _ in seeds)])
    head = ["score", "pooled", "95 % interval", "by chance", "mean of folds ± sd", *(f"seed {seed}" for seed in seeds)]
    return table(titled(run.protocol, "Scores"), head, rows)


def subjects_table(run: Run, label: str) -> Html:
    """Counts and scores of each held-out subject; its name filters the browser of videos."""
    held = {video.key for videos in run.decoded.values() for video in videos}
    rows = []
    for subject, scores in run.results["by_subject"].items():
        support = recognition_scores(run.tallies[subject].confusion, run.protocol.emotions)["support"]
        rows.append(
            [
                el("button", subject, type="button", class_="link", data_run=label, data_subject=subject),
                sum(key[0] == subject for key in held),
                scores["tp"] + scores["fn"],
                scores["tp"],
                scores["fp"],
                scores["fn"],
                bar(scores["spot_f1"]),
                bar(scores["recog_f1"]),
                int(support),
                bar(scores["strs"]),
            ]
        )
    head = ["subject", "videos", "MEs", "hits", "false alarms", "misses", "spotting F1", "recognition F1", "on hits"]
    return table(titled(run.protocol, "Held-out subjects"), [*head, "STRS"], rows, "sortable")


def classes_table(run: Run) -> Html:
    """What became of each emotion: how many were spotted, and how the spotted ones were recognised."""
    labelled = _labelled(run)
    rows = []
    for row in per_class(run.results):
        name, hits = row["emotion"], row["true"]
        scored = name in run.protocol.emotions
        rows.append(
            [
                name if scored else join(name, el("small", " not scored")),
                labelled[name],
                hits,
                bar(hits / labelled[name] if labelled[name] else 0.0),
                row["predicted"],
                row["correct"],
                *(bar(row[key]) for key in ("precision", "recall", "f1")),
            ]
        )
    head = ["emotion", "MEs", "hits", "share found", "hits called so", "of them right", "precision", "recall", "F1"]
    return table(titled(run.protocol, "Emotions"), head, rows)


def confusion_table(run: Run) -> Html:
    """The confusion matrix of the hits, shaded by the share of its row."""
    rows: list[list[Child]] = []
    for name, counts in zip(EMOTIONS, run.results["recognition"]["confusion"], strict=True):
        total = sum(counts)
        cells: list[Child] = [
            el(
                "td",
                count,
                class_="right" if column == name else None,
                style=f"--share:{100 * count / total:.0f}%" if count else None,
            )
            for column, count in zip(FRAME_CLASSES, counts, strict=True)
        ]
        rows.append([name, *cells, el("td", total, class_="total")])
    caption = titled(run.protocol, "Hits by true and recognised emotion")
    return table(caption, ["true \\ recognised", *FRAME_CLASSES, "all"], rows, "confusion")


def timing_table(run: Run) -> Html | None:
    """Bias and size of the timing errors; None where no hit or no frame rate is known."""
    summary: Mapping[str, Mapping[str, float]] | None = run.results["timing"]
    if not summary or not any("mae" in summary[name] for name in LANDMARKS):
        return None
    rows: list[list[Child]] = [
        [name, int(row["pairs"]), *(decimal(row[key], 0) if key in row else "" for key in ("bias", "mae"))]
        for name, row in summary.items()
    ]
    return table(titled(run.protocol, "Timing errors of hits in ms"), ["", "pairs", "mean", "mean absolute"], rows)


def errors_table(run: Run) -> Html:
    """Where false alarms lie, and why expressions were missed."""
    alarms, misses = error_counts(run)
    rows: list[list[Child]] = [[el("span", "✗ false alarms", class_="alarm"), sum(alarms.values()), ""]]
    rows += [[name, count, _share(count, alarms)] for name, count in alarms.items()]
    rows.append([el("span", "○ misses", class_="miss"), sum(misses.values()), ""])
    rows += [[name, count, _share(count, misses)] for name, count in misses.items()]
    return table(titled(run.protocol, "What goes wrong"), ["", "count", "share"], rows, "errors")


def error_counts(run: Run) -> tuple[dict[str, int], dict[str, int]]:
    """Kinds of false alarms and kinds of misses with their numbers, over all seeds.

    Args:
        run: A finished study.

    Returns:
        False alarms by kind, and misses by kind.
    """
    loose, iou = f"touch an ME, IoU below {run.protocol.iou:g}", run.protocol.iou
    alarms = dict.fromkeys(
        (loose, "find an ME once more", "lie on a macro-expression", "lie where nothing is labelled"), 0
    )
    misses = dict.fromkeys(
        ("touched by a false alarm", "touched by an interval voted neutral", "not touched at all"), 0
    )
    for seed, videos in run.outcomes.items():
        for video, judged in zip(run.intervals[seed], videos, strict=True):
            touched = {"hit": set[int](), "alarm": set[int](), "unscored": set[int]()}
            for row in judged:
                if row.truth is not None:
                    touched[row.outcome].add(row.truth)
                if row.outcome == "alarm":
                    elsewhere = "lie on a macro-expression" if row.macro else "lie where nothing is labelled"
                    close = "find an ME once more" if row.iou >= iou else loose
                    alarms[elsewhere if row.truth is None else close] += 1
            for truth in set(range(len(video.true))) - touched["hit"]:
                kind = next((kind for kind in ("alarm", "unscored") if truth in touched[kind]), None)
                misses[_MISSES[kind]] += 1
    return alarms, misses


_MISSES: Final[dict[str | None, str]] = {
    "alarm": "touched by a false alarm",
    "unscored": "touched by an interval voted neutral",
    None: "not touched at all",
}


def _cell(value: Child) -> Html:
    """A cell that is one already, or a plain value in one."""
    return value if isinstance(value, Html) and value.startswith("<td") else el("td", value)


def _share(count: int, counts: Mapping[str, int]) -> str:
    return f"{count / sum(counts.values()):.0%}" if any(counts.values()) else ""


def _labelled(run: Run) -> dict[str, int]:
    """Micro-expressions of each emotion in the videos of finished folds, over all seeds."""
    counts: dict[str, Any] = dict.fromkeys(EMOTIONS, 0)
    for videos in run.decoded.values():
        for video in videos:
            for expression in run.catalog.expressions_of(video.key, "micro"):
                counts[expression.emotion] += 1
    return counts
