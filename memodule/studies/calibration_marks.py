"""What results say about calibration: on whose curves rules were calibrated, and which run without."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from memodule.intervals import SelectionRule

FEW: Final = 30
"""Fewer labelled micro-expressions than this are remarked upon: thresholds learned from them vary a lot."""


@dataclasses.dataclass(frozen=True)
class FoldCalibration:
    """How one fold's rule, which learns from curves, was calibrated.

    Attributes:
        curves: "inner", by the fold's own network; "out-of-fold"; or "none".
        subjects: Number of subjects whose curves these are.
        micro: Number of labelled micro-expressions on them.
        uncalibrated: Why the rule runs half-fitted; None if it does not.
    """

    curves: str
    subjects: int
    micro: int
    uncalibrated: str | None

    @classmethod
    def of(cls, rule: SelectionRule, subjects: Sequence[str], inner: Sequence[str]) -> "FoldCalibration | None":
        """None where the rule has nothing to learn from curves.

        Args:
            subjects: On whose curves it was calibrated.
            inner: The fold's inner validation subjects.
        """
        if not rule.learns_from_curves:
            return None
        seen = rule.calibration.micro if rule.calibration else 0
        curves = "none" if not seen else "inner" if inner else "out-of-fold"
        return cls(curves, len(subjects) if seen else 0, seen, rule.uncalibrated)


def calibration_values(folds: Mapping[str, FoldCalibration | None]) -> dict[str, Any]:
    """`calibration` and `uncalibrated`, as files hold them; empty where no fold's rule learns from curves.

    Args:
        folds: By the fold's name.

    Returns:
        `calibration`: `curves`, how many folds used which; `subjects` and `micro`, [least, most] in a fold;
        `uncalibrated`, the names of the folds by reason. `uncalibrated`: the same in one line, or None.
    """
    learning = {name: fold for name, fold in folds.items() if fold is not None}
    if not learning:
        return {}
    reasons: dict[str, list[str]] = {}
    for name, fold in learning.items():
        if fold.uncalibrated is not None:
            reasons.setdefault(fold.uncalibrated, []).append(name)
    calibration = {
        "curves": dict(Counter(fold.curves for fold in learning.values())),
        "subjects": _ends(fold.subjects for fold in learning.values()),
        "micro": _ends(fold.micro for fold in learning.values()),
        "uncalibrated": reasons,
    }
    return {"calibration": calibration, "uncalibrated": _in_one_line(reasons, len(folds))}


def calibration_text(values: Mapping[str, Any]) -> str:
    """How the rules of a study or row were calibrated; "" where they do not learn from curves or learned nothing."""
    calibration = values.get("calibration")
    if not calibration or not calibration["micro"][1]:
        return ""
    curves = " and ".join(f"{name} curves" for name in calibration["curves"] if name != "none")
    (_, most), micro = calibration["subjects"], calibration["micro"]
    few = f"; fewer than {FEW}, so what it learned may vary a lot" if micro[0] < FEW else ""
    subjects = _spelled(calibration["subjects"])
    return (
        f"calibrated on {curves} of {subjects} subject{'s'[: most > 1]}, {_spelled(micro)} labelled micro-expressions"
        f"{few}"
    )


def _in_one_line(reasons: Mapping[str, Sequence[str]], folds: int) -> str | None:
    spelled = [
        f"{reason} ({'every fold' if len(names) == folds else f'{len(names)} of {folds} folds'})"
        for reason, names in reasons.items()
    ]
    return "; ".join(spelled) or None


def _ends(numbers: Iterable[int]) -> list[int]:
    values = list(numbers)
    return [min(values), max(values)]


def _spelled(ends: Sequence[int]) -> str:
    least, most = ends
    return str(least) if least == most else f"{least} to {most}"
