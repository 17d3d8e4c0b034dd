"""CSV files with a header: read row by row, with the place of each row for messages, and written as text."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from memodule.errors import UserError
from memodule.runtime.atomic import write_text

T = TypeVar("T", int, float)


def read_text(path: Path, wanted: str) -> str:
    """The text of a CSV file, as it is; a byte-order mark stays.

    Args:
        path: The file, UTF-8.
        wanted: What to give where there is none.

    Raises:
        UserError: If the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give {wanted}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({error}); give a CSV file") from None


def csv_rows(path: Path, columns: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (where, row) of a CSV file with a header; `where` is "file, row N" as an editor counts lines.

    Cells are stripped strings; surplus columns are ignored.

    Args:
        path: The file, UTF-8.
        columns: Columns that must be there.

    Yields:
        The place, and one cell for each of `columns`.

    Raises:
        UserError: If the file cannot be read, a column is missing, or a row is too short.
    """
    text = read_text(path, f"a CSV file with the columns {', '.join(columns)}").removeprefix("\ufeff")
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise UserError(f"{path}, row 1: no column {', '.join(missing)}; the header must name {', '.join(columns)}")
    for row in reader:
        where = f"{path}, row {reader.line_num}"
        short = [column for column in columns if row[column] is None]
        if short:
            raise UserError(f"{where}: the row ends before column {short[0]}; add the missing cells")
        yield where, {column: row[column].strip() for column in columns}


def number(row: dict[str, str], column: str, convert: Callable[[str], T], where: str) -> T:
    """The number in one cell of a row.

    Args:
        row: What `csv_rows` gave.
        column: Which cell.
        convert: `int` or `float`.
        where: The place that `csv_rows` gave with it.

    Raises:
        UserError: If no such number stands there.
    """
    try:
        return convert(row[column])
    except ValueError:
        kind = "whole number" if convert is int else "number"
        raise UserError(f"{where}: {column} {row[column]!r} is no {kind}") from None


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV.

    Args:
        columns: The header.
        rows: Cells in the order of `columns`.

    Returns:
        Lines that end with a line feed, on every system.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table as a CSV file, in one step.

    Args:
        path: The file; an existing one is replaced.
        columns: The header.
        rows: Cells in the order of `columns`.
    """
    write_text(path, csv_text(columns, rows))
