"""What differs between the studies of a report, which of them may be compared, and how far their scores are apart."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from memodule.datasets.catalog import Catalog
from memodule.errors import UserError
from memodule.metrics.evaluation import compare
from memodule.metrics.score_names import SPOTTING_SCORES
from memodule.report.reported_study import ReportedStudy
from memodule.report.study_section import call_text, code_versions, weight_files

AT_LABELS: Final = "recog_f1_at_labels"
_NOT_COUNTING: Final = ("name", "stitching", "phases", "neutral")
"""Options of a protocol that change what is found, not how it is counted; studies may differ in them."""

_PLACES: Final = ("trainer.logger", "trainer.default_root_dir", "data.catalog", "data.flow", "data.fold")
"""Settings that say where files are; the fingerprint says whether the data are the same."""


def differing_settings(studies: Sequence[ReportedStudy]) -> list[tuple[str, list[str]]]:
    """(name, value in each study) of the settings in which at least two studies differ."""
    configs = [{**study.config, "selection rule": study.results["rule"], "intervals": None} for study in studies]
    about = {
        "data": [f"fingerprint {study.description['data_fingerprint'][:8]}" for study in studies],
        "seeds": [study.description["seeds"] for study in studies],
        "finished": [study.progress for study in studies],
        "weights": [weight_files(study) for study in studies],
        "code": [code_versions(study) for study in studies],
    }
    found = [*_differing("", configs), *(line for name, values in about.items() for line in _differing(name, values))]
    return [(name.replace(".init_args", ""), [_shown(value) for value in values]) for name, values in found]


def _differing(name: str, values: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """The differing leaves; classes are compared argument by argument where they are the same class."""
    if name in _PLACES or all(value == values[0] for value in values):
        return
    mappings = [value for value in values if isinstance(value, Mapping)]
    if len(mappings) == len(values) and len({value.get("class_path") for value in mappings}) == 1:
        for key in dict.fromkeys(key for value in mappings for key in value):
            yield from _differing(f"{name}.{key}".lstrip("."), [value.get(key) for value in mappings])
    else:
        yield name, values


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and "class_path" in value:
        return call_text(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "not set" if value is None else str(value)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A study against the first one.

    Attributes:
        obstacles: Why the two cannot be compared; empty if they can.
        differences: The paired test of each score, study minus the first one, and under `AT_LABELS` that of recognition
            F1 of the labelled intervals; only those of spotting if one of the two has no classes. None where there are
            obstacles.
    """

    obstacles: tuple[str, ...]
    differences: dict[str, dict[str, float]] | None


def against_first(studies: Sequence[ReportedStudy]) -> list[Comparison]:
    """Compare every study but the first with the first one, by the paired test over subjects."""
    first, *others = studies
    comparisons = []
    for study in others:
        found = tuple(obstacles(first, study))
        differences = None
        if not found:
            try:
                differences = compare(study.tallies, first.tallies, study.protocol)
                at_labels = compare(study.labelled_tallies, first.labelled_tallies, study.protocol)
                differences[AT_LABELS] = at_labels["recog_f1"]
                if any(own.results["recognition"] is None for own in (first, study)):
                    differences = {name: differences[name] for name in SPOTTING_SCORES}
            except UserError as error:
                found = (str(error),)
        comparisons.append(Comparison(found, differences))
    return comparisons


def obstacles(first: ReportedStudy, other: ReportedStudy) -> list[str]:
    """What makes the scores of two studies incomparable, a phrase each; empty where they can be compared."""
    return [*_labels(first.catalog, other.catalog), *_rules(first, other), *_folds(first, other)]


def _labels(first: Catalog, other: Catalog) -> list[str]:
    """The videos and micro-expressions must be the same, wherever the files are."""
    reasons = []
    videos = [{(*video.key, video.fps, video.frames) for video in catalog.videos} for catalog in (first, other)]
    if videos[0] != videos[1]:
        alone = len(videos[0] ^ videos[1])
        reasons.append(f"other videos: {len(videos[0])} and {len(videos[1])}, of which {alone} are in one only")
    micros = [{e for e in catalog.expressions if e.kind == "micro"} for catalog in (first, other)]
    if micros[0] != micros[1]:
        alone = len(micros[0] ^ micros[1])
        reasons.append(f"other labels: {alone} micro-expressions are in one only or have other frames or emotions")
    return reasons


def _rules(first: ReportedStudy, other: ReportedStudy) -> list[str]:
    options: list[dict[str, Any]] = [dataclasses.asdict(study.protocol) for study in (first, other)]
    reasons = [
        f"other protocol: {name} is {value} in one and {options[1][name]} in the other"
        for name, value in options[0].items()
        if name not in _NOT_COUNTING and value != options[1][name]
    ]
    steps = [study.config["data"]["frame_step"] for study in (first, other)]
    if "sampled" in (first.protocol.frames, other.protocol.frames) and steps[0] != steps[1]:
        reasons.append(f"other frames: frame_step is {steps[0]} in one and {steps[1]} in the other")
    return reasons


def _folds(first: ReportedStudy, other: ReportedStudy) -> list[str]:
    reasons = []
    if len(first.seeds) != len(other.seeds):
        reasons.append(f"{len(first.seeds)} and {len(other.seeds)} seeds: use as many in both")
    held_out = [[{fold.subject for fold in folds} for folds in study.folds.values()] for study in (first, other)]
    if not (first.results["complete"] and other.results["complete"]) and held_out[0] != held_out[1]:
        reasons.append("folds are missing: finish both, or compare the same folds")
    return reasons
