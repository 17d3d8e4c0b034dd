"""CAS(ME)^3 part A: 30 fps colour image folders, a label file of micro-expressions, one of all expressions.

Labels refer to the numbers in the names of the images (`JpgIndex`). The release has a handful of impossible rows; a
table of repairs, which is data (configs/datasets/casme3.yaml), corrects them one by one. `repairs=False` switches the
table off; impossible rows are then dropped under the rules of `memodule.datasets.labels`, which also lists the
differences from published code, which trains on these rows. Names of subjects and videos are compared without case
(one row of version 2 spells the video `J`).
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from memodule.datasets.catalog import Catalog, Kind
from memodule.datasets.folders import Listing
from memodule.datasets.label_sources import Place, Remark
from memodule.datasets.labels import Label, assemble
from memodule.datasets.places import find_files, label_file, video_folders
from memodule.datasets.workbook import SheetRow, find_table, read_workbook
from memodule.errors import UserError

_MICROS: Final = {
    "subject": ("Subject",),
    "video": ("Filename",),
    "onset": ("Onset",),
    "apex": ("Apex",),
    "offset": ("Offset",),
    "emotion": ("emotion", "Estimated Emotion"),
}
_FRAMES: Final = ("onset", "apex", "offset")
_ALL: Final = {**{c: _MICROS[c] for c in ("subject", "video", *_FRAMES)}, "kind": ("Expression type",)}
_FOLDER: Final = re.compile(r"(?:^|/)spno\.(\d+)/([a-z])/color$", re.IGNORECASE)
_SUBJECT: Final = re.compile(r"(?:spno\.)?(\d+)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Repair:
    """A correction of one row of the label file.

    Attributes:
        row: SheetRow as the spreadsheet program numbers it; the header is row 1.
        found: Columns (onset, apex, offset) and the values they must have for the repair to apply.
        put: Columns and their new values; 0 for unknown.
    """

    row: int
    found: Mapping[str, int]
    put: Mapping[str, int]
    why: str

    def __post_init__(self) -> None:
        strange = sorted({*self.found, *self.put} - set(_FRAMES))
        if strange:
            raise UserError(f"known_errors, row {self.row}: {', '.join(strange)} is not one of {', '.join(_FRAMES)}")


def read_casme3(
    root: Path | str,
    *,
    labels: Sequence[str],
    all_expressions: Sequence[str],
    frames: str,
    fps: float,
    emotions: Mapping[str, str],
    known_errors: Sequence[Repair] = (),
    repairs: bool = True,
    name: str = "CAS(ME)^3",
    listing: Listing | None = None,
) -> Catalog:
    """Read part A of CAS(ME)^3; subjects are codes such as "spNO.1", videos are "a" .. "m".

    Args:
        root: Folder that holds the frames and the label files (see data/README.md).
        labels: Names of the label file of micro-expressions, the best version first.
        all_expressions: Names of the label file of all expressions, the source of the macro-expressions; without it
            there are none.
    """
    root, listing = Path(root), listing or Listing()
    folders = video_folders(listing, root, frames, _identify, "spNO.<number>/<letter>/color", ("depth",))
    remarks: list[Remark] = []
    rows = find_table(read_workbook(label_file(listing, root, labels)), "label", _MICROS)[1]
    found = [_label(row, "micro", row.text("emotion")) for row in rows]
    if repairs:
        found = _repaired(found, known_errors, remarks)
    found += _macros(listing, root, all_expressions, remarks)
    return assemble(name, found, folders, listing, fps=fps, emotions=emotions, remarks=remarks)


def _identify(below: str) -> tuple[str, str] | None:
    match = _FOLDER.search(below)
    return (f"spNO.{match[1]}", match[2].lower()) if match else None


def _label(row: SheetRow, kind: Kind, emotion: str) -> Label:
    subject = _SUBJECT.fullmatch(row.required("subject"))
    if not subject:
        raise UserError(f"{row.place}: Subject {row.text('subject')!r} is not spNO.<number>; correct the cell")
    return Label.of(row, (f"spNO.{subject[1]}", row.required("video").lower()), kind, emotion)


def _repaired(labels: Iterable[Label], known_errors: Iterable[Repair], remarks: list[Remark]) -> list[Label]:
    """Apply the repairs whose row has the values they expect."""
    by_row = {label.place.row: label for label in labels}
    for repair in known_errors:
        label = by_row.get(repair.row)
        if label is None or any(getattr(label, column) != value for column, value in repair.found.items()):
            sheet = next(iter(by_row.values())).place
            place = dataclasses.replace(sheet, row=repair.row)
            text = "a known error is not in this row, which stays unchanged (another version of the label file?)"
            remarks.append(Remark("note", text, place, repair.why))
            continue
        frames = {column: getattr(label, column) for column in _FRAMES} | {c: float(v) for c, v in repair.put.items()}
        by_row[repair.row] = dataclasses.replace(label, **frames)
        changes = ", ".join(f"{c} {_shown(getattr(label, c))} -> {_shown(value)}" for c, value in repair.put.items())
        text = "micro-expression: a known error is corrected"
        remarks.append(Remark("note", text, label.place, f"{'/'.join(label.key)}, {repair.why}: {changes}"))
    return list(by_row.values())


def _shown(number: float | None) -> str:
    return f"{number:g}" if number else "unknown"


def _macros(listing: Listing, root: Path, names: Sequence[str], remarks: list[Remark]) -> list[Label]:
    """The macro-expressions in the file of all expressions; micro-expressions come from the other file."""
    files = find_files(listing, root, names)
    if not files:
        text = f"no {' or '.join(names)}: there are no macro-expressions"
        remarks.append(Remark("warning", text, Place(root)))
        return []
    rows = find_table(read_workbook(files[0]), "AU+Emotion", _ALL)[1]
    return [_label(row, "macro", "") for row in rows if not _is_micro(row)]


def _is_micro(row: SheetRow) -> bool:
    kind = row.required("kind").casefold()
    if not kind.startswith(("micro", "macro")):
        raise UserError(f"{row.place}: Expression type {row.text('kind')!r} is neither micro nor macro; correct it")
    return kind.startswith("micro")
