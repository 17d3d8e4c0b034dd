"""How to read `results.json`: its weaknesses, and recognition by class."""

from collections.abc import Mapping, Sequence
from typing import Any

from memodule.emotions import FRAME_CLASSES


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
    if results.get("uncalibrated"):
        lines.append(
            f"UNCALIBRATED: {results['uncalibrated']}; these are not the scores of the calibrated rule. Repeat the "
            "command once more folds are finished, or set data.inner_validation_subjects to labelled subjects"
        )
    if (coverage := results.get("coverage")) and (coverage["without"] or coverage["uncovered"]):
        lines.append(
            f"NOT COVERED: {len(coverage['without'])} of {coverage['videos']} videos have no score curve, and "
            f"{coverage['uncovered']} of {coverage['micro']} micro-expressions no score; these count as missed, and "
            "false alarms there are not known"
        )
    if results["leak"]:
        lines.append(f"LEAK (protocol {results['protocol']}): {results['leak']}")
    return lines


def per_class(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Recognition of the true positives by class; empty where recognition is not given.

    Returns:
        One mapping per emotion: emotion, true, predicted, correct (counts), precision, recall, f1 (0 without a count).
    """
    if results["recognition"] is None:
        return []
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
