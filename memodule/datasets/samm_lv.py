"""SAMM Long Videos: 200 fps gray image folders, a sheet of all movements, and the emotions from another sheet.

The long-video sheet has no emotions; they come from the FACS sheet of the original (short) SAMM. The two sheets number
frames differently (the long videos were trimmed), so onset, apex and offset are always those of the long-video sheet.

Differences from published code. It joins the sheets on the unchanged cells of (Filename, Type), which finds nothing
when versions spell them differently; we compare names without case, blanks, kinds of dash and leading zeros, read
`Micro - 1/2` as micro, and refuse a join that loses a micro-expression. Subject and video come from Filename, since the
Subject column loses its leading zeros in some versions. Macro-expressions are kept.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from memodule.datasets.catalog import Catalog, Kind
from memodule.datasets.folders import Listing
from memodule.datasets.label_sources import Place, Remark
from memodule.datasets.labels import Label, assemble
from memodule.datasets.places import label_file, video_folders
from memodule.datasets.workbook import SheetRow, find_table, plain, read_workbook
from memodule.errors import UserError

_MOVEMENTS: Final = {
    "filename": ("Filename",),
    "onset": ("Onset", "Onset Frame"),
    "apex": ("Apex", "Apex Frame"),
    "offset": ("Offset", "Offset Frame"),
    "type": ("Type",),
}
_EMOTIONS: Final = {"filename": ("Filename",), "type": ("Micro", "Type"), "emotion": ("Estimated Emotion", "Emotion")}
_FILENAME: Final = re.compile(r"(\d+)_(\d+)_(\d+)")
_FOLDER: Final = re.compile(r"(?:^|/)(\d{3})_(\d+)$")

_Code = tuple[str, str, str]
"""Subject, video, number of the expression."""


def read_samm_lv(
    root: Path | str,
    *,
    labels: Sequence[str],
    facs: Sequence[str],
    frames: str,
    fps: float,
    emotions: Mapping[str, str],
    name: str = "SAMM-LV",
    listing: Listing | None = None,
) -> Catalog:
    """Read SAMM Long Videos; subjects are codes such as "006", videos such as "006_1".

    Args:
        root: Folder that holds the frames and both sheets (see data/README.md).
        labels: Names of the long-video sheet, the best version first.
        facs: Names of the FACS sheet of SAMM's micro-expressions.
        frames: Name of the folder that holds one folder of images per video.
    """
    root, listing = Path(root), listing or Listing()
    folders = video_folders(listing, root, frames, _identify, "<subject>_<video>, such as 006_1")
    sheet = label_file(listing, root, labels)
    facs_sheet = label_file(listing, root, facs)
    rows = find_table(read_workbook(sheet), "FACS_Movement_Only", _MOVEMENTS)[1]
    remarks: list[Remark] = []
    estimated = _estimated(find_table(read_workbook(facs_sheet), "MICRO_ONLY", _EMOTIONS)[1], remarks)
    found = [_label(row, estimated) for row in rows]
    _require_join(found, facs_sheet)
    return assemble(name, found, folders, listing, fps=fps, emotions=emotions, files=[facs_sheet], remarks=remarks)


def _identify(below: str) -> tuple[str, str] | None:
    match = _FOLDER.search(below)
    return (match[1], f"{match[1]}_{match[2]}") if match else None


def _estimated(rows: Iterable[SheetRow], remarks: list[Remark]) -> dict[tuple[_Code, Kind], str]:
    """Emotion of every (code, kind) of the FACS sheet."""
    emotions: dict[tuple[_Code, Kind], str] = {}
    for row in rows:
        key, emotion = (_code(row), _kind(row)), row.required("emotion")
        if plain(emotions.setdefault(key, emotion)) != plain(emotion):
            text = "a file name occurs twice with different emotions: the first counts; delete the wrong row"
            remarks.append(Remark("warning", text, row.place, row.text("filename")))
    return emotions


def _label(row: SheetRow, estimated: Mapping[tuple[_Code, Kind], str]) -> Label:
    code, kind = _code(row), _kind(row)
    emotion = estimated.get((code, kind), "") if kind == "micro" else ""
    return Label.of(row, (code[0], f"{code[0]}_{code[1]}"), kind, emotion)


def _code(row: SheetRow) -> _Code:
    match = _FILENAME.fullmatch(plain(row.required("filename")))
    if not match:
        what = f"Filename {row.text('filename')!r} is not <subject>_<video>_<number>, such as 006_1_2"
        raise UserError(f"{row.place}: {what}; correct the cell")
    return match[1].zfill(3), match[2], match[3]


def _kind(row: SheetRow) -> Kind:
    text = plain(row.required("type"))
    if text.startswith("micro"):
        return "micro"
    if text.startswith("macro"):
        return "macro"
    raise UserError(f"{row.place}: type {row.text('type')!r} is neither micro nor macro; correct the cell")


def _require_join(labels: Sequence[Label], facs: Path) -> None:
    """Refuse micro-expressions without an emotion, a sign that the two sheets do not belong together."""
    micro = [label for label in labels if label.kind == "micro"]
    lost = [label for label in micro if not label.emotion]
    if lost:
        raise UserError(
            f"{lost[0].place}: {len(lost)} of {len(micro)} micro-expressions, this one first, have no row with their "
            f"Filename and type in {Place(facs)}; use the FACS sheet of the same release"
        )
