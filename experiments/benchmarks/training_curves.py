"""The training curves of a finished study as one SVG picture, drawn by the code of its report.

python experiments/benchmarks/training_curves.py RUN_DIR OUT.svg
"""

import argparse
from pathlib import Path

from memodule.report import Run
from memodule.report.html import Html, el, packaged
from memodule.report.pictures import training_plots
from memodule.runtime.atomic import write_text
from memodule.studies.study import Study

COLUMNS, WIDTH, HEIGHT, TITLE = 3, 360, 170, 24
"""Panels in a row; size of a panel and height of its title in pixels."""

STYLE = f"""
svg {{ font-family: system-ui, sans-serif; }} .background {{ fill: var(--paper); }}
svg.plot {{ width: {WIDTH}px; height: {HEIGHT}px; }}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, metavar="RUN_DIR")
    parser.add_argument("out", type=Path, metavar="OUT.svg")
    arguments = parser.parse_args()
    write_text(arguments.out, picture(Run.of_study(Study.open(arguments.study))))


def picture(run: Run) -> Html:
    """All panels in rows, on the report's paper, dark where the reader's browser is."""
    plots = training_plots(run)
    rows = -(-len(plots) // COLUMNS)
    size = {"width": COLUMNS * (WIDTH + 12), "height": rows * (HEIGHT + TITLE)}
    return el(
        "svg",
        el("style", Html(packaged("memodule.report", "page.css") + STYLE)),
        el("rect", class_="background", **size),
        *(panel(number, title, plot) for number, (title, plot) in enumerate(plots)),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {size['width']} {size['height']}",
        **size,
    )


def panel(number: int, title: str, plot: Html) -> Html:
    row, column = divmod(number, COLUMNS)
    return el(
        "g",
        el("text", title, x=44, y=TITLE - 7, class_="name"),
        el(
            "g",
            Html(plot.replace("<svg ", f'<svg width="{WIDTH}" height="{HEIGHT}" ', 1)),
            transform=f"translate(0 {TITLE})",
        ),
        transform=f"translate({column * (WIDTH + 12)} {row * (HEIGHT + TITLE)})",
    )


if __name__ == "__main__":
    main()
