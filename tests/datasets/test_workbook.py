"""Label workbooks: both formats give the same rows, and headers are found where they are."""

from pathlib import Path

import openpyxl
import pytest
from fake_releases import BrokenFormula, Rows, write_xlsx, xls_bytes

from memodule.datasets.workbook import find_table, plain, read_workbook
from memodule.errors import UserError

ROWS: Rows = [
    ["preamble"],
    [],
    ["Subject", "On set", "NOTE"],
    [6, 12.5, " text "],
    [None, None, None],
    ["x", "/", None],
]
COLUMNS = {"subject": ("Subject",), "onset": ("Onset", "OnsetFrame")}


def write(folder: Path, suffix: str, sheets: dict[str, Rows]) -> Path:
    path = folder / f"book{suffix}"
    if suffix == ".xls":
        path.write_bytes(xls_bytes(sheets))
    else:
        write_xlsx(path, sheets)
    return path


@pytest.mark.parametrize("suffix", [".xls", ".xlsx"])
def test_header_is_found_and_rows_keep_their_numbers(tmp_path: Path, suffix: str) -> None:
    sheets = read_workbook(write(tmp_path, suffix, {"empty": [], "Tabelle1": ROWS}))
    sheet, rows = find_table(sheets, "data", COLUMNS)
    assert sheet.name == "Tabelle1"
    assert [str(row.place).rpartition("book")[2] for row in rows] == [
        f"{suffix}, sheet Tabelle1, row {number}" for number in (4, 6)
    ]
    assert [(row.text("subject"), row.frame("onset")) for row in rows] == [("6", 12.5), ("x", None)]


def test_suffix_may_lie(tmp_path: Path) -> None:
    path = write(tmp_path, ".xls", {"data": ROWS})
    assert read_workbook(path.rename(tmp_path / "book.xlsx"))[0].name == "data"


def test_rows_are_not_hidden_by_a_wrong_extent(tmp_path: Path) -> None:
    """Some programs write that a sheet ends at A1."""
    path = write(tmp_path, ".xlsx", {"data": ROWS})
    import zipfile

    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    start = sheet.index(b"<dimension")
    parts["xl/worksheets/sheet1.xml"] = (
        sheet[:start] + b'<dimension ref="A1"/>' + sheet[sheet.index(b"/>", start) + 2 :]
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert len(find_table(read_workbook(path), "data", COLUMNS)[1]) == 2


@pytest.mark.parametrize("value", ["#REF!", "seven", True, "12a"])
def test_cells_that_are_no_frame_number(tmp_path: Path, value: str | bool) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Subject", "Onset"])
    book.active.append([1, value])
    book.save(tmp_path / "book.xlsx")
    [row] = find_table(read_workbook(tmp_path / "book.xlsx"), "data", COLUMNS)[1]
    with pytest.raises(
        UserError, match=r"book.xlsx, sheet Sheet, row 2: onset .* is not a frame number; correct the cell"
    ):
        row.frame("onset")


def test_broken_formula_in_an_old_workbook(tmp_path: Path) -> None:
    """The number of the error must not pass for a frame."""
    path = write(tmp_path, ".xls", {"data": [["Subject", "Onset"], [1, BrokenFormula()]]})
    [row] = find_table(read_workbook(path), "data", COLUMNS)[1]
    with pytest.raises(UserError, match=r"row 2: onset '#REF!' is not a frame number"):
        row.frame("onset")


def test_missing_workbook(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone.xlsx: cannot be read .*; check the path"):
        read_workbook(tmp_path / "gone.xlsx")


def test_plain_names() -> None:
    same = ["Micro - 1/2", "micro-1/2", "MICRO\N{EN DASH}1/2", "Micro \N{MINUS SIGN}\N{NO-BREAK SPACE}1/2"]
    assert {plain(name) for name in same} == {"micro-1/2"}
    assert plain("006_1_2") != plain("0061_2")
