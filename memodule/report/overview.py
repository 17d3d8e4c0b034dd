"""The top of a report, prepared for its template: warnings, what differs, and how the studies compare."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from memodule.metrics.score_names import HEADLINE_SCORES, NAMES
from memodule.report.comparison import AT_LABELS, against_first, differing_settings
from memodule.report.study_section import StudySection
from memodule.report.table_lines import LABELLED_F1

TESTED: Final = {name: NAMES[name] for name in HEADLINE_SCORES} | {AT_LABELS: LABELLED_F1}
"""The scores whose differences are tested, with their titles."""


@dataclasses.dataclass(frozen=True)
class Overview:
    """What is shown above the sections of single studies.

    Attributes:
        warnings: (title, text) of what every reader must see.
        generated: Labels of the studies of generated videos.
        settings: (name, value in each study) of what differs.
        charted: Log keys of the scores in the chart: those that at least one study has.
        tested: Titles of the scores whose differences are shown, by log key.
        refusals: (label, reasons) of studies that cannot be compared with the first one.
        differences: (label, paired test by score) of those that can.
    """

    warnings: Sequence[tuple[str, str]]
    generated: Sequence[str]
    settings: Sequence[tuple[str, Sequence[str]]]
    charted: Sequence[str]
    tested: Mapping[str, str]
    refusals: Sequence[tuple[str, str]]
    differences: Sequence[tuple[str, Mapping[str, Mapping[str, float]]]]


def overview(sections: Sequence[StudySection]) -> Overview:
    """Compare the studies of a page with the first one."""
    studies = [section.study for section in sections]
    tested = list(zip([section.label for section in sections[1:]], against_first(studies), strict=True))
    differences = [(label, test.differences) for label, test in tested if test.differences is not None]
    return Overview(
        warnings=[
            (title if len(sections) == 1 else f"{title}, study {section.label}", text)
            for section in sections
            for title, text in section.study.warnings
        ],
        generated=[section.label for section in sections if section.study.generated],
        settings=differing_settings(studies),
        charted=[key for key in HEADLINE_SCORES if any(section.score(key) for section in sections)],
        tested={key: title for key, title in TESTED.items() if any(key in tests for _, tests in differences)},
        refusals=[(label, "; ".join(test.obstacles)) for label, test in tested if test.obstacles],
        differences=differences,
    )
