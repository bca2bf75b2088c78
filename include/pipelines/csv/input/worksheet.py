"""Rows of a worksheet, read one by one by openpyxl.

What is kept is what cells hold: numbers, text, booleans, dates, times, durations, errors, each with its number format,
and of formulas the values that were stored with them. Other formatting, formulas, comments, links, pictures, merged
cells and other sheets are not. Memory does not grow with the rows, nor with the texts that cells share.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from zipfile import ZipFile

from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.reader.excel import ExcelReader
from openpyxl.worksheet._reader import FORMULA_TAG, ROW_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from include.engine.errors import SettingsError
from include.pipelines.csv.input.cells import NOTHING, UNCALCULATED, SheetCell, SheetKind
from include.pipelines.csv.input.header import shown
from include.pipelines.csv.input.shared_texts import SharedTexts

MIB = 1024 * 1024

MAX_SHEET_BYTES = 8192 * MIB
"""Unpacked, of a sheet, which is streamed: a small archive can hold far too much."""
MAX_OTHER_BYTES = 512 * MIB
"""Unpacked, of any other part of the workbook."""

MAX_ROWS = 1_048_576
"""Of a worksheet, as Excel has them; a broken one may claim any number."""

_ROWS_TAG = f"{{{SHEET_MAIN_NS}}}sheetData"

# They quote what is in cells (`the serial value … is outside the limits for dates`).
warnings.filterwarnings("ignore", module=r"openpyxl\.")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row that is not empty."""

    cells: Sequence[SheetCell]
    """Up to the last that holds something, or a formula whose value was not stored."""
    line: int
    """As the sheet numbers it, from 1."""
    blanks: int
    """Empty rows before it."""


@contextmanager
def open_worksheet(stream: BinaryIO, sheet: str | int | None) -> Iterator[tuple[int, Iterator[SheetRow]]]:
    """A sheet's position and its rows: by name or position, or the first one that is visible.

    Raises `SettingsError` for what is no workbook, and while rows are read for a sheet that is broken there.
    """
    with closing(SharedTexts()) as texts, closing(_workbook(stream, texts)) as workbook:
        position = _position(workbook.worksheets, sheet)
        yield position, _rows(workbook.worksheets[position], texts)


def _workbook(stream: BinaryIO, texts: SharedTexts) -> Any:  # noqa: ANN401 - openpyxl has no annotations
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
        reader: Any = ExcelReader(stream, read_only=True, data_only=True, keep_links=False)
        reader.read_strings = lambda: _read_texts(reader, texts)  # its own puts all of them into a list
        reader.read()
    except Exception as error:  # noqa: BLE001 - openpyxl raises whatever the parsers below it do
        raise _unreadable(error) from None
    return reader.wb


def _read_texts(reader: Any, texts: SharedTexts) -> None:  # noqa: ANN401 - as above
    part = reader.package.find(SHARED_STRINGS)
    if part is not None:
        with reader.archive.open(part.PartName[1:]) as file:
            texts.read(file)


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


def _rows(sheet: Any, texts: SharedTexts) -> Iterator[SheetRow]:  # noqa: ANN401 - as above
    before = blanks = 0
    found = _parsed(sheet, texts)
    while True:
        try:
            line, cells = next(found)
            if line <= before:
                raise ValueError("rows are out of order")
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - as above
            raise SettingsError(f"file: row {before + 1} of the sheet is broken ({type(error).__name__})") from None
        if line > MAX_ROWS:
            raise SettingsError(f"file: the sheet has rows beyond the {MAX_ROWS} of a worksheet")
        blanks += line - before - 1
        before = line
        if cells:
            yield SheetRow(cells, line, blanks)
        blanks = 0 if cells else blanks + 1


def _parsed(sheet: Any, texts: SharedTexts) -> Iterator[tuple[int, list[SheetCell]]]:  # noqa: ANN401 - as above
    """As openpyxl's read-only sheet does it, which keeps the empty element of each row, and rows' heights."""
    book = sheet.parent
    dates = {"date_formats": book._date_formats, "timedelta_formats": book._timedelta_formats}  # noqa: SLF001 - as above
    with sheet._get_source() as source:  # noqa: SLF001 - as above
        parser = WorkSheetParser(source, texts, data_only=True, epoch=book.epoch, **dates)
        rows: Any = None
        for event, element in iterparse(source, events=("start", "end")):
            if element.tag == _ROWS_TAG:
                if event == "end":
                    return
                rows = element
            elif event == "end" and element.tag == ROW_TAG and rows is not None:
                line, cells = parser.parse_row(element)
                yield line, _placed(sheet, cells, element)
                parser.row_dimensions.clear()
                element.clear()
                del rows[:-1]


def _placed(sheet: Any, cells: Sequence[dict[str, Any]], row: Any) -> list[SheetCell]:  # noqa: ANN401 - as above
    placed: list[SheetCell] = []
    for cell, element in zip(cells, row, strict=True):
        made = _cell(sheet, cell, element)
        if made is not NOTHING:
            place = cell["column"]
            placed += [NOTHING] * (place - len(placed))
            placed[place - 1] = made
    return placed


def _cell(sheet: Any, cell: dict[str, Any], element: Any) -> SheetCell:  # noqa: ANN401 - as above
    value = cell["value"]
    if value is None and element.get("t") != "str" and element.find(FORMULA_TAG) is not None:
        return UNCALCULATED  # a formula that gave an empty text says that it is one
    if value is None or value == "":
        return NOTHING
    return SheetCell(value, cast("SheetKind", cell["data_type"]), ReadOnlyCell(sheet, **cell).number_format)
