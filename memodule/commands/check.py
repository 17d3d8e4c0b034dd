"""`memodule check`: report what a data set contains, what is missing and what looks wrong."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from memodule.commands import command_parser, parse
from memodule.commands.dataset_options import add_dataset_options, checked_dataset

_EPILOG = """\
examples:
  memodule check samm_lv --root /data/SAMM
  memodule check /data/SAMM                 (the data set is recognised by its files)
  memodule check data/samm_lv               (a Catalog: videos.csv and expressions.csv)

exit status: 0 no problems, 1 warnings, 2 the data set cannot be used."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    parser = command_parser("check", "Report what is missing or looks wrong in a data set.", _EPILOG)
    add_dataset_options(parser)
    parser.add_argument("--against", action="append", default=[], metavar="CATALOG", help="warn of common subjects")
    parser.add_argument("--histogram", type=Path, metavar="FILE", help="draw durations and classes to a .png")
    parser.add_argument("--json", action="store_true", help="print only JSON")
    arguments = parse(parser, argv)

    from memodule.datasets.check.describe import check_text
    from memodule.datasets.check.histograms import draw_histograms

    check = checked_dataset(arguments, arguments.against)
    if arguments.json:
        print(json.dumps(check.as_dict(), indent=2, allow_nan=False))
    else:
        print(check_text(check))
        if check.catalog and check.training:  # not yet a Catalog
            where = [arguments.dataset, *(["--root", arguments.root] if arguments.root else [])]
            out = f"data/{Path(arguments.dataset).stem}"
            print(f"\nNext: {shlex.join(['memodule', 'catalog', *where, '--out', out])}")
    if arguments.histogram and check.catalog:
        draw_histograms(check.catalog, arguments.histogram)
    return check.exit_status
