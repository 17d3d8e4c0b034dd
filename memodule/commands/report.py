"""`memodule report`: one self-contained HTML page about one or more finished studies."""

from collections.abc import Sequence
from pathlib import Path

from memodule.commands import command_parser, parse
from memodule.errors import UserError

_EPILOG = """\
The page needs no network and no other file. It compares the studies (scores, intervals, paired tests), shows each one
in detail, and has a browser of all videos: score curve, labels, what was found.

example:
  memodule report runs/demo-1f2e3d4c
  memodule report runs/prior-1f2e3d4c runs/fixed-5a6b7c8d --out comparison.html
"""


def main(argv: Sequence[str]) -> int:
    """Read the studies and write the page."""
    parser = command_parser("report", "Write one HTML page about finished studies.", _EPILOG)
    parser.add_argument(
        "studies", type=Path, nargs="+", metavar="RUN_DIR", help="folder of a study; the first is the reference"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="HTML",
        help="the page (default: report.html, in the folder of the study if there is only one)",
    )
    arguments = parse(parser, argv)
    folders: list[Path] = arguments.studies
    _refuse_repeats(folders)

    from memodule.console import track
    from memodule.report import ReportedStudy, write_report
    from memodule.studies.study import Study

    out = arguments.out or (folders[0] / "report.html" if len(folders) == 1 else Path("report.html"))
    write_report([ReportedStudy.of_study(Study.open(folder)) for folder in track(folders, "reading")], out)
    print(out)
    return 0


def _refuse_repeats(folders: Sequence[Path]) -> None:
    resolved = [folder.resolve() for folder in folders]
    for number, folder in enumerate(resolved):
        if folder in resolved[:number]:
            raise UserError(f"{folders[number]}: given twice; name each study once")
