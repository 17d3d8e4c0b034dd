"""The part of a report about one study, except for its videos."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from memodule.report.drawing import Picture
from memodule.report.reported_study import ReportedStudy
from memodule.report.sensitivity_page import sensitivity_pictures
from memodule.report.study_figures import result_pictures, training_pictures
from memodule.report.table_lines import (
    ScoreLine,
    confusion_lines,
    emotion_lines,
    error_counts,
    score_lines,
    subject_lines,
    timing_lines,
)
from memodule.studies.calibration_marks import calibration_text


@dataclasses.dataclass(frozen=True)
class StudySection:
    """Everything that the template shows of one study.

    Attributes:
        label: The letter that the page calls it by.
        facts: (name, value) of what a reader must know to repeat the study.
        seeds: Titles of the columns of single seeds; empty if there is only one.
        chose: Whether anything was chosen on inner validation subjects.
        trained_as: Label of an earlier study that decodes the same networks; their curves are not drawn again.
        config: The resolved config as YAML, without what is unset.
    """

    study: ReportedStudy
    label: str
    facts: Sequence[tuple[str, str]]
    scores: Sequence[ScoreLine]
    seeds: list[str]
    emotions: Sequence[Mapping[str, Any]]
    confusion: Sequence[tuple[str, list[int]]]
    subjects: Sequence[Mapping[str, Any]]
    alarms: Mapping[str, int]
    misses: Mapping[str, int]
    timing: Mapping[str, Mapping[str, float]]
    pictures: Sequence[Picture]
    training: Sequence[Picture]
    sensitivity: Sequence[Picture]
    chose: bool
    trained_as: str | None
    config: str

    def score(self, key: str) -> ScoreLine | None:
        """The line of a score; None where it is not given."""
        return next((line for line in self.scores if line.key == key), None)


def study_sections(studies: Sequence[ReportedStudy], labels: Sequence[str]) -> list[StudySection]:
    """What a page shows of each study, under its letter."""
    sections = []
    for number, (study, label) in enumerate(zip(studies, labels, strict=True)):
        same = (labels[earlier] for earlier in range(number) if _same_training(studies[earlier], study))
        sections.append(_section(study, label, next(same, None)))
    return sections


def _same_training(first: ReportedStudy, other: ReportedStudy) -> bool:
    return any(other.histories) and first.histories == other.histories


def _section(study: ReportedStudy, label: str, trained_as: str | None) -> StudySection:
    alarms, misses = error_counts(study)
    return StudySection(
        study=study,
        label=label,
        facts=study_facts(study),
        scores=score_lines(study),
        seeds=[f"seed {seed}" for seed in study.results["by_seed"]] if len(study.results["by_seed"]) > 1 else [],
        emotions=emotion_lines(study),
        confusion=confusion_lines(study),
        subjects=subject_lines(study),
        alarms=alarms,
        misses=misses,
        timing=timing_lines(study),
        pictures=result_pictures(study),
        sensitivity=sensitivity_pictures(study.sensitivity) if study.sensitivity else [],
        training=[] if trained_as else training_pictures(study),
        chose=any(fold["provenance"]["chosen_on"] for fold in study.fold_results),
        trained_as=trained_as,
        config=yaml.safe_dump(_without_unset(study.config), sort_keys=False, allow_unicode=True),
    )


def study_facts(study: ReportedStudy) -> list[tuple[str, str]]:
    """(name, value) of what a reader must know to repeat a study."""
    about, data = study.description, study.config["data"]
    step = "every frame" if data["frame_step"] == 1 else f"one frame in {data['frame_step']}"
    host, fingerprint = about["host"], about["data_fingerprint"][:8]
    size = f"{len(study.catalog.videos)} videos of {len(study.catalog.subjects)} subjects"
    return [
        ("protocol", _protocol(study)),
        ("selection rule", call_text(study.results["rule"]) + _half_windows(study)),
        *([("calibration", calibration_text(study.results))] if calibration_text(study.results) else []),
        *_origin(study),
        ("data", f"{size}, {step}{_windows(study)}, fingerprint {fingerprint}"),
        ("folds", f"{study.progress.removesuffix(' folds')}, {_duration(study)}"),
        ("seeds", ", ".join(map(str, about["seeds"]))),
        ("study", f"{about['name']}, digest {about['digest'][:8]}"),
        ("code", ", ".join(code_versions(study))),
        ("machine", f"{host['name']}, {host['cpus']} CPUs, {', '.join(host['gpus']) or 'no GPU'}"),
    ]


def code_versions(study: ReportedStudy) -> list[str]:
    """Versions of the code that made the folds: one, unless the study was continued under another."""
    began = study.description["code_version"]
    return sorted({fold.get("made_with", {}).get("code", began) for fold in study.fold_results})


def weight_files(study: ReportedStudy) -> list[str]:
    """Files of weights that an imported study uses; empty where the study trained its own."""
    return sorted({fold["weights"]["file"] for fold in study.fold_results if "weights" in fold})


def call_text(description: Mapping[str, Any]) -> str:
    """A class with the arguments that are set, as a call, from its class_path and init_args."""
    arguments = {k: v for k, v in (description.get("init_args") or {}).items() if v is not None}
    given = (f"{name}={value:g}" if type(value) is float else f"{name}={value}" for name, value in arguments.items())
    return f"{description['class_path'].rpartition('.')[2]}({', '.join(given)})"


def _protocol(study: ReportedStudy) -> str:
    rules = study.protocol
    return ", ".join(
        [
            f"{rules.name} (all videos" if rules.videos == "all" else f"{rules.name} (only videos with an ME",
            "one-to-one matching" if rules.matching == "one_to_one" else "greedy matching",
            f"IoU ≥ {rules.iou:g} in {rules.frames} frames",
            f"neutral intervals {'left out' if rules.filter_neutral else 'counted'}",
            f"interval prior fitted on {'all subjects' if rules.leaks else 'training subjects'})",
        ]
    )


def _origin(study: ReportedStudy) -> list[tuple[str, str]]:
    """Where the curves are from."""
    config, data = study.config, study.config["data"]
    if curves := [fold["curves"] for fold in study.fold_results if "curves" in fold]:  # not our networks'
        files = sorted({own["file"] for own in curves})
        step, lag = data["frames_per_sample"], data["lag"]
        sampling = f"sample i is frame {'' if step == 1 else f'{step} '}i{f' + {lag}' if lag else ''}"
        return [("curves", f"imported from {', '.join(files)} ({sampling}); {curves[0]['held_out']}")]
    return [("network", call_text(config["model"]["network"])), ("training", _training(study))]


def _windows(study: ReportedStudy) -> str:
    window = study.config["data"].get("window")
    return f", windows of {window}" if window else ""


def _training(study: ReportedStudy) -> str:
    """How the network was trained; an imported study was trained elsewhere."""
    if files := weight_files(study):
        return f"none here: the authors' weights, {', '.join(files[:2])}{' …' if len(files) > 2 else ''}"
    return f"{study.config['trainer']['max_epochs']} epochs, learning rate {study.config['model']['learning_rate']:g}"


def _half_windows(study: ReportedStudy) -> str:
    """The fitted half windows, if the rule fits one in every fold."""
    timings = [(fold["rule"].get("state") or {}).get("timing") or {} for fold in study.fold_results]
    fitted = [timing["half_window"] for timing in timings if timing.get("half_window")]
    if not fitted:
        return ""
    low, high = min(fitted), max(fitted)
    return f", half window {low if low == high else f'{low} to {high}'} sampled frames"


def _duration(study: ReportedStudy) -> str:
    seconds = sum(fold["seconds"] for fold in study.fold_results)
    return f"{seconds / 3600:.1f} h of work" if seconds >= 5400 else f"{seconds / 60:.0f} min of work"


def _without_unset(value: Any) -> Any:
    """A config without its entries that are null."""
    if isinstance(value, Mapping):
        return {key: _without_unset(entry) for key, entry in value.items() if entry is not None}
    return value
