"""`memodule catalog`: read a data set's label files once and write its Catalog."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path

from memodule.commands import command_parser, parse
from memodule.console import console

_EPILOG = """\
example:
  memodule catalog samm_lv --root /data/SAMM --out data/samm_lv

writes videos.csv, expressions.csv and provenance.json (label files used; every row dropped or corrected)."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    parser = command_parser("catalog", "Write the Catalog (two CSV files) of a data set.", _EPILOG)
    parser.add_argument(
        "dataset", help="the data set: its name (samm_lv, ...), its description (a YAML file), or its folder"
    )
    parser.add_argument("--root", help="folder of the data set, if DATASET is a description")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write")
    parser.add_argument("--index", type=Path, metavar="FILE", help="where to keep the listing (default: user cache)")
    arguments = parse(parser, argv)

    from memodule.console import note
    from memodule.datasets.check.describe import warnings_text
    from memodule.datasets.check.examine import check_dataset
    from memodule.datasets.description import locate
    from memodule.datasets.folders import Listing, default_index
    from memodule.errors import UserError

    index = arguments.index or default_index(Path(arguments.root or arguments.dataset))
    with console.status("listing folders"), Listing(index) as listing:
        check = check_dataset(*locate(arguments.dataset, arguments.root, listing), listing)
    if check.catalog is None or check.statistics is None:
        raise UserError(check.problem)
    check.catalog.write(arguments.out)
    note(warnings_text(check))
    counts, notes = check.statistics, sum(remark.severity == "note" for remark in check.catalog.label_sources.remarks)
    print(
        f"{arguments.out}: {counts.videos} videos of {counts.subjects} subjects, {counts.micro.count} micro- and "
        f"{counts.macro.count} macro-expressions; {notes} known quirks handled (provenance.json)"
    )
    if check.training:
        published = dataclasses.asdict(check.training)
        print(f"Published settings: {', '.join(f'{name} {value:g}' for name, value in published.items())}")
        sampling = ["--window", str(published["window"]), "--frame-step", str(published["frame_step"])]
        print(f"Next: {shlex.join(['memodule', 'extract', str(arguments.out), '--out', 'data/flow', *sampling])}")
    return 0
