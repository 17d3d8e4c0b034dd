"""Selection rules without a network: what they find on simulated curves, and how fast they are.

    python experiments/benchmarks/decoding.py            # everything: about 10 minutes on 2 free cores
    python experiments/benchmarks/decoding.py --seeds 3 --rules RiseFall SemiMarkov  # a first impression
    python experiments/benchmarks/decoding.py --seeds 3 --only bench --score missed=0.3 blur_ms=100 distractors=40
    python experiments/benchmarks/decoding.py --only speed
    python experiments/benchmarks/decoding.py --only bench --save bench.jsonl  # can be interrupted and resumed
    python experiments/benchmarks/decoding.py --only bench --save bench.jsonl --markdown  # the tables of docs/rules.md

Bench: label timelines like those of SAMM-LV and CAS(ME)^3, simulated curves like those of our demo, of a published
network, and between them (docs/simulated-curves.md says what these are and are not). Every rule is fitted, calibrated
and its options chosen on half of the subjects, and scored on the other half: pooled spotting F1, one-to-one, IoU >= .5,
over all videos, and over videos with a micro-expression only. The reference is PriorGuided with its threshold chosen
the same way, which is better than PriorGuided as published. Differences are paired over seeds. False alarms a minute
are those of the same fitted rules on noise alone, without expressions or spikes.

Speed: 1,000 variants of PriorGuided on 147 curves of 1,000 samples, in two processes.
"""

import argparse
import dataclasses
import itertools
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from decoding_bench import FRAME_STEP, Job, RuleResult, benched, label
from decoding_candidates import CANDIDATES, REFERENCE, grid

from memodule.intervals import build_rule
from memodule.metrics.functional import spotting_scores
from memodule.synthetic.score_curves import LEVELS, ScoreModel, simulate_curves
from memodule.synthetic.timelines import simulate_timelines

NUMBERS = tuple(field.name for field in dataclasses.fields(ScoreModel) if field.type is float)
SCORE_HELP = "change the score model of every level: " + ", ".join(NUMBERS)


def paired(like: str, level: str, rows: Sequence[RuleResult]) -> tuple[dict[str, dict[int, RuleResult]], list[int]]:
    """The rows of one setting by rule and seed, and the seeds that every rule has."""
    by_rule: dict[str, dict[int, RuleResult]] = {}
    for row in rows:
        if (row.job.like, row.job.level) == (like, level):
            by_rule.setdefault(row.rule, {})[row.job.seed] = row
    return by_rule, sorted(set.intersection(*(set(own) for own in by_rule.values()))) if by_rule else []


def print_bench(like: str, level: str, rows: Sequence[RuleResult]) -> None:
    """One table: mean F1 per rule, paired differences to the reference, over the seeds that every rule has."""
    by_rule, seeds = paired(like, level, rows)
    if not seeds:
        return
    job = next(iter(by_rule[REFERENCE].values())).job
    print(f"\n{like}, {level}, {len(seeds)} seeds, at most {job.subjects} subjects each {job.changes}")
    print(f"{'rule':32} {'F1':>6} {'prec.':>6} {'recall':>6} {'- ref.':>7} {'95 %':>6} {'ratio':>6} {'better':>6}"
          f" {'F1 in ME videos':>16} {'ratio':>6} {'ms':>6} {'alarms/min':>10}")  # fmt: skip
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
              f" {ratios[1]:6.2f} {ms:6.2f} {mean_alarms(by_rule[name], seeds):10.2f}")  # fmt: skip


def mean_alarms(own: dict[int, RuleResult], seeds: Sequence[int]) -> float:
    """False alarms a minute of one rule on noise, over the seeds."""
    return float(np.mean([own[seed].alarms for seed in seeds]))


def print_markdown(settings: Sequence[tuple[str, str]], rows: Sequence[RuleResult]) -> None:
    """Three tables, best rule first.

    They are mean F1, false alarms a minute on noise, and the mean paired gain in F1 over the reference, +- 95 %.
    """
    f1: dict[str, list[np.ndarray]] = {}
    alarms: dict[str, list[float]] = {}
    for like, level in settings:
        by_rule, seeds = paired(like, level, rows)
        for name, own in by_rule.items():
            f1.setdefault(name, []).append(np.array([own[seed].counts.f1() for seed in seeds]))
            alarms.setdefault(name, []).append(mean_alarms(own, seeds))
    order = sorted(f1, key=lambda name: -sum(values.mean() for values in f1[name]))
    for cells in (
        {name: [f"{values.mean():.3f}" for values in f1[name]] for name in order},
        {name: [f"{value:.1f}" for value in alarms[name]] for name in order},
    ):
        print("\n| rule |" + "".join(f" {like}, {level} |" for like, level in settings))
        print("|---|" + "---|" * len(settings))
        for name in order:
            print(f"| {name} | {' | '.join(cells[name])} |")
    print("\n| rule |" + "".join(f" {like}, {level} |" for like, level in settings) + " better |")
    print("|---|" + "---|" * (len(settings) + 1))
    for name in (name for name in order if name != REFERENCE):
        gains = [values - base for values, base in zip(f1[name], f1[REFERENCE], strict=True)]
        cells = (f" {gain.mean():+.3f} ± {1.96 * gain.std(ddof=1) / np.sqrt(len(gain)):.3f} |" for gain in gains)
        print(f"| {name} |{''.join(cells)} {sum(int((g > 0).sum()) for g in gains)} of {sum(map(len, gains))} |")


def decode_variants(task: tuple[list[dict[str, Any]], np.ndarray]) -> int:
    """Decode all curves under some variants; the number of intervals."""
    specs, curves = task
    return sum(len(built.detect(curve)) for built in (build_rule(s, "benchmark") for s in specs) for curve in curves)


def print_speed(workers: int) -> None:
    """1,000 variants of PriorGuided on a corpus of SAMM-LV size."""
    catalog = simulate_timelines("samm_lv", 0)
    simulated = simulate_curves(
        catalog, ScoreModel.level("published_network"), frame_step=FRAME_STEP["samm_lv"]
    ).values()
    curves = np.stack([np.resize(labelled.curve, 1000) for labelled in simulated])
    specs = grid(
        "PriorGuided",
        half_window=range(3, 13),
        threshold=np.linspace(0.3, 0.9, 20).tolist(),
        nms_iou=(0.1, 0.2, 0.3, 0.4, 0.5),
    )
    began, spent = time.perf_counter(), sum(os.times()[:4])
    with ProcessPoolExecutor(workers) as pool:
        found = sum(pool.map(decode_variants, [(specs[i::20], curves) for i in range(20)]))
    seconds, spent = time.perf_counter() - began, sum(os.times()[:4]) - spent
    each = 1000 * spent / (len(specs) * len(curves))
    print(
        f"{len(specs)} variants of PriorGuided x {len(curves)} curves of {curves.shape[1]} samples, "
        f"{workers} processes: {seconds:.1f} s, of CPU {spent:.1f} s, {each:.3f} ms per curve ({found} intervals)"
    )


def print_labels(like: str, level: str, scores: Sequence[dict[str, tuple[float, float]]]) -> None:
    """One line: mean accuracy and macro recall of every way to label."""
    parts = [
        f"{n} {np.mean([s[n][0] for s in scores]):.3f}/{np.mean([s[n][1] for s in scores]):.3f}" for n in scores[0]
    ]
    print(f"emotions of true intervals, {like}, {level} (accuracy/macro recall): {', '.join(parts)}", flush=True)


def score_change(text: str) -> str:
    """NAME=VALUE of a score model, checked."""
    name, _, value = text.partition("=")
    if name not in NUMBERS:
        raise argparse.ArgumentTypeError(f"{name} is not a number of the score model")
    return f"{name}={float(value)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--subjects", type=int, default=24, help="at most so many subjects, drawn anew by every seed")
    parser.add_argument("--levels", nargs="+", choices=tuple(LEVELS), default=tuple(LEVELS))
    parser.add_argument("--score", nargs="+", default=[], type=score_change, metavar="NAME=VALUE", help=SCORE_HELP)
    parser.add_argument("--like", nargs="+", choices=tuple(FRAME_STEP), default=tuple(FRAME_STEP))
    parser.add_argument("--rules", nargs="+", choices=tuple(CANDIDATES), default=tuple(CANDIDATES), metavar="RULE")
    parser.add_argument("--save", type=Path, metavar="JSONL", help="keep counts here, and continue from them")
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/rules.md as well")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=("bench", "labels", "speed"))
    options = parser.parse_args()
    if options.only in (None, "speed"):
        print_speed(options.workers)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    settings = list(itertools.product(options.like, options.levels))
    jobs = [
        Job(like, level, seed, options.subjects, ",".join(options.score)) for seed in seeds for like, level in settings
    ]
    names = list(dict.fromkeys([REFERENCE, *options.rules]))
    with ProcessPoolExecutor(options.workers) as pool:
        if options.only in (None, "bench"):
            rows = benched(jobs, names, pool, options.save)
            for like, level in settings:
                print_bench(like, level, rows)
            if options.markdown:
                print_markdown(settings, rows)
        if options.only in (None, "labels"):
            scores = list(pool.map(label, jobs))
            for like, level in settings:
                own = [s for job, s in zip(jobs, scores, strict=True) if (job.like, job.level) == (like, level)]
                print_labels(like, level, own)


if __name__ == "__main__":
    main()
