"""A row of a table, whatever the table is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.connections.files.pinned import FilePin
from include.engine.errors import RecordRejected
from include.pipelines.csv.input.cells import Cell


@dataclass(frozen=True, slots=True)
class TableRow:
    """Has as many cells as the header, unless it is faulty."""

    number: int
    """1-based; the header and empty lines do not count."""
    line: int
    """Of the file, or row of the worksheet, 1-based."""
    cells: Sequence[Cell]
    blanks: int
    """Empty lines, or rows of the worksheet, just before it."""
    fault: RecordRejected | None
    """Names the line, and no value."""


@dataclass(frozen=True, slots=True)
class OpenTable:
    """Rows of a range, read as they are asked for, once, as long as the context lasts."""

    header: tuple[str, ...]
    rows: Iterator[TableRow]


def row_key(path: str, pin: FilePin, number: int) -> str:
    """Names a row for ever: the file as it was pinned, and its number. Keys of a file sort as their rows."""
    return f"{file_key(path, pin)}-{number:010d}"


def file_key(path: str, pin: FilePin) -> str:
    """What the keys of all rows of a file begin with: 32 hexadecimal digits."""
    return hashlib.sha256(f"{path}\n{pin}".encode()).hexdigest()[:32]


def ragged(cells: int, width: int) -> RecordRejected | None:
    """The fault of a row that has another number of cells than the header."""
    if cells == width:
        return None
    return RecordRejected("csv.ragged", f"the row has {cells} cells, the header {width}")


def at_line(fault: RecordRejected | None, first: int, last: int) -> RecordRejected | None:
    """The fault, with where it is."""
    if fault is None:
        return None
    place = f"line {first}" if first == last else f"lines {first} to {last}"
    return RecordRejected(fault.code, f"{place}: {fault.message}")
