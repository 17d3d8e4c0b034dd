"""Label workbooks (.xlsx and .xls) as rows of named cells, with errors that name file, sheet, row and remedy.

The first bytes of a workbook decide its kind, not its suffix. Headers are searched for, since the preambles of label
sheets differ between versions. Rows keep the numbers that a spreadsheet program shows.
"""

import dataclasses
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memodule.datasets.label_sources import Place
from memodule.errors import UserError

Cell = str | float | bool | None
"""A stripped string, a number, a truth value, or None for an empty cell."""

Columns = Mapping[str, Sequence[str]]
"""Our name of a column -> its names in label files, compared without case and blanks."""

_UNKNOWN: Final = ("", "/", "\\", "-", "nan", "none", "n/a")
_HEADER_DEPTH: Final = 40
_MINUS: Final = "\N{MINUS SIGN}"  # a symbol for Unicode, a dash for people


@dataclasses.dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook: `rows[i]` is row i + 1, of any length."""

    path: Path
    name: str
    rows: tuple[tuple[Cell, ...], ...]

    def place(self, row: int | None = None) -> Place:
        """The place of a row, counted from 1, or of the whole sheet, for messages."""
        return Place(self.path, self.name, row)


@dataclasses.dataclass(frozen=True)
class SheetRow:
    """The named cells of one row, by our names of the columns."""

    place: Place
    cells: Mapping[str, Cell]

    def text(self, column: str) -> str:
        """A cell as text: whole numbers without a decimal point, "" for an empty cell."""
        return cell_text(self.cells[column])

    def required(self, column: str) -> str:
        """A cell as text, which must not be empty."""
        text = self.text(column)
        if not text:
            raise UserError(f"{self.place}: {column} is empty; fill in the cell or delete the row")
        return text

    def frame(self, column: str) -> float | None:
        """A cell as a frame number, unchanged (0- or 1-based, may be fractional); None if empty or "unknown".

        Raises:
            UserError: If the cell holds anything else.
        """
        value = self.cells[column]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        text = cell_text(value)
        if text.casefold() in _UNKNOWN:
            return None
        try:
            return float(text)
        except ValueError:
            raise UserError(f"{self.place}: {column} {text!r} is not a frame number; correct the cell") from None


def read_workbook(path: Path) -> tuple[Sheet, ...]:
    """Read all sheets of an Excel workbook (.xlsx or .xls), in order.

    Raises:
        UserError: If the file is missing, empty, encrypted, or not a workbook.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None
    if not start:
        raise UserError(f"{path}: the file is empty; copy it again from the owners' release")
    try:
        if start.startswith(b"PK"):
            return tuple(_xlsx_sheets(path))
        if start == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
            return tuple(_xls_sheets(path))
    except Exception as error:  # the parsers fail on damaged files in many ways
        raise UserError(f"{path}: the workbook is damaged ({error}); copy it again from the owners' release") from None
    raise UserError(f"{path}: not an Excel workbook (.xlsx or .xls); save it as one, or use the owners' file")


def find_table(sheets: Sequence[Sheet], usual: str, columns: Columns) -> tuple[Sheet, list[SheetRow]]:
    """The first sheet of a workbook whose header names all `columns`, and the non-empty rows below the header.

    Args:
        usual: Name of the sheet in the owners' file; others are searched too.

    Raises:
        UserError: If no sheet has such a header (the message names the nearest one), or there are no rows.
    """
    nearest: tuple[Sheet, int, dict[str, int]] | None = None
    for sheet in sheets:
        for number, row in enumerate(sheet.rows[:_HEADER_DEPTH], start=1):
            found = _match_header(row, columns)
            if len(found) == len(columns):
                return sheet, _rows_below(sheet, number, found)
            named = plain(sheet.name) == plain(usual) or len(sheets) == 1
            if found and named and (nearest is None or len(found) > len(nearest[2])):
                nearest = sheet, number, found
    if nearest:
        sheet, number, found = nearest
        missing = " and ".join(repr(columns[name][0]) for name in columns if name not in found)
        header = ", ".join(cell_text(cell) for cell in sheet.rows[number - 1] if cell_text(cell))
        raise UserError(f"{sheet.place(number)}: no column {missing} (found: {header}); restore the owners' names")
    wanted = ", ".join(names[0] for names in columns.values())
    raise UserError(
        f"{sheets[0].path}: no sheet {usual}, nor another with the columns {wanted} "
        f"(sheets: {', '.join(sheet.name for sheet in sheets)}); use the owners' file"
    )


def cell_text(value: Cell) -> str:
    """A cell as text: whole numbers without a decimal point, "" for an empty cell."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def plain(text: str) -> str:
    """Text for comparing names: without case and blanks, all dashes alike."""
    dashed = (" " if c.isspace() else "-" if unicodedata.category(c) == "Pd" or c == _MINUS else c for c in text)
    return "".join(dashed).replace(" ", "").casefold()


def _match_header(row: Sequence[Cell], columns: Columns) -> dict[str, int]:
    names = [plain(cell) if isinstance(cell, str) else "" for cell in row]
    found = {}
    for column, aliases in columns.items():
        position = next((names.index(plain(alias)) for alias in aliases if plain(alias) in names), None)
        if position is not None:
            found[column] = position
    return found


def _rows_below(sheet: Sheet, header: int, found: Mapping[str, int]) -> list[SheetRow]:
    rows = []
    for number, row in enumerate(sheet.rows[header:], start=header + 1):
        cells = {column: row[i] if i < len(row) else None for column, i in found.items()}
        if any(cell_text(cell) for cell in cells.values()):
            rows.append(SheetRow(sheet.place(number), cells))
    if not rows:
        raise UserError(f"{sheet.place(header)}: no rows below the header; use the owners' file")
    return rows


def _xlsx_sheets(path: Path) -> Iterator[Sheet]:
    import openpyxl  # type: ignore[import-untyped]

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # some programs write a wrong extent, which would hide rows
            rows = tuple(tuple(_cell(value) for value in row) for row in sheet.iter_rows(values_only=True))
            yield Sheet(path, sheet.title, rows)
    finally:
        book.close()


def _xls_sheets(path: Path) -> Iterator[Sheet]:
    import xlrd

    for sheet in xlrd.open_workbook(path).sheets():
        rows = (sheet.row(i) for i in range(sheet.nrows))
        yield Sheet(path, sheet.name, tuple(tuple(_xls_cell(cell.ctype, cell.value) for cell in row) for row in rows))


def _xls_cell(kind: int, value: Any) -> Cell:
    import xlrd

    if kind == xlrd.XL_CELL_ERROR:  # otherwise its code would pass for a number
        return str(xlrd.error_text_from_code.get(value, "#ERROR"))
    return bool(value) if kind == xlrd.XL_CELL_BOOLEAN else _cell(value)


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return value.strip() or None
    return value if value is None or isinstance(value, bool | int | float) else str(value)
