"""What a report shows of a study: its finished folds as they are on disk, scored and judged."""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memodule.datasets.catalog import Catalog
from memodule.decoding.comparison import VideoIntervals, compared
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import Decoded
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.metrics.evaluation import tally_subjects
from memodule.metrics.functional import Tally
from memodule.report.outcomes import Found, judge
from memodule.sensitivity.files import read_study_sensitivity
from memodule.studies.fold_result import FoldResult
from memodule.studies.pooling import calibration_of, pool_study
from memodule.studies.recognition_at_labels import scores_at_labels, tally_at_labels
from memodule.studies.results_view import weaknesses
from memodule.studies.study import Study
from memodule.synthetic.recipe import RECIPE


@dataclasses.dataclass(frozen=True, eq=False)
class ReportedStudy:
    """What a network and a selection rule found in the held-out videos of a study.

    Attributes:
        description: Contents of the study's `study.json`.
        config: The resolved config of the study.
        catalog: The scored videos and their labels.
        results: Pooled scores, as in `results.json`.
        folds: For each seed its finished folds.
        generated: Whether the videos were made by `memodule synth`.
        sensitivity: What `memodule sensitivity --study` found, if it was run.
    """

    name: str
    description: Mapping[str, Any]
    config: Mapping[str, Any]
    protocol: Protocol
    catalog: Catalog
    results: Mapping[str, Any]
    folds: Mapping[int, Sequence[FoldResult]]
    generated: bool
    sensitivity: Mapping[str, Any] | None = None

    @classmethod
    def of_study(cls, study: Study) -> "ReportedStudy":
        """Read a study; folds may be missing, which the report says.

        Raises:
            UserError: If no fold is finished, or a file is broken.
        """
        folds = {seed: finished for seed, finished in study.finished_folds().items() if finished}
        if not folds:
            raise UserError(f"{study.folder}: no fold is finished; run the same `memodule loso` command again")
        return cls(
            name=study.name,
            description=study.description,
            config=study.config,
            protocol=study.protocol,
            catalog=study.catalog,
            results={**_results(study), **calibration_of(folds.values())},
            folds=folds,
            generated=is_generated(study),
            sensitivity=read_study_sensitivity(study.folder),
        )

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of which at least one fold is finished."""
        return tuple(self.folds)

    @functools.cached_property
    def curves(self) -> dict[int, list[VideoCurve]]:
        """For each seed the curves of all held-out videos."""
        return {seed: [curve for fold in folds for curve in fold.curves] for seed, folds in self.folds.items()}

    @functools.cached_property
    def decoded(self) -> dict[int, list[Decoded]]:
        """For each seed what was found on these curves, in the same order."""
        return {seed: [video for fold in folds for video in fold.decoded] for seed, folds in self.folds.items()}

    @property
    def fold_results(self) -> list[Mapping[str, Any]]:
        """The `result.json` of every finished fold, over all seeds."""
        return [fold.result for folds in self.folds.values() for fold in folds]

    @property
    def histories(self) -> list[Any]:
        """What the folds logged while they were trained, epoch by epoch; equal where the networks are the same."""
        return [fold["history"] for fold in self.fold_results]

    @property
    def progress(self) -> str:
        """How many folds are finished: "4 of 30 folds"."""
        return f"{len(self.fold_results)} of {len(self.description['subjects']) * len(self.description['seeds'])} folds"

    @functools.cached_property
    def intervals(self) -> dict[int, list[VideoIntervals]]:
        """For each seed what was found next to the truth, in compared frames, in the order of `decoded`."""
        return {
            seed: [compared(video, self.catalog, self.protocol) for video in videos]
            for seed, videos in self.decoded.items()
        }

    @functools.cached_property
    def tallies(self) -> dict[str, Tally]:
        """The counts of each held-out subject, over all seeds."""
        return tally_subjects([video for videos in self.intervals.values() for video in videos], self.protocol)

    @functools.cached_property
    def labelled_tallies(self) -> dict[str, Tally]:
        """How the labelled intervals of each held-out subject are recognised, spotted or not, over all seeds."""
        return tally_at_labels([curve for curves in self.curves.values() for curve in curves], self.catalog)

    @functools.cached_property
    def at_labels(self) -> dict[str, Any]:
        """Recognition scores of the labelled intervals, with interval and chance."""
        return scores_at_labels(self.labelled_tallies, self.protocol)

    @functools.cached_property
    def outcomes(self) -> dict[int, list[list[Found]]]:
        """For each seed the outcome of every interval of every video, in the order of `decoded`."""
        macros = {
            video.key: [(e.onset, e.offset) for e in self.catalog.expressions_of(video.key, "macro")]
            for video in self.catalog.videos
        }
        return {
            seed: [
                judge(decoded, pair, macros[decoded.key], self.protocol)
                for decoded, pair in zip(videos, self.intervals[seed], strict=True)
            ]
            for seed, videos in self.decoded.items()
        }

    def titled(self, caption: str) -> str:
        """The caption of a table, as `titled` writes it."""
        return titled(self.protocol, caption, bool(self.results.get("uncalibrated")))

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """(title, text) of what a reader must know before quoting the numbers."""
        lines = weaknesses(self.results)
        pooled, written = sum(self.tallies.values(), Tally()), self.results["spotting"]
        if any(getattr(pooled, count) != written[count] for count in ("tp", "fp", "fn")):
            lines.append(
                f"MISMATCH: results.json counts {written['tp']} hits, {written['fp']} false alarms and {written['fn']} "
                f"misses, but decoding the curves now gives {pooled.tp}, {pooled.fp} and {pooled.fn}. Another version "
                "wrote it; pool the study again"
            )
        return [(title, text) for title, _, text in (line.partition(": ") for line in lines)]


def titled(protocol: Protocol, caption: str, uncalibrated: bool = False) -> str:
    """The caption of a table of scores; no table is quoted without a leak of the protocol, or a half-fitted rule."""
    marks = [f"protocol {protocol.name}: LEAK"] * protocol.leaks + ["UNCALIBRATED"] * uncalibrated
    return f"{caption} ({', '.join(marks)})" if marks else caption


def is_generated(study: Study) -> bool:
    """Whether the videos were made by `memodule synth`: their recipe is next to the Catalog, or the study's copy."""
    return any(
        (folder / RECIPE).is_file() for folder in (study.folder / "catalog", Path(study.config["data"]["catalog"]))
    )


def _results(study: Study) -> dict[str, Any]:
    """The study's `results.json`, or the scores of the finished folds where it is absent or about other folds."""
    path = study.folder / "results.json"
    missing = [f"{subject} (seed {seed})" for subject, seed in study.missing()]
    try:
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return pool_study(study)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); delete it, and the report pools the folds again") from None
    if results["missing"] != missing or results["seeds"] != list(study.seeds):
        return pool_study(study)
    return results
