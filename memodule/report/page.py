"""The report: one HTML file about one or more studies that needs no network and no other file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from memodule.emotions import EMOTIONS, FRAME_CLASSES
from memodule.errors import UserError
from memodule.report.browser_data import MOST_SAMPLES, browser_data
from memodule.report.overview import TESTED, overview
from memodule.report.rendering import render
from memodule.report.reported_study import ReportedStudy
from memodule.report.scale import Scale
from memodule.report.study_section import study_sections
from memodule.runtime.atomic import write_text

_NAMED: Final = 3
"""Studies that the title names; more would fill the window."""


def write_report(studies: Sequence[ReportedStudy], out: Path) -> None:
    """Write the page of one or more studies, the first of which is the reference.

    Raises:
        UserError: If it cannot be written.
    """
    page = report_page(studies)
    try:
        write_text(out, page)
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error}); choose another file with --out") from None


def report_page(studies: Sequence[ReportedStudy], most_samples: int = MOST_SAMPLES) -> str:
    """The page as HTML, with at most so many samples of score curves; the same studies give the same text."""
    labels = [_label(number) for number in range(len(studies))]
    sections = study_sections(studies, labels)
    names = [study.name for study in studies]
    return render(
        "report.html",
        name=" · ".join(names[:_NAMED] + ["…"] * (len(names) > _NAMED)),
        sections=sections,
        overview=overview(sections),
        several=len(studies) > 1,
        titles=TESTED,
        scale=Scale(),
        classes=FRAME_CLASSES,
        emotions=EMOTIONS,
        data=browser_data(studies, labels, most_samples),
    )


def _label(number: int) -> str:
    """Count with letters: A, B … Z, AA, AB and so on.

    >>> [_label(number) for number in (0, 25, 26, 27)]
    ['A', 'Z', 'AA', 'AB']
    """
    text = ""
    while number >= 0:
        number, letter = divmod(number, 26)
        text = chr(ord("A") + letter) + text
        number -= 1
    return text
