"""What the score curves of a study are like, and the score model that imitates them in `decoding.py`.

    python experiments/benchmarks/curve_statistics.py runs/demo-1f2e3d4c
    python experiments/benchmarks/curve_statistics.py runs/curves-5a6b7c8d --output linear
    python experiments/benchmarks/curve_statistics.py runs/demo-1f2e3d4c --level demo   # compare, estimate nothing

Curves of other systems become a study by `memodule import-curves`. Printed are a `ScoreModel`, as a call to paste into
a program, and a table of agreement: statistics of the study's curves next to those of curves simulated over the same
labels, mean and standard deviation over seeds. Curves are those of held-out subjects of the study's first seed.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np

from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import labelled_curve
from memodule.errors import UserError
from memodule.studies.study import Study
from memodule.synthetic.curve_estimates import estimate_score_model
from memodule.synthetic.curve_statistics import Curves, simulated_statistics, statistics_of
from memodule.synthetic.score_curves import LEVELS, ScoreModel


def filled(curve: VideoCurve) -> VideoCurve:
    """A curve without gaps: unknown samples are put on the line between known ones."""
    if curve.known is None or not curve.known.any():
        return curve
    at = np.arange(len(curve.score))
    score = np.interp(at, at[curve.known], curve.score[curve.known]).astype(np.float32)
    return dataclasses.replace(curve, score=score, known=None)


def held_out_curves(study: Study) -> tuple[Curves, float, int]:
    """All curves of the finished folds of the first seed, their samples per second, source frames per sample."""
    folds = study.finished_folds()[study.seeds[0]]
    curves = [filled(curve) for fold in folds for curve in fold.curves if len(curve.score)]
    rates = {(curve.fps, curve.frame_step) for curve in curves}
    if len(rates) != 1:
        raise UserError(f"{study.folder}: needs curves with one number of samples per second, not {len(rates)}")
    ((fps, step),) = rates
    return {curve.key: labelled_curve(curve, study.catalog) for curve in curves}, fps / step, step


def as_call(model: ScoreModel) -> str:
    """The model in Python, with three digits of every number."""

    def short(value: object) -> str:
        if isinstance(value, tuple):
            return f"({', '.join(short(part) for part in value)}{',' * (len(value) == 1)})"
        return f"{value:.3g}" if isinstance(value, float) else repr(value)

    values = "".join(f"    {name}={short(value)},\n" for name, value in vars(model).items())
    return f"ScoreModel(\n{values})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, metavar="RUN_DIR")
    parser.add_argument("--output", choices=("linear", "sigmoid"), default="sigmoid", help="last layer of the network")
    parser.add_argument("--level", choices=tuple(LEVELS), help="compare with this level instead of an estimate")
    parser.add_argument("--seeds", type=int, default=10, help="simulations that are compared with the curves")
    arguments = parser.parse_args()
    study = Study.open(arguments.study)
    curves, rate, step = held_out_curves(study)
    catalog = study.catalog.of({subject for subject, _ in curves})
    if arguments.level:
        model = ScoreModel.level(arguments.level)
    else:
        model = estimate_score_model(curves, catalog, step, arguments.output)
        print(as_call(model))
    print(f"\n| {len(curves)} curves, {rate:.4g} samples per second | network | simulated |\n|---|---|---|")
    drawn = [simulated_statistics(model, catalog, step, [seed]) for seed in range(arguments.seeds)]
    for name, value in statistics_of(curves, rate).items():
        values = [one[name] for one in drawn]
        print(f"| {name} | {value:.3f} | {np.mean(values):.3f} ± {np.std(values):.3f} |")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
