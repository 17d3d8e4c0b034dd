"""`memodule adapt`: continue training on your own recordings, without labels."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.values import positive, rate, whole
from memodule.errors import UserError

if TYPE_CHECKING:
    from memodule.adaptation.material import Material
    from memodule.adaptation.training import Adapted
    from memodule.spotting import Spotter
    from memodule.spotting.spotter import Measured

_EPILOG: Final = """\
Expressions of known size and timing are injected into the recordings' own motion, and the network learns to find them
there. Part of the recordings is held back; training stops when injections into that part are no longer recognised any
better, and the best weights are kept. The selection rule stays as the checkpoint has it.

The recordings should show the same people, camera and light as those to be spotted later, minutes rather than seconds.
Real micro-expressions in them are taken for background. So do not spot these very recordings with the new checkpoint:
`memodule spot VIDEO --adapt` adapts to a recording and spots each part of it by weights that never saw that part.

`memodule sensitivity VIDEO --checkpoint CKPT` shows what is gained, on recordings that were not used here.
docs/adaptation.md says when adapting helps.

examples:
  memodule adapt default warm-up.mp4 --out adapted.ckpt
  memodule adapt runs/samm_lv-1f2e3d4c/folds/seed0/006/model.ckpt recordings/ --out adapted.ckpt

exit status: 0 the new checkpoint was written, 1 nothing was gained and nothing written, 2 invalid arguments."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    arguments = parse(_parser(), argv)
    from memodule.spotting import Spotter
    from memodule.spotting.video_source import find_sources

    checkpoint = None if str(arguments.checkpoint) == "default" else arguments.checkpoint
    if checkpoint is not None and arguments.out.resolve() == checkpoint.resolve():
        raise UserError(f"--out {arguments.out}: is the checkpoint itself; choose another file")
    if arguments.out.is_dir():
        raise UserError(f"--out {arguments.out}: is a folder; name a file, such as {arguments.out / 'adapted.ckpt'}")
    paths = find_sources(arguments.videos)
    phases = {} if arguments.phases is None else {"phases": arguments.phases}
    spotter = Spotter.from_checkpoint(checkpoint, **phases)
    return _adapt(arguments, spotter, paths)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("adapt", "Adapt a checkpoint to your own recordings, without labels.", _EPILOG)
    parser.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="model.ckpt of a trained fold, or default: the included one"
    )
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO|FOLDER", help="recordings to adapt to")
    parser.add_argument("--out", type=Path, required=True, metavar="CKPT", help="the new checkpoint")
    parser.add_argument("--steps", type=whole(1), default=600, metavar="N", help="training steps at most [%(default)s]")
    parser.add_argument(
        "--learning-rate", type=positive, default=1e-3, metavar="R", help="of Adam, at first [%(default)s]"
    )
    parser.add_argument("--seed", type=whole(0), default=0, help="of everything random [%(default)s]")
    parser.add_argument("--phases", type=whole(1), metavar="N", help="in how many places windows begin [as spot]")
    parser.add_argument("--fps", type=rate, help="frame rate of image folders; overrides that of a video file")
    parser.add_argument("--face", default="largest", metavar="WHICH", help="as in memodule spot [%(default)s]")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser


def _adapt(arguments: argparse.Namespace, spotter: "Spotter", paths: Sequence[Path]) -> int:
    from memodule.adaptation.checkpoint import training_loss, write_adapted
    from memodule.adaptation.material import AMPLE_S, Material
    from memodule.adaptation.training import Schedule
    from memodule.data.seen_recordings import SeenRecording, adaptation

    original = Path(spotter.checkpoint)
    loss = training_loss(original)
    measured = [_measure(spotter, path, arguments) for path in paths]
    starts = [video.reading.parameters.starts(len(video.flow)) for video in measured]
    material = Material.of(list(zip([video.flow for video in measured], starts, strict=True)), spotter.rate)
    schedule = Schedule(steps=arguments.steps, learning_rate=arguments.learning_rate, seed=arguments.seed)
    background = material.seconds(material.with_face)
    if background < AMPLE_S:
        console.warn(f"{background:.0f} s of background are little; {AMPLE_S:g} s and more show more of what moves")
    with console.progress_bar() as bar:
        task = bar.add_task("adapting", total=schedule.steps)
        adapted = material.adapt(
            spotter.model.network,
            loss,
            schedule,
            material.with_face,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    _report(arguments, material, adapted, background)
    if not adapted.best:
        console.warn(f"no training recognised injections better than {original} does; nothing was written")
        return 1
    seen = adaptation(SeenRecording.of(video.source.path, video.reading.frames) for video in measured)
    write_adapted(original, adapted.network, seen, arguments.out)
    console.note(f"wrote {arguments.out}; its selection rule is still that of {original}")
    return 0


def _measure(spotter: "Spotter", path: Path, arguments: argparse.Namespace) -> "Measured":
    from memodule.spotting import FaceChoice

    source = spotter.open(path, arguments.fps)
    with console.progress_bar() as bar:
        task = bar.add_task(f"measuring {path.name}", total=None)
        return spotter.measure_source(
            source,
            face=FaceChoice.parse(arguments.face),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            keep_flow=True,
        )


def _report(arguments: argparse.Namespace, material: "Material", adapted: "Adapted", background: float) -> None:
    result: dict[str, Any] = {
        "seconds": round(background, 3),
        "windows": int(material.with_face.sum()),
        "before": round(adapted.before, 4),
        "after": round(adapted.after, 4),
        "steps": adapted.best,
        "looks": {str(step): round(value, 4) for step, value in adapted.looks.items()},
        "out": str(arguments.out) if adapted.best else None,
    }
    if arguments.json:
        print(json.dumps(result, indent=2, allow_nan=False))
        return
    print(
        f"{background:.0f} s of background; ROC area of injections held back: {adapted.before:.3f} before, "
        f"{adapted.after:.3f} after {adapted.best} steps"
    )
