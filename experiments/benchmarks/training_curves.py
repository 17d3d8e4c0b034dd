"""The training curves of a finished study as one SVG picture, drawn by the code of its report.

python experiments/benchmarks/training_curves.py RUN_DIR OUT.svg
"""

import argparse
from pathlib import Path

from markupsafe import Markup

from memodule.colours import css_colours
from memodule.report import ReportedStudy
from memodule.report.drawing import Picture
from memodule.report.study_figures import training_pictures
from memodule.runtime.atomic import write_text
from memodule.studies.study import Study

COLUMNS, WIDTH, HEIGHT, TITLE = 3, 360, 170, 24
"""Panels in a row; size of a panel and height of its title in pixels."""

PAGE = Markup("""\
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width} {height}"
 width="{width}" height="{height}">
<style>{style} svg {{ font-family: system-ui, sans-serif; }} .title {{ fill: var(--ink); font-size: 13px; }}</style>
<rect width="{width}" height="{height}" style="fill: var(--paper)"/>
{panels}
</svg>
""")
PANEL = Markup("""\
<g transform="translate({x} {y})"><text x="44" y="{below}" class="title">{title}</text>
<g transform="translate(0 {top})">{svg}</g></g>
""")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, metavar="RUN_DIR")
    parser.add_argument("out", type=Path, metavar="OUT.svg")
    arguments = parser.parse_args()
    write_text(arguments.out, picture(ReportedStudy.of_study(Study.open(arguments.study))))


def picture(study: ReportedStudy) -> Markup:
    """All panels in rows, in the report's colours, dark in a dark browser."""
    pictures = training_pictures(study)
    panels = Markup("").join(panel(number, one) for number, one in enumerate(pictures))
    rows = -(-len(pictures) // COLUMNS)
    size = {"width": COLUMNS * (WIDTH + 12), "height": rows * (HEIGHT + TITLE)}
    return PAGE.format(style=Markup(css_colours()), panels=panels, **size)


def panel(number: int, one: Picture) -> Markup:
    row, column = divmod(number, COLUMNS)
    x, y = column * (WIDTH + 12), row * (HEIGHT + TITLE)
    sized = Markup(str(one.svg).replace("<svg ", f'<svg width="{WIDTH}" height="{HEIGHT}" ', 1))
    return PANEL.format(x=x, y=y, below=TITLE - 7, top=TITLE, title=one.title, svg=sized)


if __name__ == "__main__":
    main()
