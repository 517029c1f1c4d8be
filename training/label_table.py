"""A label file as a table: a CSV as people and spreadsheets write it, before anyone asks what its cells mean."""

import codecs
import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.errors import LabelError

SPECIAL_COLUMNS = ("uncertain", "group")
"""Columns that both layouts may have."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line's cells by canonical column name; `line` is its number in the file."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """Header and rows. `header` has our own columns' names in lower case, `written` as the file has them.

    `encoding`, `delimiter` and `newline` are those of the file, so that it can be written as it was.
    """

    path: Path
    header: tuple[str, ...]
    written: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str = "utf-8"
    delimiter: str = ","
    newline: str = "\n"


def read_table(path: Path) -> Table:
    """Read a CSV in whatever encoding and with whatever delimiter; raises LabelError where it is none."""
    text, encoding = _decoded(path)
    lines = text.splitlines()
    if not lines:
        raise LabelError(f"{path} is empty.")
    delimiter = max(",;\t", key=lines[0].count)
    reader = csv.reader(lines, delimiter=delimiter)
    written = [cell.strip() for cell in next(reader)]
    while written and not written[-1]:
        written.pop()
    header = [_column_name(cell) for cell in written]
    _check_header(path, header)
    rows = tuple(
        Row(reader.line_num, _cells(path, reader.line_num, header, cells))
        for cells in reader
        if any(map(str.strip, cells))
    )
    newline = "\r\n" if "\r\n" in text else "\n"
    return Table(path, tuple(header), tuple(written), rows, encoding, delimiter, newline)


def _decoded(path: Path) -> tuple[str, str]:
    """Text and encoding of a file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LabelError(f"{path} cannot be read: {error.strerror}.") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace"), "utf-16"
    try:
        text, encoding = data.decode("utf-8-sig"), "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    except UnicodeDecodeError:
        text, encoding = data.decode("cp1252", errors="replace"), "cp1252"  # what spreadsheets write on Windows
    if "\0" in text:
        raise LabelError(f"{path} is no CSV file.")
    return text, encoding


def _column_name(cell: str) -> str:
    return cell.lower() if cell.lower() in ("image_id", "class", *SPECIAL_COLUMNS) else cell


def _check_header(path: Path, header: Sequence[str]) -> None:
    if "image_id" not in header:
        raise LabelError(
            f"{path} must begin with a header line such as Image_ID,Class; it has {','.join(header)[:80]!r}."
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice or "" in header:
        raise LabelError(f"{path}: every column needs a name of its own; {(twice or ['an empty one'])[0]!r} has not.")


def _cells(path: Path, line: int, header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    values = [cell.strip() for cell in cells]
    if any(values[len(header) :]):
        raise LabelError(f"{path}, line {line}: {len(values)} values for {len(header)} columns.")
    values += [""] * (len(header) - len(values))
    return dict(zip(header, values, strict=False))
