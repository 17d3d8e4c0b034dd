"""Selection rules apart from any network: what they find on simulated curves, and how fast they are.

    python experiments/benchmarks/decoding.py            # everything: about 40 minutes on 2 free cores
    python experiments/benchmarks/decoding.py --seeds 3 --rules RiseFall SemiMarkov  # a first impression
    python experiments/benchmarks/decoding.py --only speed
    python experiments/benchmarks/decoding.py --only bench --save bench.jsonl  # can be stopped and continued

Bench: label timelines like those of SAMM-LV and CAS(ME)^3, simulated curves at three noise levels
(memodule/intervals/simulate.py tells what these are and are not). Every rule is fitted, calibrated and its options
chosen on half of the subjects, and scored on the other half: pooled spotting F1, one-to-one, IoU >= .5, over all
videos, and over videos with a micro-expression only. The reference is PriorGuided with its threshold chosen the same
way, which is better than PriorGuided as published. Differences are paired over seeds.

Speed: 1,000 variants of PriorGuided on 147 curves of 1,000 samples, in two processes.
"""

import argparse
import itertools
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from memodule.datasets.timelines import simulate_timelines
from memodule.emotions import NEUTRAL
from memodule.intervals import ClassPrior, FixedWindow, LabelledCurve, SelectionRule, build_rule, vote_emotions
from memodule.intervals.simulate import ScoreModel, simulate_curves
from memodule.metrics.functional import match_intervals, spotting_scores

FRAME_STEP = {"samm_lv": 7, "casme3": 1}
LEVELS = ("low", "medium", "high")
REFERENCE = "PriorGuided"


def rule(name: str, /, **arguments: Any) -> dict[str, Any]:
    """Plain values of a rule."""
    return {"class_path": f"memodule.intervals.{name}", "init_args": arguments}


def grid(name: str, /, **lists: Any) -> list[dict[str, Any]]:
    """Every combination of the listed arguments."""
    return [rule(name, **dict(zip(lists, values, strict=True))) for values in itertools.product(*lists.values())]


THRESHOLDS = (0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1.0)
RISE_FALL = rule("RiseFall", least=0.1)
RELATIVE = rule("RelativeHeight", least=0.1)
BOTH = [RISE_FALL, RELATIVE]
OFF = {"temporal_evolution": False, "duration": False, "class_distribution": False}

CANDIDATES: dict[str, list[dict[str, Any]]] = {
    "PriorGuided": grid("PriorGuided", threshold=THRESHOLDS),
    "PriorGuided, as published": [rule("PriorGuided")],
    "PriorGuided, no evolution": grid("PriorGuided", threshold=THRESHOLDS, temporal_evolution=[False]),
    "PriorGuided, no duration": grid("PriorGuided", threshold=THRESHOLDS, duration=[False]),
    "PriorGuided, with classes": grid("PriorGuided", threshold=THRESHOLDS, class_distribution=[True]),
    "FixedWindow": grid("FixedWindow", threshold=THRESHOLDS),
    "ChallengeRule": grid("ChallengeRule", threshold=THRESHOLDS),
    "Abstaining(PriorGuided)": [rule("Abstaining", rule=rule("PriorGuided"))],
    "Abstaining(PriorGuided), noise": [rule("Abstaining", rule=rule("PriorGuided"), evidence="noise_floor")],
    "RelativeHeight": grid("RelativeHeight", least=(0.25, 0.35, 0.45, 0.55), share=(0.5, 0.65)),
    "RiseFall": grid("RiseFall", least=(0.2, 0.25, 0.3, 0.35, 0.4, 0.5)),
    "RiseFall, no prior": grid("RiseFall", least=(0.2, 0.25, 0.3, 0.35, 0.4, 0.5), prior=[0.0]),
    "TwoLength": grid("TwoLength", least=(0.15, 0.2, 0.25, 0.3, 0.35, 0.45)),
    "SemiMarkov": grid("SemiMarkov", penalty=(1.0, 2.0, 3.0, 4.5)),
    "SemiMarkov, flat": grid("SemiMarkov", penalty=(1.0, 2.0, 3.0, 4.5), density=["flat"]),
    "SemiMarkov, no macro": grid("SemiMarkov", penalty=(2.0, 4.5, 7.0, 10.0), macro=[False]),
    "Calibrated(PriorGuided)": [rule("Calibrated", rules=[rule("PriorGuided", threshold=0.3)])],
    "Calibrated(RelativeHeight)": [rule("Calibrated", rules=[RELATIVE])],
    "Calibrated(RiseFall)": [rule("Calibrated", rules=[RISE_FALL])],
    "Calibrated(SemiMarkov)": [rule("Calibrated", rules=[rule("SemiMarkov", penalty=1.0)])],
    "Calibrated(both)": [rule("Calibrated", rules=BOTH)],
    "Calibrated(both), no evolution": [rule("Calibrated", rules=BOTH, temporal_evolution=False)],
    "Calibrated(both), no duration": [rule("Calibrated", rules=BOTH, duration=False)],
    "Calibrated(both), no classes": [rule("Calibrated", rules=BOTH, class_distribution=False)],
    "Calibrated(both), height only": [rule("Calibrated", rules=BOTH, **OFF)],
}
"""Every rule with the options it may choose from; both = RiseFall and RelativeHeight."""


class Job(NamedTuple):
    """One draw of timelines and curves."""

    like: str
    level: str
    seed: int
    subjects: int


class Counts(NamedTuple):
    """Pooled counts over all videos, and false positives in videos with a micro-expression only."""

    tp: int
    fp: int
    fn: int
    fp_with_micro: int

    def f1(self, with_micro: bool = False) -> float:
        """Spotting F1, over all videos or over those with a micro-expression."""
        return spotting_scores(self.tp, self.fp_with_micro if with_micro else self.fp, self.fn)["f1"]


class Row(NamedTuple):
    """What one rule did in one draw, and its time per curve."""

    job: Job
    rule: str
    counts: Counts
    ms: float


class Half(NamedTuple):
    """Expressions and curves of half of the subjects."""

    expressions: list[Any]
    curves: list[LabelledCurve]
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
        curves = simulate_curves(own, ScoreModel.level(job.level), frame_step=step, seed=job.seed)
        parts.append(Half(list(own.expressions), list(curves.values()), own.videos[0].fps, step))
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


def chosen(specs: list[dict[str, Any]], half: Half) -> SelectionRule:
    """The fitted rule with the largest F1 on the half that it was fitted on."""
    rules = [fitted(spec, half) for spec in specs]
    return rules[0] if len(rules) == 1 else max(rules, key=lambda candidate: count(candidate, half).f1())


def bench(task: tuple[Job, Sequence[str]]) -> list[Row]:
    """Every named rule, chosen on one half and counted on the other."""
    job, names = task
    first, second = halves(job)
    rows = []
    for name in names:
        best = chosen(CANDIDATES[name], first)
        began = time.process_time()
        counts = count(best, second)
        rows.append(Row(job, name, counts, 1000 * (time.process_time() - began) / len(second.curves)))
    return rows


def benched(jobs: Sequence[Job], names: Sequence[str], pool: ProcessPoolExecutor, file: Path | None) -> list[Row]:
    """The rows of all jobs; those that a file of an earlier run holds are taken from there, new ones are added."""
    rows = [row for row in read_rows(file) if row.job in jobs and row.rule in names] if file else []
    known = {(row.job, row.rule) for row in rows}
    tasks = [(job, [name for name in names if (job, name) not in known]) for job in jobs]
    for new in pool.map(bench, [task for task in tasks if task[1]]):
        rows += new
        if file:
            with file.open("a", encoding="utf-8") as out:
                out.writelines(json.dumps(row) + "\n" for row in new)
    return rows


def read_rows(file: Path) -> Iterator[Row]:
    """What an earlier run saved."""
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            job, rule, counts, ms = json.loads(line)
            yield Row(Job(*job), rule, Counts(*counts), ms)


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


def print_bench(like: str, level: str, rows: Sequence[Row]) -> None:
    """One table: mean F1 per rule, paired differences to the reference, over the seeds that every rule has."""
    by_rule: dict[str, dict[int, Row]] = {}
    for row in rows:
        if (row.job.like, row.job.level) == (like, level):
            by_rule.setdefault(row.rule, {})[row.job.seed] = row
    seeds = sorted(set.intersection(*(set(own) for own in by_rule.values()))) if by_rule else []
    if not seeds:
        return
    subjects = next(iter(by_rule[REFERENCE].values())).job.subjects
    print(f"\n{like}, noise {level}, {len(seeds)} seeds, at most {subjects} subjects each")
    print(f"{'rule':32} {'F1':>6} {'prec.':>6} {'recall':>6} {'- ref.':>7} {'95 %':>6} {'ratio':>6} {'better':>6}"
          f" {'F1 in ME videos':>16} {'ratio':>6} {'ms':>6}")  # fmt: skip
    counts = {name: [own[seed].counts for seed in seeds] for name, own in by_rule.items()}
    f1 = {name: np.array([c.f1() for c in own]) for name, own in counts.items()}
    inside = {name: np.array([c.f1(with_micro=True) for c in own]) for name, own in counts.items()}
    for name in sorted(f1, key=lambda n: -f1[n].mean()):
        tp, fp, fn, _ = np.sum(counts[name], axis=0).tolist()
        scores = spotting_scores(tp, fp, fn)
        gain = f1[name] - f1[REFERENCE]
        error = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else float("nan")
        ms = float(np.mean([by_rule[name][seed].ms for seed in seeds]))
        ratios = (f1[name].mean() / f1[REFERENCE].mean(), inside[name].mean() / inside[REFERENCE].mean())
        print(f"{name:32} {f1[name].mean():6.3f} {scores['precision']:6.3f} {scores['recall']:6.3f} {gain.mean():+7.3f}"
              f" {error:6.3f} {ratios[0]:6.2f} {(gain > 0).sum():3d}/{len(gain):<2d} {inside[name].mean():16.3f}"
              f" {ratios[1]:6.2f} {ms:6.2f}")  # fmt: skip


def decode_variants(task: tuple[list[dict[str, Any]], np.ndarray]) -> int:
    """Decode all curves under some variants; the number of intervals."""
    specs, curves = task
    return sum(len(built.detect(curve)) for built in (build_rule(s, "benchmark") for s in specs) for curve in curves)


def print_speed(workers: int) -> None:
    """1,000 variants of PriorGuided on a corpus of SAMM-LV size."""
    catalog = simulate_timelines("samm_lv", 0)
    simulated = simulate_curves(catalog, ScoreModel.level("medium"), frame_step=FRAME_STEP["samm_lv"]).values()
    curves = np.stack([np.resize(labelled.curve, 1000) for labelled in simulated])
    specs = grid(
        "PriorGuided",
        half_window=range(3, 13),
        threshold=np.linspace(0.3, 0.9, 20).tolist(),
        nms_iou=(0.1, 0.2, 0.3, 0.4, 0.5),
    )
    began = time.perf_counter()
    with ProcessPoolExecutor(workers) as pool:
        found = sum(pool.map(decode_variants, [(specs[i::20], curves) for i in range(20)]))
    seconds = time.perf_counter() - began
    each = 1000 * seconds * workers / (len(specs) * len(curves))
    print(
        f"{len(specs)} variants of PriorGuided x {len(curves)} curves of {curves.shape[1]} samples, "
        f"{workers} processes: {seconds:.1f} s ({found} intervals; {each:.3f} ms of one process per curve)"
    )


def print_labels(like: str, level: str, scores: Sequence[dict[str, tuple[float, float]]]) -> None:
    """One line: mean accuracy and macro recall of every way to label."""
    parts = [
        f"{n} {np.mean([s[n][0] for s in scores]):.3f}/{np.mean([s[n][1] for s in scores]):.3f}" for n in scores[0]
    ]
    print(f"emotions of true intervals, {like}, {level} (accuracy/macro recall): {', '.join(parts)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--subjects", type=int, default=50, help="at most so many subjects, drawn anew by every seed")
    parser.add_argument("--levels", nargs="+", choices=LEVELS, default=LEVELS)
    parser.add_argument("--like", nargs="+", choices=tuple(FRAME_STEP), default=tuple(FRAME_STEP))
    parser.add_argument("--rules", nargs="+", choices=tuple(CANDIDATES), default=tuple(CANDIDATES), metavar="RULE")
    parser.add_argument("--save", type=Path, metavar="JSONL", help="keep counts here, and continue from them")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=("bench", "labels", "speed"))
    options = parser.parse_args()
    if options.only in (None, "speed"):
        print_speed(options.workers)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    settings = list(itertools.product(options.like, options.levels))
    jobs = [Job(like, level, seed, options.subjects) for seed in seeds for like, level in settings]
    names = list(dict.fromkeys([REFERENCE, *options.rules]))
    with ProcessPoolExecutor(options.workers) as pool:
        if options.only in (None, "bench"):
            rows = benched(jobs, names, pool, options.save)
            for like, level in settings:
                print_bench(like, level, rows)
        if options.only in (None, "labels"):
            scores = list(pool.map(label, jobs))
            for like, level in settings:
                own = [s for job, s in zip(jobs, scores, strict=True) if (job.like, job.level) == (like, level)]
                print_labels(like, level, own)


if __name__ == "__main__":
    main()
