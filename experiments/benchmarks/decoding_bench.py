"""What each rule finds on simulated curves: fitted and chosen on half of the subjects, counted on the other half."""

import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from decoding_candidates import CANDIDATES

from memodule.datasets.catalog import Catalog
from memodule.emotions import NEUTRAL
from memodule.intervals import ClassPrior, FixedWindow, LabelledCurve, SelectionRule, build_rule, vote_emotions
from memodule.metrics.functional import match_intervals, spotting_scores
from memodule.synthetic.score_curves import ScoreModel, simulate_curves
from memodule.synthetic.timelines import simulate_timelines

FRAME_STEP = {"samm_lv": 7, "casme3": 1}
NOISE_VIDEOS = 20
"""Videos of each draw on which false alarms are counted: some 12 minutes like SAMM-LV, 22 like CAS(ME)^3."""


class Job(NamedTuple):
    """One draw of timelines and curves; `changes` of the level's score model are written NAME=VALUE,NAME=VALUE."""

    like: str
    level: str
    seed: int
    subjects: int
    changes: str = ""

    def score_model(self) -> ScoreModel:
        """What the simulated network gets right and wrong."""
        pairs = [change.split("=") for change in self.changes.split(",") if change]
        return dataclasses.replace(ScoreModel.level(self.level), **{name: float(value) for name, value in pairs})


class Counts(NamedTuple):
    """Pooled counts over all videos, and false positives in videos with a micro-expression only."""

    tp: int
    fp: int
    fn: int
    fp_with_micro: int

    def f1(self, with_micro: bool = False) -> float:
        """Spotting F1, over all videos or over those with a micro-expression."""
        return spotting_scores(self.tp, self.fp_with_micro if with_micro else self.fp, self.fn)["f1"]


class RuleResult(NamedTuple):
    """What one rule did in one draw, its time per curve, and its false alarms a minute where there is only noise."""

    job: Job
    rule: str
    counts: Counts
    ms: float
    alarms: float


class Half(NamedTuple):
    """Expressions and curves of half of the subjects, and curves of some of their videos if nothing happened there."""

    expressions: list[Any]
    curves: list[LabelledCurve]
    noise: list[LabelledCurve]
    fps: float
    frame_step: int


def halves(job: Job) -> tuple[Half, Half]:
    """Two halves of the subjects, at random."""
    catalog = simulate_timelines(job.like, job.seed)
    order = np.random.default_rng(job.seed).permutation(list(catalog.subjects))[: job.subjects].tolist()
    step = FRAME_STEP[job.like]
    parts = []
    for part in (order[: len(order) // 2], order[len(order) // 2 :]):
        own = catalog.of(set(part))
        curves = simulate_curves(own, job.score_model(), frame_step=step, seed=job.seed)
        nothing = Catalog(own.videos[:NOISE_VIDEOS], ())
        silent = dataclasses.replace(job.score_model(), distractors=0.0)
        noise = simulate_curves(nothing, silent, frame_step=step, seed=job.seed)
        parts.append(Half(list(own.expressions), list(curves.values()), list(noise.values()), own.videos[0].fps, step))
    return parts[0], parts[1]


def fitted(spec: dict[str, Any], half: Half) -> SelectionRule:
    """A rule that has learned from one half."""
    built = build_rule(spec, "benchmark").fit(half.expressions, fps=half.fps, frame_step=half.frame_step)
    return built.calibrate(half.curves)


def count(found_by: SelectionRule, half: Half) -> Counts:
    """Pooled counts of one rule on one half."""
    tp = fp = fn = fp_with_micro = 0
    for labelled in half.curves:
        frames = found_by.detect(labelled.curve, labelled.probabilities).frames
        hit = int((match_intervals(frames, labelled.micro) >= 0).sum())
        tp, fp, fn = tp + hit, fp + len(frames) - hit, fn + len(labelled.micro) - hit
        fp_with_micro += len(frames) - hit if len(labelled.micro) else 0
    return Counts(tp, fp, fn, fp_with_micro)


def alarms_a_minute(found_by: SelectionRule, half: Half) -> float:
    """Intervals that a rule finds in a minute of noise without expressions or spikes."""
    found = sum(len(found_by.detect(one.curve, one.probabilities)) for one in half.noise)
    return 60 * found * half.fps / (half.frame_step * sum(len(one.curve) for one in half.noise))


def chosen(specs: list[dict[str, Any]], half: Half) -> SelectionRule:
    """The fitted rule with the largest F1 on the half that it was fitted on."""
    rules = [fitted(spec, half) for spec in specs]
    return rules[0] if len(rules) == 1 else max(rules, key=lambda candidate: count(candidate, half).f1())


def bench(task: tuple[Job, Sequence[str]]) -> list[RuleResult]:
    """Every named rule, chosen on one half and counted on the other."""
    job, names = task
    first, second = halves(job)
    rows = []
    for name in names:
        best = chosen(CANDIDATES[name], first)
        began = time.process_time()
        counts = count(best, second)
        ms = 1000 * (time.process_time() - began) / len(second.curves)
        rows.append(RuleResult(job, name, counts, ms, alarms_a_minute(best, second)))
    return rows


def benched(
    jobs: Sequence[Job], names: Sequence[str], pool: ProcessPoolExecutor, file: Path | None
) -> list[RuleResult]:
    """The results of all jobs; those in the file of an earlier run are reused, and new ones are appended to it."""
    rows = [row for row in read_results(file) if row.job in jobs and row.rule in names] if file else []
    known = {(row.job, row.rule) for row in rows}
    tasks = [(job, [name for name in names if (job, name) not in known]) for job in jobs]
    tasks = [task for task in tasks if task[1]]
    for done, new in enumerate(pool.map(bench, tasks), 1):
        rows += new
        print(f"{done} of {len(tasks)} draws", file=sys.stderr, flush=True)
        if file:
            with file.open("a", encoding="utf-8") as out:
                out.writelines(json.dumps(row) + "\n" for row in new)
    return rows


def read_results(file: Path) -> Iterator[RuleResult]:
    """What an earlier run saved."""
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            job, rule, counts, ms, alarms = json.loads(line)
            yield RuleResult(Job(*job), rule, Counts(*counts), ms, alarms)


def label(job: Job) -> dict[str, tuple[float, float]]:
    """Accuracy and macro recall of emotion votes on true intervals, without any spotting error."""
    first, second = halves(job)
    labels = {"majority vote": lambda c: vote_emotions(c.micro, c.probabilities[:, :NEUTRAL].argmax(axis=1))}
    for name, frequencies, durations in (
        ("mass", False, False),
        ("mass x frequency", True, False),
        ("both", True, True),
    ):
        prior = ClassPrior(FixedWindow(), frequencies, durations)
        prior.fit(first.expressions, fps=first.fps, frame_step=first.frame_step)
        labels[name] = lambda c, prior=prior: prior.vote(c.micro, without_neutral(c.probabilities))
    truth = np.concatenate([c.emotions for c in second.curves])
    scores = {}
    for name, vote in labels.items():
        right = np.concatenate([vote(c) for c in second.curves]) == truth
        scores[name] = float(right.mean()), float(np.mean([right[truth == e].mean() for e in np.unique(truth)]))
    return scores


def without_neutral(probabilities: np.ndarray) -> np.ndarray:
    """The same odds between emotions, with neutral left out."""
    emotions = probabilities[:, :NEUTRAL]
    return np.column_stack([emotions / emotions.sum(axis=1, keepdims=True), np.zeros(len(emotions))])
