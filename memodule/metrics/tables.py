"""A report of `memodule.metrics.evaluation` as tables on the terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table

from memodule.decoding.protocol import Protocol
from memodule.emotions import EMOTIONS, FRAME_CLASSES
from memodule.metrics.evaluation import EvaluationReport
from memodule.metrics.score_names import (
    NAMES,
    NOT_GIVEN,
    SCORE_NAMES,
    SCORES,
    chance_scores,
    given_scores,
    pooled_scores,
)


def print_report(report: EvaluationReport, protocol: Protocol) -> None:
    """Print a report of `evaluate` to standard output, with the details it has.

    Args:
        report: From `evaluate`, optionally extended by `details`, `per_subject`, `kinds` or `compare`.
        protocol: The one it was made under; if it leaks, every table says so.
    """
    out = Console(highlight=False, markup=False, emoji=False)
    spotting, recognition, chance = report["spotting"], report["recognition"], report["baselines"]
    out.print(_rules(protocol))
    if protocol.leak:
        out.print(f"LEAK (protocol {protocol.name}): {protocol.leak}. The files do not say how they were made.")
    recognised = f"{NOT_GIVEN}, since the predictions name no emotions."
    if recognition is not None:
        emotions = ", ".join(protocol.emotions)
        recognised = f"on the {recognition['support']} true positives whose true emotion is {emotions}."
    out.print(f"Spotting: {_counts(spotting)}. Recognition: {recognised}")
    tables = _tables(report, protocol)
    out.print(next(tables))
    peaks, majority = chance["random_peaks"], chance["majority_emotion"]
    constant = f"; every true positive is {majority['emotion']}" if majority else ""
    out.print(
        f"By chance: as many intervals per video at random places, {peaks['length']} frames long "
        f"(videos' lengths: {peaks['video_frames']}){constant}."
    )
    for table in tables:
        out.print(table)


def _tables(report: EvaluationReport, protocol: Protocol) -> Iterator[Table | str]:
    """The scores, then the rest; under a leaking protocol each title says so, so that no table is quoted without it."""
    confusion = [] if report["recognition"] is None else [_confusion(report)]
    for table in (_scores(report), *confusion, *_extras(report)):
        if protocol.leaks and isinstance(table, Table):
            table.title = f"{table.title or 'scores'} (protocol {protocol.name}: LEAK)"
        yield table


def _confusion(report: EvaluationReport) -> Table:
    rows = zip(EMOTIONS, report["recognition"]["confusion"], strict=True)
    return _table("true positives", ["true \\ predicted", *FRAME_CLASSES], ([name, *row] for name, row in rows))


def _rules(protocol: Protocol) -> str:
    videos = "all videos" if protocol.videos == "all" else "only videos with an expression"
    matching = "one-to-one" if protocol.matching == "one_to_one" else "greedy"
    neutral = "dropped" if protocol.filter_neutral else "kept as detections"
    frames = "in the frames of the files" + (", sampled or not" if protocol.frames == "sampled" else "")
    return (
        f"Protocol {protocol.name}: {videos}, {matching} matching, IoU >= {protocol.iou:g} {frames}, "
        f"neutral predictions {neutral}."
    )


def _scores(report: EvaluationReport) -> Table:
    values, chance = pooled_scores(report), chance_scores(report)
    rows: list[list[object]] = [
        [NAMES[key], values[key], _interval(report["ci"][key]), chance[key]]
        if key in values
        else [NAMES[key], NOT_GIVEN, "", ""]
        for key in SCORES
    ]
    return _table("", ["score", "value", "95 % over subjects", "by chance"], rows)


def _extras(report: EvaluationReport) -> Iterable[Table | str]:
    given = [key for key in SCORES if key in given_scores(report)]
    for kind in ("macro", "overall"):
        if kind in report:
            block = report[kind]
            scores = ", ".join(f"{name} {block[name]:.3f}" for name in ("precision", "recall", "f1"))
            yield f"Spotting, {'macro-expressions' if kind == 'macro' else 'both kinds'}: {_counts(block)}; {scores}."
    if "sweep" in report:
        rows = [[iou, *(scores[key] for key in given)] for iou, scores in report["sweep"].items()]
        yield _table("by IoU", ["IoU", *(SCORE_NAMES[key].short for key in given)], rows)
    if "timing" in report:
        yield _timing(report)
    if "ranking" in report:
        yield _ranking(report)
    if "subjects" in report:
        scored = [key for key in ("spot_f1", "recog_f1", "strs") if key in given]
        head, keys = ["subject", "TP", "FP", "FN", *(NAMES[key] for key in scored)], ("tp", "fp", "fn", *scored)
        rows = [[name, *(values[key] for key in keys)] for name, values in report["subjects"].items()]
        yield _table("by subject", head, rows)
    if "paired" in report:
        yield _paired(report)


def _timing(report: EvaluationReport) -> Table | str:
    if report["timing"] is None:
        return "Timing errors need frame rates: pass --videos with a column fps."
    rows = [
        [name, int(values["pairs"]), *(f"{values[key]:.1f}" if key in values else "" for key in ("bias", "mae"))]
        for name, values in report["timing"].items()
    ]
    return _table("timing of true positives", ["", "pairs", "mean error (ms)", "mean absolute error (ms)"], rows)


def _ranking(report: EvaluationReport) -> str:
    ranking = report["ranking"]
    if ranking is None:
        return "Average precision needs a column confidence in the predictions."
    text = f"Average precision {ranking['average_precision']:.3f}."
    point = ranking["operating_point"]
    if point:
        text += (
            f" The best threshold in hindsight, {point['confidence']:.4g}, would give F1 {point['f1']:.3f}; an honest "
            "threshold is chosen on other subjects."
        )
    return text


def _paired(report: EvaluationReport) -> Table:
    paired = report["paired"]
    rows = [
        [NAMES[key], *(paired[key][name] for name in ("first", "second", "difference")), _interval(ends), p]
        for key in SCORES
        if paired[key] is not None
        for ends, p in [((paired[key]["low"], paired[key]["high"]), f"{paired[key]['p_value']:.4f}")]
    ]
    head = ["score", "this", "other", "difference", "95 % interval", "p"]
    return _table(f"against {paired['against']}", head, rows)


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    table = Table(title=title or None, title_justify="left")
    for index, column in enumerate(head):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row))
    return table


def _counts(block: EvaluationReport) -> str:
    return f"{block['tp']} true positives, {block['fp']} false positives, {block['fn']} misses"


def _interval(ends: Sequence[float]) -> str:
    return f"{ends[0]:.3f} .. {ends[1]:.3f}"
