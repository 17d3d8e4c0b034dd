"""What people see of `results.json`: scores and chance by name, classes, weaknesses, the table of the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from memodule.emotions import FRAME_CLASSES
from memodule.metrics.score_names import HEADLINE_SCORES, NAMES, chance_scores, pooled_scores


def results_text(results: Mapping[str, Any]) -> str:
    """A table of pooled scores with intervals and chance, the counts, and their weaknesses."""
    scores, chance, ranges = pooled_scores(results), chance_scores(results), results["ci"]
    spotting, recognition = results["spotting"], results["recognition"]
    seeds = len(results["seeds"])
    lines = [
        f"{results['study']}: protocol {results['protocol']}, {len(results['by_subject'])} held-out subjects"
        + (f", {seeds} seeds" if seeds > 1 else ""),
        f"{'':17}{'pooled':>8}  {'95 % interval':>17}  {'chance':>8}  {'mean of folds':>17}",
    ]
    for name in HEADLINE_SCORES:
        low, high = ranges[name]
        fold = results["folds"][name]
        lines.append(
            f"{NAMES[name]:17}{scores[name]:8.4f}  {f'{low:.4f} .. {high:.4f}':>17}  {chance[name]:8.4f}  "
            f"{fold['mean']:8.4f} ± {fold['std']:.4f}"
        )
    lines.append(
        f"spotting: {spotting['tp']} hits, {spotting['fp']} false alarms, {spotting['fn']} misses; "
        f"recognition: over {recognition['support']} hits whose emotion is scored"
    )
    given = results["recognition_at_labels"]
    low, high = given["ci"]["f1"]
    lines.append(
        f"recognition of all {given['support']} labelled intervals whose emotion is scored: F1 {given['f1']:.4f} "
        f"({low:.4f} .. {high:.4f}), majority emotion {given['majority']['f1']:.4f}"
    )
    if results["inner"]:
        inner = results["inner"]
        lines.append(
            f"inner validation subjects (which may choose settings): STRS {inner['strs']:.4f}, spotting F1 "
            f"{inner['spot_f1']:.4f}, over {inner['evaluations']} scored subjects"
        )
    lines += weaknesses(results)
    return "\n".join(lines)


def a_few(names: Sequence[str], most: int = 4) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def weaknesses(results: Mapping[str, Any]) -> list[str]:
    """What a reader must know before quoting the numbers."""
    lines = []
    if not results["complete"]:
        missing, seeds = results["missing"], len(results["seeds"])
        subjects = {*results["by_subject"], *(fold.rpartition(" (seed ")[0] for fold in missing)}
        folds = len(subjects) * seeds
        drop = "; to leave a seed out, delete its folder in folds/" if seeds > 1 else ""
        lines.append(
            f"PARTIAL: {folds - len(missing)} of {folds} folds are finished (missing: {a_few(missing)}); do not quote "
            f"these numbers{drop}"
        )
    if results.get("mixed"):
        differing = "; ".join(f"{name} {' and '.join(values)}" for name, values in results["mixed"].items())
        lines.append(f"MIXED: folds were made with {differing}; delete the folders of some and repeat the command")
    if results["leak"]:
        lines.append(f"LEAK (protocol {results['protocol']}): {results['leak']}")
    return lines


def per_class(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Recognition of the true positives by class.

    Returns:
        One mapping per emotion: emotion, true, predicted, correct (counts), precision, recall, f1; 0 where a count is
        0.
    """
    confusion = results["recognition"]["confusion"]
    rows = []
    for index, name in enumerate(FRAME_CLASSES[: len(confusion)]):
        true, predicted = sum(confusion[index]), sum(row[index] for row in confusion)
        hits = confusion[index][index]
        precision, recall = hits / predicted if predicted else 0.0, hits / true if true else 0.0
        f1 = 2 * hits / (true + predicted) if true + predicted else 0.0
        rows.append(
            {"emotion": name, "true": true, "predicted": predicted, "correct": hits}
            | {"precision": precision, "recall": recall, "f1": f1}
        )
    return rows
