"""Generated releases: folders and label files with the layout and every quirk of the real ones, and no real datum."""

import dataclasses
import functools
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import openpyxl

from memodule.datasets import Catalog, DatasetDescription, read_description
from memodule.datasets.folders import Listing

PIXEL = cv2.imencode(".png", np.full((3, 4), 128, np.uint8))[1].tobytes()
CONFIGS = Path(__file__).parents[2] / "configs" / "datasets"


class BrokenFormula:
    """A cell that shows #REF! (.xls only)."""


Cell = str | int | float | BrokenFormula | None
Rows = list[list[Cell]]


@dataclasses.dataclass
class Release:
    """A data set to be written: tests change it first.

    Attributes:
        root: Where to write it.
        description: The description in configs/datasets/.
        books: Rows of every sheet of every workbook, by path below the root.
        videos: Names of the images of every video folder, by path below the root.
    """

    root: Path
    description: DatasetDescription
    books: dict[str, dict[str, Rows]]
    videos: dict[str, list[str]]

    def write(self) -> Path:
        for name, sheets in self.books.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".xls":
                path.write_bytes(xls_bytes(sheets))
            else:
                write_xlsx(path, sheets)
        for folder, names in self.videos.items():
            path = str(self.root / folder)
            os.makedirs(path, exist_ok=True)  # noqa: PTH103 - thousands of files: no Path objects
            for name in names:
                os.close(os.open(f"{path}/{name}", os.O_CREAT))
            if names:  # one image that can be looked at
                Path(path, names[0]).write_bytes(PIXEL)
        return self.root

    def read(self, listing: Listing | None = None, **arguments: object) -> Catalog:
        """Write, then read under the shipped description with some arguments of the reader changed."""
        reader = {**self.description.reader, "init_args": {**self.description.reader["init_args"], **arguments}}
        return dataclasses.replace(self.description, reader=reader).read(self.write(), listing)


_described = functools.cache(read_description)


def frames(prefix: str, count: int, digits: int = 0, first: int = 1) -> list[str]:
    return [f"{prefix}{number:0{digits}d}.jpg" for number in range(first, first + count)]


SAMM_LV_HEADER: list[Cell] = [
    *("Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type", "Action Units", "Notes")
]
FACS_HEADER: list[Cell] = [
    *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro"),
    *("Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
]
LONG_SHEET, FACS_SHEET = "SAMM_LongVideos_V3_Release.xlsx", "SAMM_Micro_FACS_Codes_v2.xlsx"


def samm_row(filename: str, onset: Cell, apex: Cell, offset: Cell, kind: str = "Micro - 1/2") -> list[Cell]:
    return [int(filename[:3]), filename, 1, onset, apex, offset, None, kind, "AU4", None]


def facs_row(filename: str, emotion: str, kind: str = "Micro - 1/2") -> list[Cell]:
    """The frame numbers are those of the untrimmed video, as in the real sheet: 2000 further on."""
    return [int(filename[:3]), filename, 1, 2100, 2140, 2180, 81, kind, "AU4", emotion, 1, None]


def samm_lv(folder: Path) -> Release:
    """Subject as a number without its zeros; preambles of 9 and 13 rows; one file name both micro and macro."""
    movements: Rows = [
        *[["SAMM Long Videos", None, "a generated stand-in"] for _ in range(9)],
        SAMM_LV_HEADER,
        samm_row("006_1_1", 10, 13, 18),
        samm_row("006_1_2", 19, 21, 28, "Macro"),
        samm_row("006_2_1", 2, 5, 10),
        samm_row("037_4_1", 5, 6, 13),
        samm_row("037_4_1", 14, 16, 22, "Macro"),
    ]
    facs: Rows = [
        *[["SAMM micro-expressions", "generated"] for _ in range(13)],
        FACS_HEADER,
        facs_row("006_1_1", "Anger"),
        facs_row("006_2_1", "Happiness"),
        facs_row("037_4_1", "Other"),
    ]
    videos = {
        f"SAMM_longvideos/{code}": frames(f"{code}_", count, 4)
        for code, count in {"006_1": 30, "006_2": 12, "006_10": 5, "037_4": 25}.items()
    }
    books = {LONG_SHEET: {"FACS_Movement_Only": movements}, FACS_SHEET: {"MICRO_ONLY": facs}}
    return Release(folder / "SAMM", _described(CONFIGS / "samm_lv.yaml"), books, videos)


ME_SHEET = "annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
ALL_SHEET = "annotation/CAS(ME)3_part_A_v2.xls"
ME_HEADER: list[Cell] = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"]
ALL_HEADER: list[Cell] = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type", "Objective class"]


def casme3_row(subject: int, video: str, onset: Cell, apex: Cell, offset: Cell, emotion: str = "sad") -> list[Cell]:
    return [f"spNO.{subject}", video, onset, apex, offset, "4", "I", emotion]


def casme3(folder: Path) -> Release:
    """Three subjects, a sibling depth folder, the old workbook format, one macro- among the expressions."""
    micro: Rows = [
        ME_HEADER,
        casme3_row(1, "a", 11, 18, 30, "happy"),
        casme3_row(1, "b", 21, 26, 40, "Others"),
        casme3_row(2, "a", 31, 34, 52, "fear"),
        casme3_row(10, "c", 5, 9, 20, "surprise"),
    ]
    everything: Rows = [
        ALL_HEADER,
        ["spNO.1", "a", 11, 18, 30, "12", "Micro-expression", "III"],
        ["spNO.1", "a", 60, 70, 95, "12", "Macro-expression", "III"],
    ]
    blinks: Rows = [["Subject", "Filename", "Onset", "Offset"], ["spNO.1", "a", 3, 6]]
    videos = {
        f"data/spNO.{folder}": frames("", count)
        for folder, count in {
            "1/a/color": 100,
            "1/b/color": 45,
            "2/a/color": 55,
            "10/c/color": 25,
            "1/a/depth": 9,
        }.items()
    }
    books = {ME_SHEET: {"label": micro}, ALL_SHEET: {"AU+Emotion": everything, "eye blink": blinks}}
    return Release(folder / "CASME3", _described(CONFIGS / "casme3.yaml"), books, videos)


CODE_SHEET = "CAS(ME)^2code_final(Updated).xlsx"


def casme2_row(
    participant: int, expression: str, onset: Cell, apex: Cell, offset: Cell, kind: str = "micro-expression"
) -> list[Cell]:
    return [participant, expression, onset, apex, offset, "4+7", "negative", kind, "anger"]


def casme2(folder: Path) -> Release:
    """No headers; video codes as numbers without their zero; a folder in another subject's folder."""
    codes: Rows = [
        casme2_row(1, "anger1_1", 57, 62, 69),
        casme2_row(1, "disgust1_1", 10, 20, 0, "macro-expression"),
        casme2_row(2, "happy1_1", 30, 36, 44),
    ]
    books = {
        CODE_SHEET: {
            "CASFEcode_final": codes,
            "naming rule1": [[15, "s15", 1], [23, "s23", 2]],
            "naming rule2": [[101, "disgust1"], [401, "anger1"], ["0502", "happy1"]],
        }
    }
    videos = {
        f"rawpic/{folder}": frames("img", 70, 3)
        for folder in ("s15/15_0101disgustingteeth", "s15/15_0401girlcrashing", "s19/23_0502funnyerrors")
    }
    return Release(folder / "CASME2", _described(CONFIGS / "casme2.yaml"), books, videos)


def megc_samm(folder: Path) -> Release:
    videos = {f"SAMM_data/{code}": frames(f"{code}_", 40, 4) for code in ("004_3", "011_10", "011_2")}
    return Release(folder / "MEGC", _described(CONFIGS / "megc_samm.yaml"), {}, videos)


def megc_casme3(folder: Path) -> Release:
    videos = {f"data/{folder}": frames("", 25) for folder in ("dzw/d1", "dzw/d10", "dzw/d2", "li/a1")}
    return Release(folder / "MEGC", _described(CONFIGS / "megc_casme3.yaml"), {}, videos)


def write_xlsx(path: Path, sheets: dict[str, Rows]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


def xls_bytes(sheets: dict[str, Rows]) -> bytes:
    """A BIFF8 workbook in a compound file, as spreadsheet programs wrote before 2007.

    After Microsoft's [MS-XLS] and [MS-CFB]: just enough of both for text and numbers.
    """
    bodies = [b"".join(_sheet_records(rows)) for rows in sheets.values()]
    names = [struct.pack("<BB", len(name), 1) + name.encode("utf-16-le") for name in sheets]
    globals_length = 20 + sum(4 + 6 + len(name) for name in names) + 4
    book, position = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)), globals_length
    for name, body in zip(names, bodies, strict=True):
        book += _record(0x0085, struct.pack("<IH", position, 0) + name)
        position += len(body)
    book += _record(0x000A)
    assert len(book) == globals_length
    return _compound_file(book + b"".join(bodies))


def _sheet_records(rows: Rows) -> Iterator[bytes]:
    yield _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if isinstance(cell, str):
                yield _record(0x0204, struct.pack("<HHHHB", r, c, 0, len(cell), 1) + cell.encode("utf-16-le"))
            elif isinstance(cell, BrokenFormula):
                yield _record(0x0205, struct.pack("<HHHBB", r, c, 0, 0x17, 1))
            elif cell is not None:
                yield _record(0x0203, struct.pack("<HHHd", r, c, 0, cell))
    yield _record(0x000A)


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _compound_file(stream: bytes) -> bytes:
    """One stream `Workbook`: header, allocation table, directory, stream."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")  # smaller ones would go to the mini stream
    sectors, end, free, fat = len(stream) // 512, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    table = [fat, end, *range(3, 2 + sectors), end]
    assert len(table) <= 128, "one sector of allocation table is enough for tests"
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    allocation = struct.pack("<128I", *table, *[free] * (128 - len(table)))
    directory = _entry("Root Entry", 5, end, 0, child=1) + _entry("Workbook", 2, 2, len(stream)) + bytes(256)
    return header + allocation + directory + stream


def _entry(name: str, kind: int, start: int, size: int, child: int = 0xFFFFFFFF) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    links = struct.pack("<BBIII", kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
    return text.ljust(64, b"\0") + struct.pack("<H", len(text)) + links + bytes(36) + struct.pack("<IQ", start, size)
