"""CAS(ME)^2: 30 fps colour image folders and one workbook of three sheets, none with a header.

The first sheet has the expressions of participants 1 .. 22 in videos such as `anger1_1` (the first expression of
`anger1`). The other two map names: participant 1 is folder `s15`, and `anger1` is video `0401`. An unknown offset is 0
in the release; the apex replaces it, which is the owners' convention.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from memodule.datasets.catalog import Catalog, Kind
from memodule.datasets.folders import Listing
from memodule.datasets.label_sources import Place, Remark
from memodule.datasets.labels import Label, assemble
from memodule.datasets.places import label_file, video_folders
from memodule.datasets.workbook import Sheet, SheetRow, cell_text, read_workbook
from memodule.errors import UserError

_COLUMNS: Final = ("participant", "expression", "onset", "apex", "offset", "units", "emotion", "type")
_EXPRESSION: Final = re.compile(r"([a-z]+\d+)_\d+", re.IGNORECASE)
_FOLDER: Final = re.compile(r"(?:^|/)(s\d+)/(\d+)_(\d{4})[^/]*$", re.IGNORECASE)


def read_casme2(
    root: Path | str,
    *,
    labels: Sequence[str],
    frames: str,
    fps: float,
    emotions: Mapping[str, str],
    name: str = "CAS(ME)^2",
    listing: Listing | None = None,
) -> Catalog:
    """Read CAS(ME)^2; subjects are codes such as "s15", videos four-digit codes such as "0401".

    Args:
        root: Folder that holds the frames and the workbook (see data/README.md).
        labels: Names of the workbook, the best version first.
    """
    root, listing = Path(root), listing or Listing()
    folders = video_folders(listing, root, frames, _identify, "s<number>/<number>_<code of four digits><title>")
    sheets = read_workbook(label_file(listing, root, labels))
    if len(sheets) < 3:
        raise UserError(
            f"{sheets[0].path}: {len(sheets)} sheets ({', '.join(sheet.name for sheet in sheets)}) where the owners' "
            "file has three (CASFEcode_final, naming rule1, naming rule2); use the owners' file"
        )
    subjects = _pairs(sheets[1], r"[1-9]\d*", r"s\d+", "participant number and folder such as s15")
    videos = _pairs(sheets[2], r"[a-z]+\d+", r"\d{3,4}", "video name such as anger1 and code such as 0401")
    found = [_label(row, subjects, videos) for row in _rows(sheets[0])]
    return assemble(name, found, folders, listing, fps=fps, emotions=emotions, remarks=_misplaced(folders))


def _identify(below: str) -> tuple[str, str] | None:
    match = _FOLDER.search(below)
    return (f"s{match[2]}", match[3]) if match else None


def _misplaced(folders: Mapping[tuple[str, str], Path]) -> list[Remark]:
    """Remarks on folders in another subject's folder; the subject in the folder's own name counts."""
    text = "the folder is in another subject's folder; the number in its own name counts"
    return [
        Remark("note", text, Place(path), f"taken as {subject}")
        for (subject, _), path in folders.items()
        if path.parent.name.lower() != subject
    ]


def _rows(sheet: Sheet) -> list[SheetRow]:
    """The rows of the first sheet, without a header that someone may have added."""
    rows = []
    for number, cells in enumerate(sheet.rows, start=1):
        if not any(cell_text(cell) for cell in cells):
            continue
        if len(cells) < len(_COLUMNS):
            what = f"{len(cells)} columns where {len(_COLUMNS)} are expected ({', '.join(_COLUMNS)})"
            raise UserError(f"{sheet.place(number)}: {what}; use the owners' file")
        if number > 1 or cell_text(cells[0]).isdecimal():
            rows.append(SheetRow(sheet.place(number), dict(zip(_COLUMNS, cells, strict=False))))
    if not rows:
        raise UserError(f"{sheet.place()}: no rows; use the owners' file")
    return rows


def _pairs(sheet: Sheet, key: str, value: str, what: str) -> dict[str, str]:
    """The two cells of each row that look like key and value, in any column."""
    pairs: dict[str, str] = {}
    for cells in sheet.rows:
        texts = [cell_text(cell).lower() for cell in cells]
        values = [text for text in texts if re.fullmatch(value, text)]
        keys = [text for text in texts if re.fullmatch(key, text)]
        if keys and values:
            pairs[keys[-1]] = values[-1].zfill(4) if values[-1].isdecimal() else values[-1]
    if not pairs:
        raise UserError(f"{sheet.place()}: no row holds {what}; use the owners' file")
    return pairs


def _label(row: SheetRow, subjects: Mapping[str, str], videos: Mapping[str, str]) -> Label:
    participant, expression = row.required("participant"), row.required("expression")
    match = _EXPRESSION.fullmatch(expression)
    if not match:
        raise UserError(f"{row.place}: {expression!r} (column 2) is not <video>_<number>, such as anger1_1; correct it")
    if participant not in subjects:
        raise UserError(f"{row.place}: participant {participant!r} (column 1) is not in sheet naming rule1; add it")
    if match[1].lower() not in videos:
        raise UserError(f"{row.place}: video {match[1]!r} (column 2) is not in sheet naming rule2; add it")
    return Label.of(row, (subjects[participant], videos[match[1].lower()]), _kind(row), row.text("emotion"))


def _kind(row: SheetRow) -> Kind:
    match row.required("type").casefold():
        case "micro-expression":
            return "micro"
        case "macro-expression":
            return "macro"
        case other:
            what = f"{other!r} (column 8) is neither micro- nor macro-expression"
            raise UserError(f"{row.place}: {what}; correct it, or check whether columns have shifted")
