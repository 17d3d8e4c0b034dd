"""What a report is made of: finished folds of a study, read from disk, or decoded again under another rule."""

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
from memodule.studies.pooling import pool, pool_study
from memodule.studies.recognition_at_labels import tally_at_labels
from memodule.studies.results_view import weaknesses
from memodule.studies.study import Study
from memodule.synthetic.recipe import RECIPE


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """One row of a report: what a network and a selection rule found in the held-out videos of a study.

    Attributes:
        name: What the run is called.
        description: Contents of the study's `study.json`.
        config: The resolved config of the study.
        protocol: How it is scored.
        catalog: The scored videos and their labels.
        results: Pooled scores, as in `results.json`.
        folds: For each seed and held-out subject the fold's `result.json`.
        curves: For each seed the curves of all held-out videos.
        decoded: For each seed what was found on these curves, in the same order.
        generated: Whether the videos were made by `memodule synth`.
    """

    name: str
    description: Mapping[str, Any]
    config: Mapping[str, Any]
    protocol: Protocol
    catalog: Catalog
    results: Mapping[str, Any]
    folds: Mapping[int, Mapping[str, Mapping[str, Any]]]
    curves: Mapping[int, Sequence[VideoCurve]]
    decoded: Mapping[int, Sequence[Decoded]]
    generated: bool

    @classmethod
    def of_study(cls, study: Study) -> "Run":
        """Read a study; missing folds are allowed, and will be told.

        Args:
            study: Open, with at least one finished fold.

        Returns:
            The study's own rule under its own protocol.

        Raises:
            UserError: If no fold is finished, or a file is broken.
        """
        seeds = [seed for seed in study.seeds if study.finished(seed)]
        if not seeds:
            raise UserError(f"{study.folder}: no fold is finished; run the same `memodule loso` command again")
        subjects = {seed: study.finished(seed) for seed in seeds}
        return cls(
            name=study.name,
            description=study.description,
            config=study.config,
            protocol=study.protocol,
            catalog=study.catalog,
            results=_results(study),
            folds={seed: {s: study.fold(s, seed).result for s in subjects[seed]} for seed in seeds},
            curves={seed: [c for s in subjects[seed] for c in study.fold(s, seed).curves] for seed in seeds},
            decoded={seed: [d for s in subjects[seed] for d in study.fold(s, seed).decoded] for seed in seeds},
            generated=is_generated(study),
        )

    def variant(
        self,
        name: str,
        rule: Mapping[str, Any],
        decoded: Mapping[int, Sequence[Decoded]],
        protocol: Protocol | None = None,
    ) -> "Run":
        """The same curves under another rule, as one more run of a report.

        Args:
            name: What to call it.
            rule: class_path and init_args.
            decoded: What the rule found, for the same seeds and videos in the same order.
            protocol: Another protocol, if it is scored under one.

        Returns:
            A run of the same curves, scored anew.
        """
        rules = protocol or self.protocol
        results = {
            **self.results,
            "rule": dict(rule),
            "options": dataclasses.asdict(rules),
            **pool(decoded, self.catalog, rules),
        }
        return dataclasses.replace(self, name=name, results=results, decoded=decoded, protocol=rules)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of which at least one fold is finished."""
        return tuple(self.decoded)

    @functools.cached_property
    def intervals(self) -> dict[int, list[VideoIntervals]]:
        """For each seed what was found beside the truth, in compared frames, in the order of `decoded`."""
        return {
            seed: [compared(video, self.catalog, self.protocol) for video in videos]
            for seed, videos in self.decoded.items()
        }

    @functools.cached_property
    def tallies(self) -> dict[str, Tally]:
        """The counts of each held-out subject, over all seeds."""
        return tally_subjects([video for videos in self.intervals.values() for video in videos], self.protocol)

    @functools.cached_property
    def labelled(self) -> dict[str, Tally]:
        """How the labelled intervals of each held-out subject are recognised, spotted or not, over all seeds."""
        return tally_at_labels([curve for curves in self.curves.values() for curve in curves], self.catalog)

    @functools.cached_property
    def outcomes(self) -> dict[int, list[list[Found]]]:
        """For each seed what became of every interval of every video, in the order of `decoded`."""
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

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before quoting the numbers."""
        lines = weaknesses(self.results)
        pooled, told = sum(self.tallies.values(), Tally()), self.results["spotting"]
        if any(getattr(pooled, count) != told[count] for count in ("tp", "fp", "fn")):
            lines.append(
                f"MISMATCH: results.json counts {told['tp']} hits, {told['fp']} false alarms and {told['fn']} misses, "
                f"decoding the curves now gives {pooled.tp}, {pooled.fp} and {pooled.fn}; another version wrote it, so "
                "pool the study again"
            )
        return lines


def _results(study: Study) -> dict[str, Any]:
    """The study's `results.json`, or the scores of what is finished by now where it is absent or of other folds."""
    path = study.folder / "results.json"
    missing = [f"{subject} (seed {seed})" for subject, seed in study.missing()]
    try:
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return pool_study(study)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); delete it, and the report scores the folds anew") from None
    if results["missing"] != missing or results["seeds"] != list(study.seeds):
        return pool_study(study)
    return results


def is_generated(study: Study) -> bool:
    """Whether the videos were made by `memodule synth`: their recipe lies beside the Catalog, or the study's copy."""
    return any(
        (folder / RECIPE).is_file() for folder in (study.folder / "catalog", Path(study.config["data"]["catalog"]))
    )
