"""`memodule demo`: a whole leave-one-subject-out study on generated videos, with a page about it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.study_options import add_online, add_settings, process_count, settings
from memodule.commands.study_outcome import log_outcome, outcome_text, print_outcome
from memodule.commands.values import whole
from memodule.errors import UserError
from memodule.runtime.packaged import ROOT
from memodule.synthetic.difficulty import Level

if TYPE_CHECKING:
    from memodule.intervals import SelectionRule
    from memodule.studies.loso import Outcome
    from memodule.studies.study import Study

_DESCRIPTION: Final = """\
Make semi-synthetic face videos, extract their optical flow, train and score a small network in a leave-one-subject-out
study, decode its curves with the paper's prior-guided rule and with fixed windows, and write an HTML page about both.
Takes some minutes on a laptop; needs no network, no GPU and no account.

The videos are a photograph warped into different people. The demo shows that the pipeline works, and nothing about real
micro-expressions."""

_EPILOG: Final = """\
The demo prints the command of each step. Finished work is kept: after an interruption it resumes where it stopped.

examples:
  memodule demo
  memodule demo --difficulty easy --data data/easy
  memodule demo --set model=slowfast     (the full-size network; takes much longer)"""

_EXPERIMENT: Final = ROOT / "experiments" / "demo.yaml"
_FIXED_WINDOW: Final = ROOT / "experiments" / "baselines" / "fixed_window.yaml"


def main(argv: Sequence[str]) -> int:
    """Run the command; returns 1 if folds failed."""
    options = parse(_parser(), argv)
    videos, flow = options.data / "demo", options.data / "flow"
    overrides = settings(options) | {"data.catalog": str(videos), "data.flow": str(flow)}
    _make_videos(options, videos)
    _extract(options, videos, flow)
    trained = _train(options, overrides)
    if trained.failed or trained.results is None:
        print_outcome(trained, as_json=False)
        return 1
    fixed = _decode_again(options, overrides, trained.study.folder)
    _conclude(options, [trained, fixed])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("demo", _DESCRIPTION, _EPILOG)
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="videos and features (data)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of all studies (runs)")
    parser.add_argument("--subjects", type=whole(), default=8, metavar="N", help="number of people (8)")
    parser.add_argument("--videos", type=whole(), default=4, metavar="N", help="videos per person (4)")
    parser.add_argument(
        "--frames", type=whole(), default=300, metavar="N", help="frames per video, at 30 a second (300)"
    )
    parser.add_argument("--difficulty", choices=get_args(Level), default="moderate", help="of the videos (moderate)")
    parser.add_argument("--seed", type=whole(), default=0, metavar="N", help="of videos and training (0)")
    parser.add_argument(
        "--workers", type=process_count, default="auto", metavar="N|auto", help="processes (auto: one per processor)"
    )
    add_settings(parser, "replace settings of the experiment demo")
    add_online(parser)
    return parser


def _step(number: int, title: str, command: str) -> None:
    console.console.print(f"\n[bold]{number} of 5  {title}[/bold]   [dim]{command}[/dim]", soft_wrap=True)


def _make_videos(options: argparse.Namespace, videos: Path) -> None:
    from memodule.datasets import synthesize

    given = [f"--{name} {getattr(options, name)}" for name in ("subjects", "videos", "frames", "difficulty", "seed")]
    _step(1, "face videos", f"memodule synth {videos} {' '.join(given)}")
    synthesize(
        videos,
        subjects=options.subjects,
        videos=options.videos,
        frames=options.frames,
        difficulty=options.difficulty,
        seed=options.seed,
        workers=options.workers,
    )


def _extract(options: argparse.Namespace, videos: Path, flow: Path) -> None:
    from memodule.datasets import read_catalog
    from memodule.flow import FlowParameters, FlowStore, extract_catalog

    _step(2, "optical flow", f"memodule extract {videos} --out {flow}")
    store = FlowStore(flow, FlowParameters())
    report = extract_catalog(read_catalog(videos), store, workers=options.workers)
    if report.problems:
        raise UserError(f"{videos}: these videos cannot be used; delete the folder and repeat the command\n{report}")


def _train(options: argparse.Namespace, overrides: dict[str, str]) -> "Outcome":
    from memodule.runtime.wandb_environment import choose_mode

    _step(3, "training, one fold per person", f"memodule loso --config demo --workers {options.workers}")
    choose_mode(options.online)
    return _study(options, overrides, [_EXPERIMENT], None)


def _decode_again(options: argparse.Namespace, overrides: dict[str, str], trained: Path) -> "Outcome":
    """The same curves with fixed windows, in the folder where `memodule loso` would train them."""
    again = f"memodule loso --config demo --config baselines/fixed_window --curves {trained}"
    _step(4, "the same curves, fixed windows", again)
    return _study(options, overrides, [_EXPERIMENT, _FIXED_WINDOW], trained)


def _study(
    options: argparse.Namespace, overrides: dict[str, str], configs: Sequence[Path], curves: Path | None
) -> "Outcome":
    """Train, or decode saved curves (which takes no workers)."""
    from memodule.studies.loso import run_study
    from memodule.studies.plan import plan_study
    from memodule.studies.work import Workers

    plan = plan_study(configs, overrides, seeds=[options.seed], runs=options.runs, curves=curves)
    outcome = run_study(plan, Workers() if curves else Workers(options.workers))
    log_outcome(outcome)
    return outcome


def _conclude(options: argparse.Namespace, outcomes: Sequence["Outcome"]) -> None:
    """Write the page, keep a checkpoint for `memodule spot`, and print what to open."""
    from memodule.report import ReportedStudy, write_report
    from memodule.spotting.default import install_demo_checkpoint
    from memodule.studies.tracking import how_to_send

    folders = [outcome.study.folder for outcome in outcomes]
    page = options.runs / "demo.html"
    _step(5, "report", f"memodule report {' '.join(str(folder) for folder in folders)} --out {page}")
    write_report([ReportedStudy.of_study(outcome.study) for outcome in outcomes], page)
    trained = outcomes[0].study
    held_out = trained.subjects[0]
    rule = _calibrated_rule(trained, held_out, options.seed)
    checkpoint = install_demo_checkpoint(trained.fold(held_out, options.seed).folder / "model.ckpt", rule)
    for outcome in outcomes:
        print(f"\n{outcome_text(outcome)}")
    print(
        "\nThese videos are semi-synthetic: the numbers show that the pipeline works, and nothing about real faces.\n"
        f"look at:     {page}\n"
        f"scores:      {trained.folder / 'results.json'}\n"
        f"W&B runs:    {how_to_send(trained) or 'none offline'}\n"
        f"checkpoint:  {checkpoint}; try it: memodule spot VIDEO --checkpoint {checkpoint}"
    )


def _calibrated_rule(study: "Study", held_out: str, seed: int) -> "SelectionRule":
    """The included rule `calibrated` for one fold; the fold's own where the curves have too little to learn from."""
    from memodule.intervals import build_rule
    from memodule.studies.ablation.rule_files import read_rule
    from memodule.studies.calibrating import fold_decoder

    fold = study.fold(held_out, seed)
    rule = fold_decoder(build_rule(read_rule("calibrated", Path(), "demo"), "demo"), study, fold).rule
    return fold.rule if rule.uncalibrated else rule
