"""What it gains to let windows begin at several places: counts of a study decoded with 1, 2, 3, ... phases.

    memodule synth data/demo
    memodule extract data/demo --out data/flow --phases 6
    memodule loso --config demo --set data.phases=6                             # or a study of one phase
    python experiments/benchmarks/phases.py runs/demo-1f2e3d4c --flow data/flow --phases 6
    python experiments/benchmarks/phases.py --video interview.mp4               # how much the first frame decides

The networks of a finished study score the windows of the held-out subjects again, and the curves are decoded with
rules that are fitted and calibrated fold by fold as in every study: nothing is trained, and nothing learned from the
scored subject. With `--video`, a recording (with `--cut`, first videos of a study) is scored with 0 to 14 frames cut
from its start: the correlation of these curves says how much the place of the first frame decides.
"""

import argparse
import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memodule.data.windows import Stitching, window_starts
from memodule.decoding.comparison import compared
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import labelled_curve
from memodule.decoding.protocol import Protocol
from memodule.decoding.scoring import score_windows, stitched_curve
from memodule.flow import FlowParameters, FlowStore
from memodule.intervals import build_rule
from memodule.metrics.evaluation import tally_subjects
from memodule.metrics.functional import Tally, spotting_scores
from memodule.spotting import Spotter
from memodule.studies.ablation.rule_files import read_rule
from memodule.studies.calibrating import calibrated_decoder, out_of_fold
from memodule.studies.fold_result import FoldResult
from memodule.studies.study import Study
from memodule.training.checkpoints import load_fold_model

Scores = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""(W, k) scores and (W, k, 5) logits of the windows of one video."""

_WAYS: tuple[Stitching, ...] = ("tail", "mean")
_COUNTS = (1, 2, 3, 6)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", type=Path, metavar="RUN_DIR")
    parser.add_argument("--flow", type=Path, default=Path("data/flow"))
    parser.add_argument("--phases", type=int, default=6, help="of the features in the store")
    parser.add_argument("--cut", action="store_true", help="cut frames from the start; needs a store of 15 phases")
    parser.add_argument("--video", type=Path, nargs="*", default=())
    parser.add_argument("--checkpoint", type=Path)
    options = parser.parse_args()
    for folder in options.studies:
        study = Study.open(folder)
        print(f"\n{folder.name}\n")
        if options.cut:
            _print_cuts([scores[0] for _, scores in _first_videos(study, options.flow)])
        else:
            _print_counts(study, scored_folds(study, options.flow, options.phases), options.phases)
    for path in options.video:
        print(f"\n{path.name}\n")
        spotter = Spotter.from_checkpoint(options.checkpoint, phases=15)
        _print_cuts([np.concatenate(spotter.measure(path).reading.spot)])


# ------------------------------------------------------------------------------------------------------ counts


def scored_folds(study: Study, flow: Path, phases: int) -> dict[str, dict[tuple[str, str], Scores]]:
    """The scores of all windows of each held-out subject, by its fold's network."""
    return {fold.subject: dict(_scored(study, fold, flow, phases)) for fold in _folds(study)}


def _folds(study: Study) -> list[FoldResult]:
    return list(study.finished_folds()[study.seeds[0]])


def _scored(study: Study, fold: FoldResult, flow: Path, phases: int) -> Iterator[tuple[tuple[str, str], Scores]]:
    model = load_fold_model(fold.folder / "model.ckpt")
    store = FlowStore(flow, dataclasses.replace(model.flow, phases=phases))
    for video in study.catalog.videos:
        if video.subject == fold.subject:
            windows = np.array(store.get(*video.key).windows)
            yield video.key, score_windows(model.network, windows, model.windows_per_pass)


def _print_counts(study: Study, scores: Mapping[str, Mapping[tuple[str, str], Scores]], phases: int) -> None:
    rules = ("prior_guided", "calibrated", "calibrated, no classes")
    print(f"| phases | stitching | {' | '.join(rules)} |\n|---|---|{'---|' * len(rules)}")
    for count, way in itertools.product((n for n in _COUNTS if phases % n == 0), _WAYS):
        curves = {
            subject: [_curve(study, key, scored, way, phases, count) for key, scored in videos.items()]
            for subject, videos in scores.items()
        }
        cells = [_counts(study, curves, rule, dataclasses.replace(Protocol(), stitching=way)) for rule in rules]
        print(f"| {count} | {way} | {' | '.join(cells)} |", flush=True)


def _curve(study: Study, key: tuple[str, str], scores: Scores, way: Stitching, phases: int, count: int) -> VideoCurve:
    video, step = study.catalog.video(key), int(study.config["data"]["frame_step"])
    kept = (part[:: phases // count] for part in scores)
    sampled = FlowParameters(frame_step=step).sampled(video.frames)
    return stitched_curve(key, *kept, way, video.fps, step, sampled=sampled, phases=count)


def _counts(study: Study, curves: Mapping[str, Sequence[VideoCurve]], name: str, protocol: Protocol) -> str:
    """F1 (hits / false alarms / misses; false alarms a minute), pooled over all folds."""
    kind, _, without = name.partition(", no ")
    if without:
        curves = {s: [dataclasses.replace(curve, logits=None) for curve in some] for s, some in curves.items()}
    folds, catalog, found = _folds(study), study.catalog, []
    for fold in folds:
        others = [curve for other in out_of_fold(fold, folds) for curve in curves[other.subject]]
        decoder = calibrated_decoder(
            build_rule(read_rule(kind, Path(), "rule"), "rule"),
            protocol,
            catalog,
            catalog.of(fold.training),
            [labelled_curve(curve, catalog) for curve in others],
            int(study.config["data"]["frame_step"]),
        )
        found += [compared(decoder.decode(curve), catalog, protocol) for curve in curves[fold.subject]]
    tally = sum(tally_subjects(found, protocol).values(), Tally())
    f1 = spotting_scores(tally.tp, tally.fp, tally.fn)["f1"]
    minutes = sum(video.frames / video.fps for video in catalog.videos) / 60
    return f"{f1:.3f} ({tally.tp}/{tally.fp}/{tally.fn}; {tally.fp / minutes:.1f})"


# --------------------------------------------------------------------------------------------- the first frame


def _first_videos(study: Study, flow: Path) -> Iterator[tuple[tuple[str, str], Scores]]:
    """The first video of each of four held-out subjects, with windows that begin at every frame."""
    for fold in _folds(study)[:4]:
        yield next(_scored(study, fold, flow, 15))


def cut_curves(spot: npt.NDArray[np.float32], way: Stitching, phases: int) -> npt.NDArray[np.float32]:
    """(15, n) curves with 0 to 14 frames cut from the start, without the ends that some do not cover.

    Args:
        spot: (W, 30) scores of windows that begin at every frame.
    """
    length, curves = spot.shape[1], []
    for cut in range(length // 2):
        starts = cut + window_starts(2 * len(spot), length, phases)
        kept = spot[starts[starts < len(spot)]]
        logits = np.zeros((*kept.shape, 5), np.float32)
        curve = stitched_curve(("", ""), kept, logits, way, 30.0, 1, phases=phases).score
        curves.append(np.pad(curve, (cut, 0), constant_values=np.nan))
    shortest = min(map(len, curves))
    return np.stack([curve[length : shortest - length] for curve in curves])


def _print_cuts(videos: Sequence[npt.NDArray[np.float32]]) -> None:
    print("| phases | stitching | correlation, mean | smallest | one curve above .9 | the mean of all above .9 |")
    print("|---|---|---|---|---|---|")
    for count, way in itertools.product(_COUNTS, _WAYS):
        cut = [cut_curves(spot, way, count) for spot in videos]
        each = np.concatenate([_correlations(curves) for curves in cut])
        single = np.concatenate([(curves > 0.9).any(axis=0) for curves in cut]).mean()
        together = np.concatenate([curves.mean(axis=0) > 0.9 for curves in cut]).mean()
        print(f"| {count} | {way} | {each.mean():.2f} | {each.min():.2f} | {single:.1%} | {together:.1%} |", flush=True)


def _correlations(curves: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Of all pairs of curves (m, n)."""
    matrix = np.corrcoef(curves.astype(np.float64))
    values: npt.NDArray[np.float64] = matrix[np.triu_indices(len(curves), 1)]
    return values


if __name__ == "__main__":
    main()
