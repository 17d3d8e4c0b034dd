"""`memodule ablate`: decode the curves of a study under every variant of a grid."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from memodule import console
from memodule.commands import command_parser, parse
from memodule.commands.study_options import add_online, process_count
from memodule.runtime.packaged import packaged_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from memodule.studies.ablation.run import Ablation

_EPILOG = """\
Trains nothing: the saved curves are decoded again. Priors are fitted, rules calibrated and parameters chosen fold by
fold, on training subjects only, unless the grid requests the leak. Only finished folds are decoded. What has been
decoded before is not decoded again, so a changed grid or an interrupted command computes only what is new.

Results go to RUN_DIR/ablations/NAME_OF_GRID/: table.csv, table.json, provenance.json, index.html, figures/*.png.

example:
  memodule ablate runs/demo-1f2e3d4c --grid interval_priors
"""


def main(argv: Sequence[str]) -> int:
    """Check the grid, decode, and write the tables and the page."""
    arguments = parse(_parser(), argv)
    from memodule.runtime.wandb_environment import choose_mode, leave_sweep
    from memodule.studies.ablation.grid import read_grid
    from memodule.studies.ablation.run import ablate, write_tables
    from memodule.studies.study import Study

    study = Study.open(arguments.study)  # first, since it imports your own rules, which the grid may name
    grid = read_grid(packaged_file(arguments.grid, "experiments/ablations", "--grid"))
    leave_sweep()  # an ablation shows held-out scores: it must not be a trial
    choose_mode(arguments.online)
    ablation = ablate(study, grid, arguments.workers)
    write_tables(ablation)
    from memodule.report.ablation_figures import figures, write_figures
    from memodule.report.ablation_page import write_page

    drawn = figures(ablation)
    write_figures(drawn, ablation.folder / "figures")
    page = write_page(ablation)
    _log(ablation, drawn)
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


def _log(ablation: "Ablation", figures: "Mapping[str, Figure]") -> None:
    """Send the table and the figures to a run of the study's group, where the study logs to Weights & Biases.

    The summary has the reference's scores, never the best row's: dashboards sorted by those would choose on held-out
    subjects.
    """
    from memodule.metrics.score_names import NOT_GIVEN
    from memodule.studies.ablation.table import flat_rows
    from memodule.studies.tracking import log_media, tracked_run

    config = {"ablation/grid": dict(ablation.grid.contents), "ablation/reference": ablation.grid.reference}
    with tracked_run(ablation.study, "ablation", f"ablation-{ablation.grid.name}", config) as run:
        if run is None:
            return
        scores = ablation.reference.scores
        run.summary.update(
            {
                "ablation/rows": len(ablation.rows),
                "ablation/leaks": sum(row.leak for row in ablation.rows),
                "ablation/uncalibrated": sum(row.uncalibrated is not None for row in ablation.rows),
                "ablation/partial": ablation.prepared.partial or "",
                **{f"reference/{name}": value for name, value in scores.items()},
            }
        )
        rows = [{name: v for name, v in row.items() if v != NOT_GIVEN} for row in flat_rows(ablation.rows)]
        log_media(run, {"ablation": rows}, figures, mixed_types=True)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("ablate", "Decode the curves of a study under every variant of a grid.", _EPILOG)
    parser.add_argument("study", type=Path, metavar="RUN_DIR", help="folder of a study")
    parser.add_argument("--grid", type=Path, required=True, metavar="YAML", help="rules and parameters")
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
