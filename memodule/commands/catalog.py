"""`memodule catalog`: read a data set's own label files once and write its Catalog."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path

from memodule.commands import command_parser, parse
from memodule.console import console

_EPILOG = """\
example:
  memodule catalog configs/datasets/samm_lv.yaml --root /data/SAMM --out data/samm_lv

writes videos.csv, expressions.csv and provenance.json (label files used; every row dropped or mended)."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    parser = command_parser("catalog", "Write the Catalog (two CSV files) of a data set.", _EPILOG)
    parser.add_argument("dataset", help="description (configs/datasets/*.yaml or its name), or the root itself")
    parser.add_argument("--root", help="folder of the data set, where DATASET is a description")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write")
    parser.add_argument("--index", type=Path, metavar="FILE", help="where to keep the listing (default: user cache)")
    arguments = parse(parser, argv)

    from memodule.console import note
    from memodule.datasets.check.dataset import check_dataset
    from memodule.datasets.check.text import warnings_text
    from memodule.datasets.description import locate
    from memodule.datasets.folders import Listing, default_index
    from memodule.errors import UserError

    index = arguments.index or default_index(Path(arguments.root or arguments.dataset))
    with console.status("looking into folders"), Listing(index) as listing:
        report = check_dataset(*locate(arguments.dataset, arguments.root, listing), listing)
    if report.catalog is None or report.summary is None:
        raise UserError(report.problem)
    report.catalog.write(arguments.out)
    note(warnings_text(report))
    summary, notes = report.summary, sum(remark.severity == "note" for remark in report.catalog.provenance.remarks)
    print(
        f"{arguments.out}: {summary.videos} videos of {summary.subjects} subjects, {summary.micro.count} micro- and "
        f"{summary.macro.count} macro-expressions; {notes} known quirks handled (provenance.json)"
    )
    if report.training:
        published = dataclasses.asdict(report.training)
        print(f"Published settings: {', '.join(f'{name} {value:g}' for name, value in published.items())}")
        sampling = ["--window", str(published["window"]), "--frame-step", str(published["frame_step"])]
        print(f"Next: {shlex.join(['memodule', 'extract', str(arguments.out), '--out', 'data/flow', *sampling])}")
    return 0
