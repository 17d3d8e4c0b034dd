"""Where a Catalog comes from: label files read, rows counted, and a remark on everything dropped, mended or odd."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

Severity = Literal["note", "warning"]
"""A note tells of a known quirk that was handled; a warning of something that should not be so."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A spot in the data set that a user can go to.

    Attributes:
        path: The file or folder.
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
    """Something that a reader dropped, mended or found odd.

    Attributes:
        severity: "note" or "warning".
        text: What it is, in words that fit every place where it occurs.
        place: Where.
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
        """Plain values.

        Returns:
            severity, text, place and detail.
        """
        return {"severity": self.severity, "text": self.text, "place": str(self.place), "detail": self.detail}


@dataclasses.dataclass(frozen=True)
class Provenance:
    """What stands behind a Catalog that was read from a data set's own files.

    Attributes:
        label_files: The label files.
        label_rows: Labelled expressions of each kind in these files, before anything is dropped.
        remarks: Everything that was dropped, mended or found odd.
    """

    label_files: tuple[Path, ...] = ()
    label_rows: Mapping[str, int] = dataclasses.field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, with a SHA-256 of each label file, so that a study can say which labels it used.

        Returns:
            label_files (path to SHA-256), label_rows and remarks.
        """
        return {
            "label_files": {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in self.label_files},
            "label_rows": dict(self.label_rows),
            "remarks": [remark.as_dict() for remark in self.remarks],
        }


def grouped(remarks: Iterable[Remark]) -> dict[tuple[Severity, str], list[Remark]]:
    """Remarks that say the same of several places, under (severity, text), in the order of their first place.

    Args:
        remarks: In any order.

    Returns:
        The groups; remarks keep their order within each.
    """
    groups: dict[tuple[Severity, str], list[Remark]] = {}
    for remark in remarks:
        groups.setdefault((remark.severity, remark.text), []).append(remark)
    return groups
