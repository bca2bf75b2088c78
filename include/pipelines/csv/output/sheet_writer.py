"""Writes a worksheet row by row, by openpyxl: original cells with their types and number formats, the rest as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from include.engine.errors import SettingsError
from include.pipelines.csv.input.cells import Cell, SheetCell
from include.pipelines.csv.input.worksheet import MAX_ROWS
from include.pipelines.csv.output.characters import plain
from include.pipelines.csv.output.formulas import would_run
from include.pipelines.csv.output.options import OutputOptions

MAX_CHARACTERS = 32_767
"""Of a cell, as Excel counts them: more, and it takes the whole file for broken."""


class SheetWriter:
    """Text is never a formula, whatever it begins with; neutralised, it does not become one when somebody edits it."""

    def __init__(self, options: OutputOptions, title: str = "Rows") -> None:
        self._options = options
        self._workbook = Workbook(write_only=True)
        self._sheet: Any = self._workbook.create_sheet(title)
        self._rows = 0
        self._cut = 0
        self._finished = False

    def header(self, names: Sequence[str]) -> None:
        """See `TableWriter`."""
        self._append([self._text(name, self._options.neutralise_original) for name in names])

    def row(self, original: Sequence[Cell], generated: Sequence[str], blanks: int) -> None:
        """See `TableWriter`; raises `SettingsError` for more rows than a worksheet has."""
        kept, made = self._options.neutralise_original, self._options.neutralise_generated
        for _ in range(blanks):
            self._append([])
        self._append(
            [
                *(self._kept(cell) if isinstance(cell, SheetCell) else self._text(cell, kept) for cell in original),
                *(self._text(text, made) for text in generated),
            ]
        )

    def finish(self, file: BinaryIO) -> str:
        """See `TableWriter`."""
        self._workbook.save(file)
        self._finished = True
        return "XLSX" + (f", {self._cut} cells cut after {MAX_CHARACTERS} characters" if self._cut else "")

    def close(self) -> None:
        """Remove the temporary file of a sheet that is not to be finished."""
        if not self._finished:
            self._sheet.close()
            self._sheet._writer.cleanup()  # noqa: SLF001 - openpyxl does it when it saves, or when the program ends

    def _append(self, cells: list[Any]) -> None:
        self._rows += 1
        if self._rows > MAX_ROWS:
            raise SettingsError(f"the file has more rows than the {MAX_ROWS} of a worksheet: write it as CSV")
        self._sheet.append(cells)

    def _kept(self, cell: SheetCell) -> Any:  # noqa: ANN401 - openpyxl has no annotations
        if isinstance(cell.value, str) and cell.kind == "s":
            made = self._text(cell.value, self._options.neutralise_original)
            if made is None:
                return None
        elif cell.value is None:
            return None
        elif isinstance(cell.value, float):
            made = WriteOnlyCell(self._sheet, repr(cell.value))
            made.data_type = "n"  # a number itself would be written with 16 digits, and some need 17
        else:
            made = WriteOnlyCell(self._sheet, cell.value)
        made.number_format = cell.number_format
        return made

    def _text(self, text: str, neutralise: bool) -> Any:  # noqa: ANN401 - as above
        if not text:
            return None
        clean = plain(text)
        if _characters(clean) > MAX_CHARACTERS:
            self._cut += 1
            clean = _cut(clean)
        cell = WriteOnlyCell(self._sheet, clean)
        cell.data_type = "s"  # which openpyxl takes for a formula or an error by how it begins
        if neutralise and would_run(text):
            cell.quotePrefix = True
        return cell


def _characters(text: str) -> int:
    """As Excel counts: two where UTF-16 needs a pair."""
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str) -> str:
    return text.encode("utf-16-le")[: 2 * (MAX_CHARACTERS - 1)].decode("utf-16-le", "ignore") + "…"
