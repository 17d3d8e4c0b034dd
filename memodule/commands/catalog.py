"""`memodule catalog`: read a data set's label files once and write its Catalog."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path

from memodule.commands import command_parser, parse
from memodule.commands.dataset_options import add_dataset_options, checked_dataset
from memodule.console import note
from memodule.errors import UserError

_EPILOG = """\
example:
  memodule catalog samm_lv --root /data/SAMM --out data/samm_lv

writes videos.csv, expressions.csv and provenance.json (label files used; every row dropped or corrected)."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    parser = command_parser("catalog", "Write the Catalog (two CSV files) of a data set.", _EPILOG)
    add_dataset_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write")
    arguments = parse(parser, argv)

    from memodule.datasets.check.describe import warnings_text

    check = checked_dataset(arguments)
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
