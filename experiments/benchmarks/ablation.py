"""How long `memodule ablate` takes: 1,000 variants of PriorGuided on a study of SAMM-LV's size.

30 folds, 147 simulated curves of 1,000 samples; every variant is fitted fold by fold, decoded, voted, matched, counted,
scored with a bootstrap and compared with the reference by a permutation test. Timed are the first run, a second one
from the cache, and a nested choice among 20 candidates, which decodes the training subjects of every fold too. CPU is
the time of all processes, which other load on the machine does not change.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import yaml

from memodule.decoding.curves import VideoCurve
from memodule.decoding.protocol import MEGC
from memodule.intervals import PriorGuided, describe_rule
from memodule.studies.ablation.cache import CountCache
from memodule.studies.ablation.execution import count_all
from memodule.studies.ablation.grid import read_grid
from memodule.studies.ablation.prepared import PreparedCurve, PreparedFold, PreparedStudy
from memodule.studies.ablation.run import score_rows
from memodule.synthetic.score_curves import ScoreModel, simulate_curves
from memodule.synthetic.timelines import simulate_timelines

STEP, SAMPLES = 7, 1000


def study(subjects: int | None) -> PreparedStudy:
    """One fold per subject (or for the first ones), whose curves are repeated or cut to 1,000 samples."""
    catalog = simulate_timelines("samm_lv", 0)
    catalog = catalog.of(set(catalog.subjects[:subjects]))
    curves = simulate_curves(catalog, ScoreModel.level("published_network"), frame_step=STEP, seed=0)
    folds = []
    for subject in catalog.subjects:
        training = tuple(other for other in catalog.subjects if other != subject)
        known = catalog.of(training)
        rule = PriorGuided().fit(known.expressions, fps=catalog.videos[0].fps, frame_step=STEP)
        test = []
        for video in catalog.of({subject}).videos:
            score = np.resize(curves[video.key].curve, SAMPLES).astype(np.float32)
            logits = np.log(np.resize(curves[video.key].probabilities, (SAMPLES, 5)) + 1e-6).astype(np.float32)
            test.append(PreparedCurve.of(VideoCurve(*video.key, score, logits, video.fps, STEP), catalog, MEGC))
        folds.append(PreparedFold(subject, 0, training, (), (), known, describe_rule(rule), test, {}))
    return PreparedStudy(MEGC, catalog, folds, "benchmark")


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def timed(name: str, variants: dict, prepared: PreparedStudy, folder: Path, workers: int) -> None:
    """Run a grid and print its times."""
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump({"variants": variants}))
    began, worked = time.perf_counter(), cpu_seconds()
    grid = read_grid(path)
    checked = time.perf_counter()
    counted = count_all(grid, prepared, CountCache(folder / "cache", prepared.identity), workers)
    decoded = time.perf_counter()
    rows = score_rows(grid, prepared, counted.counts)
    scored = time.perf_counter()
    print(
        f"{name}: {len(rows)} rows, {counted.computed} decodings of {sum(len(f.test) for f in prepared.folds)} curves, "
        f"{workers} processes: check {checked - began:.1f} s + decode {decoded - checked:.1f} s + score "
        f"{scored - decoded:.1f} s = {scored - began:.1f} s (CPU {cpu_seconds() - worked:.1f} s)",
        flush=True,
    )


def main() -> None:
    """Print one line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--thresholds", type=int, default=20, help="50 variants each")
    parser.add_argument("--subjects", type=int, help="use only the first N")
    options = parser.parse_args()
    threshold = {"from": 0.3, "to": 0.9, "steps": options.thresholds}
    swept = {
        "rule": "PriorGuided",
        "parameters": {
            "half_window": {"from": 3, "to": 12, "step": 1},
            "threshold": threshold,
            "nms_iou": [0.1, 0.2, 0.3, 0.4, 0.5],
        },
    }
    chosen = {"rule": "PriorGuided", "parameters": {"threshold": threshold}, "choose": ["threshold"]}
    prepared = study(options.subjects)
    with tempfile.TemporaryDirectory() as folder:
        for name, variants in (("first run", {"a": swept}), ("second run", {"a": swept}), ("nested", {"b": chosen})):
            timed(name, variants, prepared, Path(folder), options.workers)


if __name__ == "__main__":
    main()
