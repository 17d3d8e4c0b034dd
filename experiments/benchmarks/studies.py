"""How studies scale: two workers against one, the overhead of a fold, memory, and a plan for a bigger machine.

    memodule synth data/samm-like --like samm_lv --flow data/flow                  # what is trained on, once
    python experiments/benchmarks/studies.py                                       # two free cores, some minutes
    python experiments/benchmarks/studies.py --folds 6 --set trainer.max_epochs=3  # a first impression
    python experiments/benchmarks/studies.py --study runs/samm_lv-1a2b3c4d --gpus-per-fold 0.25  # the plan alone

Every round runs the same study with one worker and then with several, each time as a separate command with W&B
tracking (offline) and one thread per fold. The seconds of a command include imports, Ray and pooling. Ray's workers
run at the priority of the command; by default they would yield to other programs. The overhead of a fold is its time
outside training, and the wait for the next fold in its worker. The plan simulates folds that wait for free GPUs, from
the measured seconds of every fold; it trains nothing.
"""

import argparse
import dataclasses
import itertools
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from command_usage import Ran, run_watched
from study_schedule import Schedule, places, simulate

from memodule.datasets.catalog import read_catalog
from memodule.studies.study import Study
from memodule.training.settings import parse_config

_ROOT = Path(__file__).parents[2]
_OVERHEAD = ("setup", "tracking", "validation", "test", "weights")
"""Phases of a fold other than training."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """One run of the study.

    Attributes:
        workers: Folds at a time.
        ran: Seconds and memory of the command.
        folds: Contents of each fold's `result.json`, by start.
    """

    workers: int
    ran: Ran
    folds: Sequence[dict[str, Any]]

    @property
    def by_process(self) -> list[list[dict[str, Any]]]:
        """The folds of every process, by start."""
        processes = dict.fromkeys(fold["process"] for fold in self.folds)
        return [[fold for fold in self.folds if fold["process"] == process] for process in processes]

    @property
    def beginning(self) -> float:
        """Seconds until the first fold starts."""
        return float(self.folds[0]["started"] - self.ran.started)

    @property
    def between(self) -> float:
        """Seconds from the first fold's start to the last one's end."""
        return float(max(fold["started"] + fold["seconds"] for fold in self.folds) - self.folds[0]["started"])

    def waits(self) -> list[float]:
        """Seconds between two folds of one process."""
        return [
            after["started"] - fold["started"] - fold["seconds"]
            for own in self.by_process
            for fold, after in itertools.pairwise(own)
        ]


def measure(options: argparse.Namespace, workers: int, runs: Path) -> Measured:
    """Run the study in a new folder."""
    command = [sys.executable, "-m", "memodule", "loso", "--quiet", "--runs", str(runs), "--workers", str(workers)]
    command += [argument for config in options.config for argument in ("--config", str(config))]
    command += ["--set", f"trainer.logger={_ROOT / 'configs' / 'logger' / 'wandb.yaml'}", *options.set]
    command += ["--folds", ",".join(subjects(options))] if options.folds else []
    ran = run_watched(
        command, {"OMP_NUM_THREADS": "1", "WANDB_MODE": "offline", "RAY_worker_niceness": "0", **os.environ}
    )
    (folder,) = runs.iterdir()
    return Measured(workers, ran, sorted(results_of(folder), key=lambda fold: fold["started"]))


def subjects(options: argparse.Namespace) -> list[str]:
    """The first subjects, as many as `--folds` requests."""
    catalog = parse_config(options.config, dict(setting.split("=", 1) for setting in options.set))["data"]["catalog"]
    return list(read_catalog(catalog).subjects[: options.folds])


def results_of(folder: Path) -> Iterator[dict[str, Any]]:
    """The `result.json` of every finished fold."""
    study = Study.open(folder)
    for seed in study.seeds:
        yield from (study.fold(subject, seed).result for subject in study.finished(seed))


def print_speed(one: Sequence[Measured], several: Sequence[Measured]) -> None:
    """Seconds of every round, and their ratio."""
    workers = several[0].workers
    print(f"\n{len(one[0].folds)} folds, one thread each{'':9}{'1 worker':>10} {f'{workers} workers':>10} {'ratio':>7}")
    for a, b in zip(one, several, strict=True):
        rows = (
            ("whole command, s", a.ran.seconds, b.ran.seconds),
            ("  until the first fold, s", a.beginning, b.beginning),
            ("  folds, s", a.between, b.between),
            ("  processors, all processes, s", a.ran.cpu, b.ran.cpu),
        )
        for name, first, second in rows:
            ratio = f"{first / second:6.2f}x" if name.startswith(("whole", "  folds")) else ""
            print(f"{name:32}{first:10.1f} {second:10.1f} {ratio:>7}", flush=True)


def print_overhead(runs: Sequence[Measured]) -> None:
    """Where a fold's time goes outside training: the first fold of a process, and the median of later ones."""
    heads = [
        f"{run.workers} worker{'s' if run.workers > 1 else ''}, {which}" for run in runs for which in ("1st", "later")
    ]
    print(f"\n{'seconds of a fold':20}" + "".join(f"{head:>19}" for head in heads))
    columns = [folds for run in runs for folds in _first_and_later(run)]
    for phase in _OVERHEAD:
        print(f"{phase:20}" + "".join(f"{_median(fold['phases'][phase] for fold in own):19.2f}" for own in columns))
    waits = [_median(run.waits()) for run in runs]
    print(f"{'wait for the next':20}" + "".join(f"{'':19}{wait:19.2f}" for wait in waits))
    overhead = [_median(fold["seconds"] - fold["training_seconds"] for fold in own) for own in columns]
    totals = [value + (waits[i // 2] if i % 2 else 0) for i, value in enumerate(overhead)]
    print(f"{'overhead in total':20}" + "".join(f"{total:19.2f}" for total in totals))
    print(f"{'training':20}" + "".join(f"{_median(f['training_seconds'] for f in own):19.2f}" for own in columns))


def _first_and_later(run: Measured) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return [own[0] for own in run.by_process], [fold for own in run.by_process for fold in own[1:]]


def _median(values: Any) -> float:
    known = list(values)
    return statistics.median(known) if known else float("nan")


def print_memory(runs: Sequence[Measured]) -> None:
    """Peak memory of each kind of process."""
    kinds = ("the command", "Ray workers", "Ray itself", "W&B", "others", "total")
    print(f"\n{'peak memory, MB':20}" + "".join(f"{f'{run.workers} at a time':>15}" for run in runs))
    for kind in kinds:
        print(f"{kind:20}" + "".join(f"{run.ran.peaks.get(kind, 0):15.0f}" for run in runs))
    print(f"{'largest worker':20}" + "".join(f"{run.ran.worker:15.0f}" for run in runs))


def print_plan(options: argparse.Namespace, seconds: Sequence[float], source: str) -> None:
    """How long many studies would take on many GPUs."""
    share, count = options.gpus_per_fold, options.configurations
    at_a_time = places(options.gpus, share)
    folds = [options.slower * value + options.start for value in seconds]
    study = folds * options.seeds
    studies = study * count
    alone, together = simulate(study, at_a_time), simulate(studies, at_a_time)
    print(
        f"\n{len(folds)} folds x {options.seeds} seeds x {count} configurations = {len(studies)} folds on "
        f"{options.gpus} GPUs, {share:g} of one per fold: {at_a_time} at a time\n"
        f"seconds per fold: {min(folds):.0f} .. {max(folds):.0f}, mean {statistics.fmean(folds):.1f}; {source}, times "
        f"{options.slower:g}, plus {options.start:g} for a fresh worker\n"
        f"total compute: {together.work / 3600:.2f} fold hours, {together.work * share / 3600:.2f} GPU hours"
    )
    print(f"{'':34}{'makespan, h':>12} {'utilisation':>12} {'last idle tail, s':>18}")
    _print_schedule("one configuration", alone, 1)
    _print_schedule(f"{count}, one after the other", alone, count)
    _print_schedule(f"{count}, all submitted at once", together, 1)
    _print_schedule("  the same, longest folds first", simulate(sorted(studies, reverse=True), at_a_time), 1)


def _print_schedule(name: str, schedule: Schedule, repeats: int) -> None:
    hours = repeats * schedule.makespan / 3600
    print(f"{name:34}{hours:12.2f} {100 * schedule.utilisation:11.1f}% {schedule.tail:18.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = [_ROOT / "experiments" / "ablations" / "generated.yaml"]
    parser.add_argument("--config", type=Path, nargs="+", default=default, help="experiment to train [generated.yaml]")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="replace settings of the experiment")
    parser.add_argument("--folds", type=int, metavar="N", help="only the first N subjects")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    plan = parser.add_argument_group("plan")
    plan.add_argument(
        "--study", type=Path, metavar="RUN_DIR", help="use the fold times of this study, and measure nothing"
    )
    plan.add_argument("--gpus", type=int, default=8)
    plan.add_argument("--gpus-per-fold", type=float, default=0.25, metavar="SHARE")
    plan.add_argument("--seeds", type=int, default=5)
    plan.add_argument("--configurations", type=int, default=20)
    plan.add_argument(
        "--slower", type=float, default=1.0, metavar="FACTOR", help="how much longer a fold takes there than here [1]"
    )
    plan.add_argument(
        "--start", type=float, default=8.0, metavar="SECONDS", help="start of a fresh worker for each fold [8]"
    )
    options = parser.parse_args()
    if options.study:
        seconds = [fold["seconds"] for fold in results_of(options.study)]
        return print_plan(options, seconds, f"measured in {options.study}")
    one, several = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            one.append(measure(options, 1, Path(folder) / f"one{number}"))
            several.append(measure(options, options.workers, Path(folder) / f"several{number}"))
    print_speed(one, several)
    print_overhead([one[-1], several[-1]])
    print_memory([one[-1], several[-1]])
    print_plan(options, [fold["seconds"] for fold in one[-1].folds], "measured here with one worker")


if __name__ == "__main__":
    main()
