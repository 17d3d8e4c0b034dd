"""`memodule sensitivity`: how large a movement must be to be found in your own recordings."""

import argparse
import contextlib
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.values import positive, rate, whole
from memodule.errors import UserError

if TYPE_CHECKING:
    from memodule.decoding.protocol import Protocol
    from memodule.sensitivity.movements import Trial
    from memodule.sensitivity.recordings import Recording
    from memodule.spotting import Spotter

_EPILOG: Final = """\
No label is needed: movements of known size are added to the recording at random moments, the same spotter that
`memodule spot` uses looks for them, and the share that it finds is reported by size, region and duration, with the
false alarms that it makes on the untouched recording. What is found is decided as in a study (IoU of at least .5).

--method images warps the frames: exact, and as slow as spotting the video once for every pass.
--method features adds the movements to the measured features: seconds after the video was measured once.
--flow STORE tests all videos of a flow store (`memodule extract`) without their images.
--study STUDY tests every fold of a study on the parts of its held-out subject's videos without a labelled expression,
writes sensitivity.json into the study's folder, and `memodule report` shows it.

Writes sensitivity.html (figures), sensitivity.csv (one row per movement) and sensitivity.json into the folder --out.
docs/sensitivity.md explains how to read them.

examples:
  memodule sensitivity interview.mp4
  memodule sensitivity interview.mp4 --method features --movements 400
  memodule sensitivity recordings/ --checkpoint runs/samm_lv-1f2e3d4c/folds/seed0/006/model.ckpt --rule rise_fall
  memodule sensitivity --flow data/flow --checkpoint model.ckpt --pixels 1 6
  memodule sensitivity --study runs/demo-1f2e3d4c

exit status: 0 all recordings were tested, 1 some could not be (damaged, too short, no face), 2 invalid arguments."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    arguments = parse(_parser(), argv)
    trial = _trial(arguments)
    if arguments.study is not None:
        return _study(arguments, trial)
    from memodule.spotting import Spotter
    from memodule.spotting.naming import writable

    out: Path | None = arguments.out or (None if arguments.json else Path("sensitivity"))
    with contextlib.nullcontext() if out is None else writable(out):
        phases = {} if arguments.phases is None else {"phases": arguments.phases}
        spotter = Spotter.from_checkpoint(arguments.checkpoint, arguments.rule, arguments.calibrate, **phases)
        recordings, failed = _stored(arguments, spotter) if arguments.flow else _videos(arguments, spotter)
        if recordings:
            about = {
                "method": "features" if arguments.flow else arguments.method,
                "checkpoint": spotter.checkpoint,
                "rule": type(spotter.rule).__name__,
            }
            summary, rows = _test(arguments, trial, spotter.model.protocol, recordings, about)
            if out is not None:
                _save(summary, rows, out)
            _print(arguments, summary)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("sensitivity", "Test how large a movement must be to be found in a recording.", _EPILOG)
    parser.add_argument("videos", type=Path, nargs="*", metavar="VIDEO|FOLDER", help="what to test")
    parser.add_argument("--flow", type=Path, metavar="STORE", help="test the videos of this flow store instead")
    parser.add_argument("--study", type=Path, metavar="STUDY", help="test the folds of this finished study instead")
    parser.add_argument(
        "--checkpoint", type=Path, metavar="CKPT", help="model.ckpt of a trained fold [the one that spot uses]"
    )
    parser.add_argument("--rule", metavar="RULE", help="another selection rule: its name or a YAML file")
    parser.add_argument("--calibrate", type=Path, metavar="STUDY", help="calibrate the rule on this study's curves")
    parser.add_argument(
        "--method", choices=("images", "features"), default="images", help="where movements are added [%(default)s]"
    )
    parser.add_argument("--movements", type=whole(1), default=120, metavar="N", help="how many [%(default)s]")
    parser.add_argument(
        "--passes", type=whole(1), default=30, metavar="N", help="most passes through one recording [%(default)s]"
    )
    parser.add_argument(
        "--pixels",
        type=positive,
        nargs=2,
        default=(0.5, 4.0),
        metavar=("LOW", "HIGH"),
        help="sizes, in pixels of the image [0.5 4]",
    )
    parser.add_argument(
        "--seconds", type=positive, nargs=2, default=(0.2, 1.2), metavar=("LOW", "HIGH"), help="durations [0.2 1.2]"
    )
    parser.add_argument("--seed", type=whole(0), default=0, help="of sizes and moments [%(default)s]")
    parser.add_argument(
        "--phases",
        type=whole(1),
        metavar="N",
        help="in how many places windows begin within half a window [as spot; with --flow as the checkpoint]",
    )
    parser.add_argument("--fps", type=rate, help="frame rate of image folders; overrides that of a video file")
    parser.add_argument("--face", default="largest", metavar="WHICH", help="as in memodule spot [%(default)s]")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the files [sensitivity; none with --json]")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser


def _trial(arguments: argparse.Namespace) -> "Trial":
    from memodule.sensitivity.movements import Trial

    given = [name for name in ("videos", "flow", "study") if getattr(arguments, name)]
    if len(given) != 1:
        raise UserError("sensitivity: name videos, --flow STORE or --study STUDY, one of them")
    for option in ("pixels", "seconds"):
        low, high = getattr(arguments, option)
        if low > high:
            raise UserError(f"--{option} {low:g} {high:g}: the first number is the smaller one")
    return Trial(arguments.movements, tuple(arguments.pixels), tuple(arguments.seconds), arguments.passes)


def _videos(arguments: argparse.Namespace, spotter: "Spotter") -> tuple[list["Recording"], bool]:
    """The recordings that could be measured, and whether one could not."""
    from memodule.sensitivity.recordings import MeasuredVideo
    from memodule.spotting import FaceChoice
    from memodule.spotting.video_source import find_sources

    face, recordings, failed = FaceChoice.parse(arguments.face), [], False
    for path in find_sources(arguments.videos):
        try:
            with console.progress_bar() as bar:
                task = bar.add_task(f"measuring {path.name}", total=None)
                video = MeasuredVideo.read(
                    spotter,
                    path,
                    arguments.fps,
                    face,
                    lambda done, total, bar=bar, task=task: bar.update(task, completed=done, total=total),  # type: ignore[misc]
                )
            recordings.append(video.by_images() if arguments.method == "images" else video.by_features())
        except UserError as error:
            console.remove_bars()
            print(f"memodule: error: {error}", file=sys.stderr)
            failed = True
    return recordings, failed


def _stored(arguments: argparse.Namespace, spotter: "Spotter") -> tuple[list["Recording"], bool]:
    from memodule.flow.store import FlowStore
    from memodule.sensitivity.recordings import stored_recordings

    model = dataclasses.replace(spotter.model, rule=spotter.rule)
    phases = model.flow.phases if arguments.phases is None else arguments.phases
    store = FlowStore(arguments.flow, dataclasses.replace(model.flow, phases=phases))
    return stored_recordings(model, [store.get(*key) for key in store.videos()]), False


def _study(arguments: argparse.Namespace, trial: "Trial") -> int:
    """Every fold of a study; the result is written into the study's folder."""
    from memodule.sensitivity.study import study_recordings
    from memodule.studies.study import Study

    if unused := [name for name in ("checkpoint", "rule", "calibrate", "phases", "fps") if getattr(arguments, name)]:
        raise UserError(f"--{unused[0]}: has no effect with --study, whose folds have their own; leave it out")
    study = Study.open(arguments.study)
    recordings = study_recordings(study)
    rule = study.config["intervals"]["class_path"].rpartition(".")[2]
    about = {"method": "features", "checkpoint": str(study.folder), "rule": rule}
    summary, rows = _test(arguments, trial, study.protocol, recordings, about)
    _save(summary, rows, study.folder, page=False)
    console.note(f"`memodule report {study.folder}` shows it")
    _print(arguments, summary)
    return 0


def _test(
    arguments: argparse.Namespace,
    trial: "Trial",
    protocol: "Protocol",
    recordings: Sequence["Recording"],
    about: Mapping[str, str],
) -> tuple[dict[str, Any], str]:
    """The summary and the CSV file of all recordings."""
    from memodule.sensitivity.summary import sensitivity_csv, summarize
    from memodule.sensitivity.trials import plan, run

    passes = plan(recordings, trial, arguments.seed)
    for recording, each in zip(recordings, passes, strict=True):
        for warning in recording.warnings:
            console.warn(f"{recording.name}: {warning}")
        if not each:
            console.warn(f"{recording.name}: no stretch is long enough for a movement; left out")
    tested = [(recording, each) for recording, each in zip(recordings, passes, strict=True) if each]
    movements, runs = sum(len(one) for _, each in tested for one in each), sum(len(each) for _, each in tested)
    if movements < trial.movements:
        console.warn(f"{movements} of {trial.movements} movements have room in {runs} passes; allow more with --passes")
    seconds = sum(len(each) * recording.cost for recording, each in tested)
    console.note(f"{movements} movements in {runs} passes: {_about(seconds)}")
    with console.progress_bar() as bar:
        task = bar.add_task("spotting with movements", total=runs)
        able, planned = zip(*tested, strict=True)
        trials = run(able, planned, protocol, lambda: bar.advance(task))
    ranges = {"pixels": list(trial.pixels), "seconds": list(trial.seconds)}
    return summarize(trials, **about, seed=arguments.seed, tried=ranges), sensitivity_csv(trials)


def _print(arguments: argparse.Namespace, summary: Mapping[str, Any]) -> None:
    print(json.dumps(summary, indent=2, allow_nan=False) if arguments.json else summary["sentence"])


def _save(summary: Mapping[str, Any], rows: str, out: Path, page: bool = True) -> None:
    from memodule.report.sensitivity_page import sensitivity_page
    from memodule.runtime.atomic import write_json, write_text

    try:
        write_json(out / "sensitivity.json", summary)
        write_text(out / "sensitivity.csv", rows)
        if page:
            write_text(out / "sensitivity.html", sensitivity_page(summary))
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error}); choose another folder with --out") from None
    console.note(f"wrote sensitivity{'.html,' if page else ''} .csv and .json to {out}")


def _about(seconds: float) -> str:
    """How long it takes, roughly."""
    if seconds < 50:
        return "less than a minute"
    minutes = max(1, round(seconds / 60))
    return "about a minute" if minutes == 1 else f"about {minutes} minutes"
