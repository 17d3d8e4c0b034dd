"""`memodule spot`: find the micro-expressions of your own videos."""

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.values import rate, whole
from memodule.errors import UserError

if TYPE_CHECKING:
    from memodule.spotting import FaceChoice, SpottedVideo, Spotter

_EPILOG: Final = """\
A folder of images is one video; of a folder of videos, all are analysed.

Each video gets three files: NAME.html (score curve, expressions, pictures), NAME.csv and NAME.json. Spotting a video
again overwrites its files; a name that belongs to another video is extended. Frames are numbered from 0, both ends
inclusive. Parts without a face are listed as not analysed: they are not free of micro-expressions.

examples:
  memodule spot interview.mp4
  memodule spot recordings/ --checkpoint runs/samm_lv-1f2e3d4c/folds/seed0/006/model.ckpt --out spotted
  memodule spot frames/ --fps 200 --face 2 --annotate
  memodule spot interview.mp4 --rule FixedWindow --json
  memodule spot interview.mp4 --adapt
  memodule spot interview.mp4 --checkpoint runs/samm_lv-1f2e3d4c/folds/seed0/006/model.ckpt --rule calibrated \\
      --calibrate runs/samm_lv-1f2e3d4c

exit status: 0 all videos were analysed, 1 some could not be (damaged, too short, no face), 2 invalid arguments."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    arguments = parse(_parser(), argv)
    from memodule.spotting import FaceChoice
    from memodule.spotting.naming import writable
    from memodule.spotting.video_source import find_sources

    face = FaceChoice.parse(arguments.face)
    paths = find_sources(arguments.videos)
    out = arguments.out or (None if arguments.json else Path("spotted"))
    with contextlib.nullcontext() if out is None else writable(out):
        return _spot_all(arguments, face, paths, out)


def _spot_all(arguments: argparse.Namespace, face: "FaceChoice", paths: Sequence[Path], out: Path | None) -> int:
    """Every video in turn; an error in one does not stop the others."""
    from memodule.spotting import Spotter
    from memodule.spotting.naming import result_names
    from memodule.spotting.spotter import half_fitted

    phases = {} if arguments.phases is None else {"phases": arguments.phases}
    spotter = Spotter.from_checkpoint(arguments.checkpoint, arguments.rule, arguments.calibrate, **phases)
    known = (*spotter.warnings, *half_fitted(spotter.rule))
    for warning in known:
        console.warn(warning)
    results, failed = [], False
    for path, name in zip(paths, result_names(paths, out), strict=True):
        try:
            spot = _spot_adapted if arguments.adapt else _spot
            result = spot(spotter, path, arguments.fps, face)
        except UserError as error:
            print(f"memodule: error: {error}", file=sys.stderr)
            failed = True
            continue
        results.append(result)
        failed = failed or not result.is_analysed
        for warning in result.warnings:
            if warning not in known:
                console.warn(f"{path}: {warning}")
        if out is not None:
            _save(result, out, name, arguments.annotate)
        if not arguments.json:
            print(f"{path}: {result.summary()}")
            _list(result)
        if out is not None and name != (path.resolve().name if path.is_dir() else path.stem):
            console.note(f"{path}: its files are named {name}, because another video already has its name")
    if arguments.json:
        print(json.dumps([result.as_dict() for result in results], indent=2, allow_nan=False))
    if out is not None and results:
        console.note(f"wrote .html, .csv, .json{' and .mp4' if arguments.annotate else ''} of each video to {out}")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("spot", "Find the micro-expressions of your own videos.", _EPILOG)
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO|FOLDER", help="what to analyse")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="CKPT",
        help="model.ckpt of a trained fold [the included one]",
    )
    parser.add_argument(
        "--rule",
        "--prior",
        metavar="RULE",
        help="another selection rule: its name, such as rise_fall, or a YAML file (--prior is the old name)",
    )
    parser.add_argument(
        "--calibrate",
        type=Path,
        metavar="STUDY",
        help="calibrate the rule on the curves of this finished study, best the one that the checkpoint is from",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the files [spotted; none with --json]")
    parser.add_argument("--fps", type=rate, help="frame rate of image folders; overrides that of a video file")
    parser.add_argument(
        "--face",
        default="largest",
        metavar="WHICH",
        help="largest, a number counted from the left (1, 2, ...), or a point x,y in pixels [%(default)s]",
    )
    parser.add_argument(
        "--phases",
        type=whole(),
        metavar="N",
        help="let windows begin at N places within half a window, so that no frame decides; takes N times as long [2]",
    )
    parser.add_argument(
        "--adapt",
        action="store_true",
        help="adapt the network to each recording; every part is scored by weights that never saw it (takes minutes)",
    )
    parser.add_argument("--annotate", action="store_true", help="also write NAME.mp4, the video with the results")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser


def _spot(spotter: "Spotter", path: Path, fps: float | None, face: "FaceChoice") -> "SpottedVideo":
    with console.progress_bar() as bar:
        task = bar.add_task(path.name, total=None)
        return spotter.spot(
            path, fps=fps, face=face, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )


def _spot_adapted(spotter: "Spotter", path: Path, fps: float | None, face: "FaceChoice") -> "SpottedVideo":
    from memodule.adaptation.cross_fitting import cross_fitted
    from memodule.adaptation.training import Schedule

    with console.progress_bar() as bar:
        task = bar.add_task(path.name, total=None)
        measured = spotter.measure(
            path,
            fps=fps,
            face=face,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            keep_flow=True,
        )
        learning = bar.add_task(f"adapting to {path.name}", total=None)
        adapted = cross_fitted(
            spotter, measured, Schedule(), lambda done, total: bar.update(learning, completed=done, total=total)
        )
    return spotter.decide(adapted)


def _save(result: "SpottedVideo", out: Path, name: str, annotated: bool) -> None:
    from memodule.report.spot_page import spot_page
    from memodule.runtime.atomic import write_json, write_text
    from memodule.spotting.annotate import annotate
    from memodule.spotting.pictures import draw_expressions
    from memodule.spotting.result import spotted_csv

    try:
        with console.console.status("drawing"):
            write_json(out / f"{name}.json", result.as_dict())  # first, because it says which video the files belong to
            write_text(out / f"{name}.csv", spotted_csv([result]))
            write_text(out / f"{name}.html", spot_page(result, draw_expressions(result)))
            if annotated:
                annotate(result, out / f"{name}.mp4")
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error}); choose another folder with --out") from None


def _list(result: "SpottedVideo") -> None:
    from memodule.spotting.timeline import clock

    for i, e in enumerate(result.expressions, 1):
        frames = f"frames {e.onset}-{e.offset}, apex {e.apex}"
        print(f"  {i:>3}  {clock(e.apex_s):>9}  {e.emotion:<9} {frames}, confidence {e.confidence:.2f}")
    if result.is_analysed:
        for s in result.not_analysed:
            print(f"    not analysed: {clock(s.first_s)} to {clock(s.last_s)} ({s.reason})")
