"""Where a Catalog comes from: label files read, rows counted, and a remark on everything dropped, corrected or odd."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from memodule.runtime.digests import file_sha256

Severity = Literal["note", "warning"]
"""A note reports a known quirk that was handled, a warning something that should not be so."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A place in the data set that a user can go to.

    Attributes:
        sheet: Name of the sheet of a workbook, or None.
        row: Row as the spreadsheet program numbers it (the first is 1), or None.
    """

    path: Path
    sheet: str | None = None
    row: int | None = None

    def __str__(self) -> str:
        sheet = "" if self.sheet is None else f", sheet {self.sheet}"
        row = "" if self.row is None else f", row {self.row}"
        return f"{self.path}{sheet}{row}"


@dataclasses.dataclass(frozen=True, slots=True)
class Remark:
    """Something that a reader dropped, corrected or found odd.

    Attributes:
        text: What it is, phrased so that it fits every place where it occurs.
        detail: What is special about this place (numbers, codes).
    """

    severity: Severity
    text: str
    place: Place
    detail: str = ""

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.severity}: {self.place}: {self.text}{detail}"

    def as_dict(self) -> dict[str, str]:
        """Plain values."""
        return {"severity": self.severity, "text": self.text, "place": str(self.place), "detail": self.detail}


@dataclasses.dataclass(frozen=True)
class LabelSources:
    """What a Catalog was read from.

    Attributes:
        rows: Number of labelled expressions of each kind in these files, before anything is dropped.
        remarks: Everything that was dropped, corrected or found odd.
    """

    files: tuple[Path, ...] = ()
    rows: Mapping[str, int] = dataclasses.field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, with a SHA-256 of each label file, so that a study can say which labels it used."""
        return {
            "label_files": {str(file): file_sha256(file) for file in self.files},
            "label_rows": dict(self.rows),
            "remarks": [remark.as_dict() for remark in self.remarks],
        }


def grouped(remarks: Iterable[Remark]) -> dict[tuple[Severity, str], list[Remark]]:
    """Remarks that say the same about several places, by (severity, text), in the order of their first place."""
    groups: dict[tuple[Severity, str], list[Remark]] = {}
    for remark in remarks:
        groups.setdefault((remark.severity, remark.text), []).append(remark)
    return groups
