"""XLSX workbooks: how many rows a sheet has, and the rows of a range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from include.connections.files.pinned import PinnedFile
from include.engine.errors import FatalError, RecordRejected, SettingsError
from include.engine.model import RowRange
from include.pipelines.csv.input.cells import NOTHING, UNCALCULATED, SheetCell, cell_text
from include.pipelines.csv.input.forms import SheetForm
from include.pipelines.csv.input.header import checked_header, shown
from include.pipelines.csv.input.plans import RowCuts, TableOptions, TablePlan
from include.pipelines.csv.input.rows import OpenTable, TableRow, at_line, ragged
from include.pipelines.csv.input.worksheet import SheetRow, open_worksheet

MAX_SHEET_BATCHES = 50
"""Each reads the sheet from its first row on: a thousand would read a large one far too often."""


def plan_sheet(file: PinnedFile, path: str, options: TableOptions, batch_size: int) -> TablePlan:
    """Read the sheet once; raises `SettingsError`."""
    with file.part(0, file.pin.size) as stream, open_worksheet(stream, options.sheet) as (position, rows):
        first = next(rows, None)
        if first is None:
            raise SettingsError("file: the sheet is empty, its first row must name the columns")
        header, form = _header(first), SheetForm(position)
        uncalculated: Counter[int] = Counter()
        cuts = RowCuts(batch_size, (0, 0, first.line + 1), options.row_limit, MAX_SHEET_BATCHES)
        for row in rows:
            if not cuts.takes():
                break
            cuts.add(0, row.line + 1, _fault(row, len(header)))
            uncalculated.update(place for place, cell in enumerate(row.cells) if cell is UNCALCULATED)
    name = "the first visible" if options.sheet is None else shown(options.sheet)
    return TablePlan(
        header,
        form,
        file.pin,
        cuts.rows,
        dict(cuts.faulty),
        cuts.limited,
        f"XLSX, sheet {position + 1} ({name})",
        cuts.batches(path, file.pin, form),
        _warnings(header, uncalculated),
    )


def _warnings(header: Sequence[str], uncalculated: Mapping[int, int]) -> tuple[str, ...]:
    """`uncalculated` counts formulas without a stored value, by 0-based column."""
    if not uncalculated:
        return ()
    counts = [
        f"{shown(header[place])} ({uncalculated[place]})" for place in sorted(uncalculated) if place < len(header)
    ]
    columns = ", ".join(counts) or "columns without a name"
    fix = "open the workbook in a spreadsheet program, and save it"
    return (f"formulas without a stored value are read as empty cells, in {columns}: {fix}",)


@contextmanager
def open_sheet(file: PinnedFile, form: SheetForm, part: RowRange) -> Iterator[OpenTable]:
    """The rows of a range. The sheet is read from its first row on: rows have no places in it that could be sought."""
    with file.part(0, file.pin.size) as stream, open_worksheet(stream, form.sheet) as (_, rows):
        header = _header(next(rows))
        yield OpenTable(header, _numbered(rows, part, len(header)))


def _header(row: SheetRow) -> tuple[str, ...]:
    return checked_header([cell_text(cell) for cell in row.cells])


def _numbered(rows: Iterator[SheetRow], part: RowRange, width: int) -> Iterator[TableRow]:
    number = part.first
    for number, row in enumerate(islice(rows, part.first, part.last), part.first + 1):
        yield TableRow(number, row.line, _fitted(row.cells, width), row.blanks, _fault(row, width))
    if number != part.last:
        raise FatalError(f"the sheet has rows up to {number}, {part.last} were planned: a bug of the reader")


def _fitted(cells: Sequence[SheetCell], width: int) -> Sequence[SheetCell]:
    return [*cells, *[NOTHING] * (width - len(cells))][:width]


def _fault(row: SheetRow, width: int) -> RecordRejected | None:
    """Cells that hold nothing are not there: a row may have fewer than the header, but not more."""
    return at_line(ragged(len(row.cells), width), row.line, row.line) if len(row.cells) > width else None
