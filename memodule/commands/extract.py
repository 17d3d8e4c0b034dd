"""`memodule extract`: frames -> optical-flow features."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from memodule.commands import command_parser, parse
from memodule.commands.study_options import process_count
from memodule.commands.values import whole
from memodule.errors import UserError

_EPILOG: Final = """\
examples:
  memodule extract data/synth --out data/flow
  memodule extract data/samm_lv --out data/flow --window 30 --frame-step 7 --workers 8
  memodule extract data/casme3 --out data/flow --window 50 --preview
  memodule extract data/casme3 --out data/flow --window 50 --phases 2      (for data.phases: 2)
  memodule extract data/casme3 --out data/flow --window 50 --verify       (check existing features again)

Existing features with the same parameters and unchanged frames are not computed again; after an interruption, run the
same command again. Every run writes quality.csv next to the features: faces found, box sizes, head motion, replaced
frames.

JSON: features, quality, pictures (with --preview), seconds, videos (subject, video, state, problem or null, remarks).

exit status: 0 all videos have usable features, 1 some do not (listed at the end), 2 nothing could be done."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    arguments = parse(_parser(), argv)

    from memodule.datasets import read_catalog
    from memodule.flow.extraction import extract_catalog
    from memodule.flow.parameters import FlowParameters
    from memodule.flow.store import FlowStore

    catalog = read_catalog(arguments.catalog)
    if not catalog.videos:
        raise UserError(f"{arguments.catalog / 'videos.csv'}: lists no videos, so there is nothing to extract")
    parameters = FlowParameters(arguments.window, arguments.frame_step, arguments.motion_compensation, arguments.phases)
    store = FlowStore(arguments.out, parameters)
    options = {"workers": arguments.workers, "engine": arguments.engine, "verify": arguments.verify}
    report = extract_catalog(catalog, store, **options)
    files = {"features": store.folder, "quality": store.folder / "quality.csv"}
    if arguments.preview:
        from memodule.flow.preview import draw_previews

        files["pictures"] = draw_previews(catalog, store, arguments.workers)
    if arguments.json:
        print(json.dumps({name: str(path) for name, path in files.items()} | report.as_dict(), indent=2))
    else:
        print(report)
        for name, path in files.items():
            print(f"{name + ':':<9} {path}")
    return 1 if report.problems else 0


def _parser() -> argparse.ArgumentParser:
    from memodule.flow.farneback import EngineName
    from memodule.flow.parameters import FlowParameters, MotionCompensation

    default = FlowParameters()
    parser = command_parser("extract", "Compute the optical-flow features of all videos of a Catalog.", _EPILOG)
    add = parser.add_argument
    add("catalog", type=Path, help="folder with videos.csv")
    add("--out", type=Path, required=True, metavar="STORE", help="folder of the flow store")
    add("--window", type=whole(), default=default.window, metavar="K", help="frames per window [%(default)s]")
    add(
        "--frame-step", type=whole(), default=default.frame_step, metavar="N", help="take every Nth frame [%(default)s]"
    )
    add(
        "--motion-compensation",
        choices=get_args(MotionCompensation),
        default=default.motion_compensation,
        help="how the face box follows the head [%(default)s]",
    )
    add(
        "--phases",
        type=whole(),
        default=default.phases,
        metavar="N",
        help="let windows begin at N places within half a window, at N times the work [%(default)s]",
    )
    add("--workers", type=process_count, default="auto", metavar="N|auto", help="processes; auto: one per processor")
    add("--engine", choices=get_args(EngineName), default="auto", help="what computes the flow [numba if installed]")
    add("--verify", action="store_true", help="hash stored features and frames, ignore file times")
    add("--preview", action="store_true", help="draw one picture per video: face, regions and flow")
    add("--json", action="store_true", help="print only JSON")
    return parser
