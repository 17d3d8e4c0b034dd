"""Which runs of a report may be compared, and how much they differ."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from memodule.datasets.catalog import Catalog, Expression
from memodule.errors import UserError
from memodule.metrics.evaluation import compare
from memodule.report.runs import Run

AT_LABELS: Final = "recog_f1_at_labels"
_NOT_COUNTING: Final = ("name", "stitching", "neutral")
"""Options of a protocol that change what is found, not how it is counted; runs may differ in them."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A run against the first one.

    Attributes:
        obstacles: Why the two cannot be compared; empty if they can.
        differences: The paired test, score by score, of the run minus the first one, and under `AT_LABELS` that of
            recognition F1 of the labelled intervals; None where there are obstacles.
    """

    obstacles: tuple[str, ...]
    differences: dict[str, dict[str, float]] | None


def against_first(runs: Sequence[Run]) -> list[Comparison]:
    """Compare every run but the first with the first one, by the paired test over subjects."""
    first, *others = runs
    comparisons = []
    for run in others:
        found = tuple(obstacles(first, run))
        differences = None
        if not found:
            try:
                differences = compare(run.tallies, first.tallies, run.protocol)
                differences[AT_LABELS] = compare(run.labelled, first.labelled, run.protocol)["recog_f1"]
            except UserError as error:
                found = (str(error),)
        comparisons.append(Comparison(found, differences))
    return comparisons


def obstacles(first: Run, other: Run) -> list[str]:
    """What makes the scores of two runs incomparable, one sentence each.

    Args:
        first: The reference.
        other: The run that is compared with it.

    Returns:
        Nothing where the scores can be compared.
    """
    return [*_labels(first.catalog, other.catalog), *_rules(first, other), *_folds(first, other)]


def _labels(first: Catalog, other: Catalog) -> list[str]:
    """The same videos with the same micro-expressions, wherever the files are."""
    reasons = []
    videos = [{(*video.key, video.fps, video.frames) for video in catalog.videos} for catalog in (first, other)]
    if videos[0] != videos[1]:
        alone = len(videos[0] ^ videos[1])
        reasons.append(f"other videos: {len(videos[0])} and {len(videos[1])}, of which {alone} are in one only")
    micros = [_micro(first), _micro(other)]
    if micros[0] != micros[1]:
        alone = len(micros[0] ^ micros[1])
        reasons.append(f"other labels: {alone} micro-expressions are in one only or have other frames or emotions")
    return reasons


def _micro(catalog: Catalog) -> set[Expression]:
    return {expression for expression in catalog.expressions if expression.kind == "micro"}


def _rules(first: Run, other: Run) -> list[str]:
    options: list[dict[str, Any]] = [dataclasses.asdict(run.protocol) for run in (first, other)]
    reasons = [
        f"other protocol: {name} is {value} in one and {options[1][name]} in the other"
        for name, value in options[0].items()
        if name not in _NOT_COUNTING and value != options[1][name]
    ]
    steps = [run.config["data"]["frame_step"] for run in (first, other)]
    if "sampled" in (first.protocol.frames, other.protocol.frames) and steps[0] != steps[1]:
        reasons.append(f"other frames: every frame_step {steps[0]} is compared in one and {steps[1]} in the other")
    return reasons


def _folds(first: Run, other: Run) -> list[str]:
    reasons = []
    if len(first.seeds) != len(other.seeds):
        reasons.append(f"{len(first.seeds)} and {len(other.seeds)} seeds: run both with as many")
    missing = [not run.results["complete"] for run in (first, other)]
    if any(missing) and _finished(first) != _finished(other):
        reasons.append("folds are missing: finish both, or compare the same folds")
    return reasons


def _finished(run: Run) -> list[frozenset[str]]:
    """The held-out subjects of each seed, whatever the seeds are called."""
    return [frozenset(subjects) for subjects in run.folds.values()]
