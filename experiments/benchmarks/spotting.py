"""Does `memodule spot` find known micro-expressions at any frame rate?

Renders semi-synthetic faces that no checkpoint has seen (their seed is not the demo's) at several frame rates, spots
them, and prints how many of the known micro-expressions were found and how many false alarms there were. An expression
counts as found if an interval overlaps it with IoU >= .5, one to one. The numbers speak of the program's way with frame
rates, not of accuracy on real micro-expressions.

    python experiments/benchmarks/spotting.py --checkpoint data/models/demo.ckpt
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from memodule import console
from memodule.datasets import Catalog, synthesize
from memodule.metrics.functional import match_intervals
from memodule.spotting import Spotter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="model.ckpt; the demo's if left out")
    parser.add_argument("--fps", type=float, nargs="+", default=[25, 30, 60, 200])
    parser.add_argument("--subjects", type=int, default=2)
    parser.add_argument("--videos", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--difficulty", default="easy")
    parser.add_argument("--seed", type=int, default=77)
    arguments = parser.parse_args()
    console.set_quiet(True)
    spotter = Spotter.from_checkpoint(arguments.checkpoint)
    print(f"{spotter.checkpoint}: trained at {spotter.rate:g} samples per second; {arguments.difficulty} videos")
    print(f"{'fps':>5} {'known':>6} {'found':>6} {'false alarms':>13} {'right emotion':>14}  sampling")
    for fps in arguments.fps:
        with tempfile.TemporaryDirectory() as folder:
            catalog = synthesize(
                Path(folder) / "videos",
                subjects=arguments.subjects,
                videos=arguments.videos,
                frames=round(arguments.seconds * fps),
                fps=fps,
                difficulty=arguments.difficulty,
                seed=arguments.seed,
            )
            known, found, alarms, right, sampling = run(catalog, spotter)
        print(f"{fps:>5g} {known:>6} {found:>6} {alarms:>13} {right:>14}  {sampling}", flush=True)


def run(catalog: Catalog, spotter: Spotter) -> tuple[int, int, int, int, str]:
    """Known, found, false alarms, found with the right emotion, and how the last video was sampled."""
    known = found = alarms = right = 0
    sampling = ""
    for video in catalog.videos:
        result = spotter.spot(video.path)
        truth = catalog.expressions_of(video.key, "micro")
        intervals = np.array([(e.onset, e.offset) for e in result.expressions]).reshape(-1, 2)
        true = np.array([(e.onset, e.offset) for e in truth]).reshape(-1, 2)
        match = match_intervals(intervals, true)
        known, found, alarms = known + len(truth), found + int((match >= 0).sum()), alarms + int((match < 0).sum())
        pairs = [(e, truth[m]) for e, m in zip(result.expressions, match.tolist(), strict=True) if m >= 0]
        right += sum(mine.emotion == theirs.emotion for mine, theirs in pairs)
        sampling = str(result.sampling) + (" (warned)" if result.sampling.warning else "")
    return known, found, alarms, right, sampling


if __name__ == "__main__":
    main()
