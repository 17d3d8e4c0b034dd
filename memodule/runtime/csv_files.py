"""CSV files with a header: read row by row, each with its place for messages, and written in one step."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from memodule.errors import UserError
from memodule.runtime.atomic import write_text

T = TypeVar("T", int, float)


def read_text(path: Path, wanted: str) -> str:
    """The unchanged UTF-8 text of a CSV file; a byte-order mark stays.

    Raises:
        UserError: If the file cannot be read; the remedy is to pass what is `wanted`.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give {wanted}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({error}); give a CSV file") from None


def csv_rows(path: Path, columns: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (where, row) of a CSV file with a header; `where` is "file, row N" as an editor counts lines.

    A row maps each of the required `columns` to its stripped cell; other columns are ignored.

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


def number(row: Mapping[str, str], column: str, convert: Callable[[str], T], where: str) -> T:
    """The number in one cell of a row from `csv_rows`; `convert` is `int` or `float`.

    Raises:
        UserError: If the cell holds anything else.
    """
    try:
        return convert(row[column])
    except ValueError:
        kind = "whole number" if convert is int else "number"
        raise UserError(f"{where}: {column} {row[column]!r} is not a {kind}") from None


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV; lines end with a line feed on every system."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table as a CSV file in one step."""
    write_text(path, csv_text(columns, rows))
