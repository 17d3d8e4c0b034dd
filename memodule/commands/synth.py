"""`memodule synth`: semi-synthetic face videos, or a stand-in for a whole data set."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.study_options import process_count
from memodule.commands.values import number, whole
from memodule.errors import UserError
from memodule.runtime.workers import processors
from memodule.synthetic.difficulty import Level

if TYPE_CHECKING:
    from memodule.datasets.catalog import Catalog

_DESCRIPTION: Final = """\
Write semi-synthetic face videos with known micro- and macro-expressions into the folder OUT, as video files (or images)
with a Catalog (videos.csv, expressions.csv). Public-domain photographs are warped into different people, who move by
known amounts at known times, talk, chew and look around, in front of different cameras. Such data show that the
pipeline works, and nothing about real micro-expressions.

With --like, no videos are rendered: OUT receives the label timelines of a whole data set with its published statistics
(the videos named there do not exist), and --flow writes matching features directly into a flow store."""

_EPILOG: Final = """\
examples:
  memodule synth data/demo --subjects 8 --videos 4
  memodule synth data/phone --format h264
  memodule synth data/sparse --videos 2 --frames 3600 --micros-per-minute 1.5
  memodule synth data/samm-like --like samm_lv --flow data/flow

--flow takes 45 MB for samm_lv (window 30, every 7th frame) and 800 MB for casme3 (window 50, every frame)."""

_RENDERING: Final = (
    *(
        "subjects",
        "videos",
        "frames",
        "fps",
        "difficulty",
        "micros_per_minute",
        "annotator_error",
        "storage",
        "workers",
    ),
)
_STAND_IN: Final = ("flow", "window", "frame_step")
"""Options of only one of the two modes."""

_LIKE: Final = ("samm_lv", "casme3")  # the values of memodule.synthetic.label_statistics.Like, without loading scipy


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    arguments = parse(_parser(), argv)
    rendering = {name: value for name in _RENDERING if (value := getattr(arguments, name)) is not None}
    stand_in = {name: value for name in _STAND_IN if (value := getattr(arguments, name)) is not None}
    if arguments.like is None:
        from memodule.synthetic import synthesize

        _refuse(stand_in, "needs --like")
        catalog = synthesize(arguments.out, seed=arguments.seed, **{"workers": processors(), **rendering})
    else:
        _refuse(rendering, "cannot be combined with --like, which renders nothing")
        catalog = _stand_in(arguments.out, arguments.seed, arguments.like, stand_in)
    kinds = [expression.kind for expression in catalog.expressions]
    print(
        f"{arguments.out}: {len(catalog.subjects)} subjects, {len(catalog.videos)} videos, "
        f"{kinds.count('micro')} micro- and {kinds.count('macro')} macro-expressions"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("synth", _DESCRIPTION, _EPILOG)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to make")
    parser.add_argument("--seed", type=whole(), default=0, help="same seed, same bytes (0)")
    videos = parser.add_argument_group("videos")
    videos.add_argument("--subjects", type=whole(), metavar="N", help="number of people (8)")
    videos.add_argument("--videos", type=whole(), metavar="N", help="videos per person (4)")
    videos.add_argument("--frames", type=whole(), metavar="N", help="frames per video (300)")
    videos.add_argument("--fps", type=number, help="frames per second (30)")
    videos.add_argument("--difficulty", choices=get_args(Level), help="how faint, how masked, how noisy (realistic)")
    videos.add_argument(
        "--micros-per-minute",
        type=number,
        metavar="X",
        help="rate of micro-expressions in videos that have any, at least one each (realistic: 14); 0: none anywhere",
    )
    videos.add_argument(
        "--annotator-error",
        type=whole(),
        metavar="N",
        help="labels are off by up to N frames, as those of people are (0)",
    )
    videos.add_argument(
        "--format",
        dest="storage",
        choices=("video", "images", "h264"),
        help="lossless .avi files, PNG folders, or lossy .mp4 files as cameras write them (video)",
    )
    videos.add_argument("--workers", type=process_count, metavar="N|auto", help="processes (auto: one per processor)")
    like = parser.add_argument_group("stand-in for a data set")
    like.add_argument("--like", choices=_LIKE, help="which data set to imitate in size and statistics")
    like.add_argument("--flow", type=Path, metavar="STORE", help="flow store to fill with features")
    like.add_argument("--window", type=whole(), metavar="K", help="frames per window of the features (30 or 50)")
    like.add_argument("--frame-step", type=whole(), metavar="N", help="source frames per sampled frame (7 or 1)")
    return parser


def _refuse(options: dict[str, Any], why: str) -> None:
    for name in options:
        raise UserError(f"--{'format' if name == 'storage' else name.replace('_', '-')} {why}")


def _stand_in(out: Path, seed: int, like: Any, options: dict[str, Any]) -> "Catalog":
    from memodule.synthetic.stand_in import write_stand_in

    if "flow" not in options and options:
        raise UserError("--window and --frame-step describe features; add --flow to write them")
    catalog = write_stand_in(out, like, seed, **{"flow": None, **options})
    console.note("the videos named in videos.csv do not exist: only labels and features were made")
    return catalog
