"""Rows of a worksheet, read one by one by openpyxl.

What is kept is what cells hold: numbers, text, booleans, dates, times, durations, errors, each with its number format,
and of formulas the values that were stored with them. Other formatting, formulas, comments, links, pictures, merged
cells and other sheets are not. The texts that cells share are in memory as long as the sheet is open.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from zipfile import ZipFile

from openpyxl import load_workbook

from include.engine.errors import SettingsError
from include.pipelines.csv.input.cells import NOTHING, SheetCell, SheetKind
from include.pipelines.csv.input.header import shown

MIB = 1024 * 1024

MAX_SHEET_BYTES = 8192 * MIB
"""Unpacked, of a sheet, which is streamed: a small archive can hold far too much."""
MAX_OTHER_BYTES = 512 * MIB
"""Unpacked, of any other part of the workbook; the texts that cells share are in memory."""

MAX_ROWS = 1_048_576
"""Of a worksheet, as Excel has them; a broken one may claim any number."""

# They quote what is in cells (`the serial value … is outside the limits for dates`).
warnings.filterwarnings("ignore", module=r"openpyxl\.")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row that is not empty."""

    cells: Sequence[SheetCell]
    """Up to the last that holds something."""
    line: int
    """As the sheet numbers it, from 1."""
    blanks: int
    """Empty rows before it."""


@contextmanager
def open_worksheet(stream: BinaryIO, sheet: str | int | None) -> Iterator[tuple[int, Iterator[SheetRow]]]:
    """A sheet's position and its rows: by name or position, or the first one that is visible.

    Raises `SettingsError` for what is no workbook, and while rows are read for a sheet that is broken there.
    """
    with closing(_workbook(stream)) as workbook:
        position = _position(workbook.worksheets, sheet)
        chosen = workbook.worksheets[position]
        chosen.reset_dimensions()  # what a sheet says of its own size is wrong often enough
        yield position, _rows(chosen)


def _workbook(stream: BinaryIO) -> Any:  # noqa: ANN401 - its read-only sheets are not in the annotations
    try:
        with ZipFile(stream) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        stream.seek(0)
    except Exception as error:  # noqa: BLE001 - whatever the archive is, it is not what it should be
        raise _unreadable(error) from None
    for name, size in sizes.items():
        allowed = MAX_SHEET_BYTES if name.startswith("xl/worksheets/") else MAX_OTHER_BYTES
        if size > allowed:
            raise SettingsError(f"file: a part of the workbook has {size} bytes, {allowed} are allowed: save it as CSV")
    try:
        return load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # noqa: BLE001 - openpyxl raises whatever the parsers below it do
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> SettingsError:
    """Without the error's text, which may quote cells."""
    return SettingsError(f"file: no workbook that can be read ({type(error).__name__}): save it as .xlsx or CSV")


def _position(sheets: Sequence[Any], sheet: str | int | None) -> int:
    if isinstance(sheet, int):
        return sheet
    if sheet is None:
        visible = [place for place, found in enumerate(sheets) if found.sheet_state == "visible"]
        if not visible:
            raise SettingsError("file: the workbook has no visible sheet")
        return visible[0]
    titles = [str(found.title) for found in sheets]
    if sheet not in titles:
        raise SettingsError(f"sheet: there is no {shown(sheet)}, but {', '.join(map(shown, titles[:20]))}")
    return titles.index(sheet)


def _rows(sheet: Any) -> Iterator[SheetRow]:  # noqa: ANN401 - as above
    blanks = line = 0
    found = sheet.iter_rows()
    while True:
        try:
            cells = [_cell(cell) for cell in next(found)]
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - as above
            raise SettingsError(f"file: row {line + 1} of the sheet is broken ({type(error).__name__})") from None
        line += 1
        if line > MAX_ROWS:
            raise SettingsError(f"file: the sheet has rows beyond the {MAX_ROWS} of a worksheet")
        while cells and cells[-1].value is None:
            cells.pop()
        if cells:
            yield SheetRow(cells, line, blanks)
        blanks = 0 if cells else blanks + 1


def _cell(cell: Any) -> SheetCell:  # noqa: ANN401 - as above
    if cell.value is None:
        return NOTHING
    return SheetCell(cell.value, cast("SheetKind", cell.data_type), cell.number_format)
