"""Does `memodule spot` find the same micro-expressions at any frame rate?

Renders the same performances of semi-synthetic people at several frame rates, spots them, and counts. No checkpoint has
seen these people: their seed is not the demo's. An expression counts as found if an interval overlaps it with
IoU >= .5, one to one; the 95 % interval of F1 is a bootstrap over people. `curve` is the correlation over time of the
score curve with that of the first frame rate: a loss there comes from the network, any further loss from the selection
rule. The numbers show how the program handles frame rates, not its accuracy on real micro-expressions.

    python experiments/benchmarks/spotting.py --checkpoint data/models/demo.ckpt
    python experiments/benchmarks/spotting.py --rule PriorGuided configs/intervals/rise_fall.yaml
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from memodule import console
from memodule.datasets import Catalog, synthesize
from memodule.metrics.functional import match_intervals
from memodule.spotting import SpottedVideo, Spotter
from memodule.spotting.spotter import Measured

Curves = dict[tuple[str, str], tuple[Any, Any]]
"""Seconds and scores of each video."""


def main() -> None:
    arguments = _arguments()
    console.set_quiet(True)
    spotter = Spotter.from_checkpoint(arguments.checkpoint)
    rules = [
        Spotter.from_checkpoint(arguments.checkpoint, name).rule if name else spotter.rule for name in arguments.rule
    ]
    minutes = arguments.subjects * arguments.videos * arguments.seconds / 60
    print(
        f"{spotter.checkpoint}: trained at {spotter.rate:g} samples per second; "
        f"{arguments.subjects} people, {minutes:.1f} minutes, {arguments.difficulty}"
    )
    print(" fps  known found recall  F1  (95 %)        alarms/min  right emotion  curve  rule", flush=True)
    reference: Curves = {}
    for fps in arguments.fps:
        catalog, measured = _measured(spotter, fps, arguments)
        results = [spotter.decide(video) for video in measured]
        curves = {v.key: (r.sample_seconds, r.score) for v, r in zip(catalog.videos, results, strict=True)}
        reference = reference or curves
        agreement = float(np.mean([_correlation(reference[key], curve) for key, curve in curves.items()]))
        for rule in rules:
            decided = results if rule is spotter.rule else [spotter.decide(video, rule) for video in measured]
            rows = list(counts(catalog, decided))
            print(_line(fps, np.array(rows), minutes, agreement), decided[0].rule, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="model.ckpt [the included one]")
    parser.add_argument("--rule", "--prior", nargs="*", default=[""], help='selection rules; "" is the checkpoint\'s')
    parser.add_argument("--fps", type=float, nargs="+", default=[30, 25, 60, 200])
    parser.add_argument("--subjects", type=int, default=8)
    parser.add_argument("--videos", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--difficulty", default="realistic", help="of the videos (realistic)")
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--workers", type=int, default=1, help="processes that render")
    return parser.parse_args()


def _measured(spotter: Spotter, fps: float, arguments: argparse.Namespace) -> tuple[Catalog, list[Measured]]:
    """The same performances rendered at one frame rate, and their scores."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = synthesize(
            Path(folder) / "videos",
            subjects=arguments.subjects,
            videos=arguments.videos,
            frames=round(arguments.seconds * fps),
            fps=fps,
            difficulty=arguments.difficulty,
            seed=arguments.seed,
            workers=arguments.workers,
        )
        return catalog, [spotter.measure(video.path) for video in catalog.videos]


def counts(catalog: Catalog, results: list[SpottedVideo]) -> Iterator[tuple[int, int, int, int]]:
    """Known, found, false alarms, and found with the right emotion, of each person."""
    by_key = {video.key: result for video, result in zip(catalog.videos, results, strict=True)}
    for subject in sorted({video.subject for video in catalog.videos}):
        total = np.zeros(4, dtype=int)
        for key in (key for key in by_key if key[0] == subject):
            found, truth = by_key[key].expressions, catalog.expressions_of(key, "micro")
            intervals = np.array([(e.onset, e.offset) for e in found]).reshape(-1, 2)
            match = match_intervals(intervals, np.array([(e.onset, e.offset) for e in truth]).reshape(-1, 2)).tolist()
            right = sum(e.emotion == truth[m].emotion for e, m in zip(found, match, strict=True) if m >= 0)
            hits = sum(m >= 0 for m in match)
            total += (len(truth), hits, len(found) - hits, right)
        yield tuple(total.tolist())


def _line(fps: float, rows: Any, minutes: float, agreement: float) -> str:
    known, found, alarms, right = rows.sum(axis=0).tolist()
    people = np.random.default_rng(0).integers(len(rows), size=(2000, len(rows)))
    low, high = np.quantile(_f1(rows[people].sum(axis=1)), [0.025, 0.975])
    f1 = float(_f1(rows.sum(axis=0)))
    return (
        f"{fps:>4g} {known:>6} {found:>5} {found / known:>6.2f} {f1:>5.2f} ({low:.2f} .. {high:.2f}) "
        f"{alarms / minutes:>9.1f} {right:>14} {agreement:>7.3f} "
    )


def _f1(rows: Any) -> Any:
    known, found, alarms = rows[..., 0], rows[..., 1], rows[..., 2]
    return 2 * found / np.maximum(1, known + found + alarms)


def _correlation(reference: tuple[Any, Any], curve: tuple[Any, Any]) -> float:
    seconds, score = reference
    same_times = np.interp(seconds, *curve)
    both = ~(np.isnan(score) | np.isnan(same_times))
    return float(np.corrcoef(score[both], same_times[both])[0, 1])


if __name__ == "__main__":
    main()
