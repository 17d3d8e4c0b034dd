"""`memodule ablate`: decode the curves of a finished study under every variant of a grid."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.study_options import add_online, process_count
from memodule.runtime.packaged import packaged_file

_EPILOG = """\
Trains nothing: the saved curves are decoded again. Priors are fitted, rules calibrated and parameters chosen fold by
fold, on training subjects only, unless the grid asks for the leak. What has been decoded before is not decoded again,
so a changed grid, or a run that was stopped, computes only what is new.

Results go to RUN_DIR/ablations/NAME_OF_GRID/: table.csv, table.json, provenance.json, index.html, figures/*.png.

example:
  memodule ablate runs/demo-1f2e3d4c --grid experiments/ablations/interval_priors.yaml
"""


def main(argv: Sequence[str]) -> int:
    """Check the grid, decode, and write the tables and the page."""
    arguments = parse(_parser(), argv)
    from memodule.studies.ablation.grid import read_grid

    grid = read_grid(packaged_file(arguments.grid, "experiments/ablations", "--grid"))
    from memodule.runtime.wandb_environment import choose_mode, leave_sweep
    from memodule.studies.ablation.run import ablate, write_tables
    from memodule.studies.study import Study

    leave_sweep()  # an ablation shows held-out scores: it is no trial
    choose_mode(arguments.online)
    ablation = ablate(Study.open(arguments.study), grid, arguments.workers)
    write_tables(ablation)
    from memodule.report.ablation_figures import figures, write_figures
    from memodule.report.ablation_page import write_page
    from memodule.studies.ablation.tracking import log_ablation

    drawn = figures(ablation)
    write_figures(drawn, ablation.folder / "figures")
    page = write_page(ablation)
    log_ablation(ablation, drawn)
    if arguments.json:
        print((ablation.folder / "table.json").read_text(encoding="utf-8"), end="")
    elif console.console.quiet:
        print(ablation.folder)
    else:
        from memodule.commands.ablation_table import print_table

        print_table(ablation)
        print(f"tables: {ablation.folder / 'table.csv'}, table.json, provenance.json")
        print(f"page:   {page}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("ablate", "Decode a finished study under every variant of a grid.", _EPILOG)
    parser.add_argument("study", type=Path, metavar="RUN_DIR", help="folder of a finished study")
    parser.add_argument("--grid", type=Path, required=True, metavar="YAML", help="rules and parameters to decode under")
    parser.add_argument(
        "--workers",
        type=process_count,
        default="auto",
        metavar="N|auto",
        help="processes (default: auto, one per processor)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON (table.json) and nothing else")
    add_online(parser)
    return parser
