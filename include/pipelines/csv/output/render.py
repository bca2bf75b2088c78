"""Renders a file in the order of its input, from the rows that are committed."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from include.connections.files.folder import FileFolder
from include.connections.files.places import Places
from include.engine.errors import BatchStopped, FatalError
from include.engine.model import RowRange
from include.pipelines.csv.input.forms import CsvForm, TableForm, parse_form
from include.pipelines.csv.input.rows import OpenTable, TableRow
from include.pipelines.csv.input.tables import open_table
from include.pipelines.csv.output.csv_writer import CsvDialect, CsvWriter
from include.pipelines.csv.output.finished import FinishedRow
from include.pipelines.csv.output.options import ERROR_COLUMN, OutputOptions
from include.pipelines.csv.output.sheet_writer import SheetWriter
from include.pipelines.csv.output.writers import TableWriter


@dataclass(frozen=True, slots=True)
class Rendered:
    """A file that is in its place."""

    name: str
    rows: int
    failed: int
    """Rows with an error."""
    how: str
    """In words, for the log."""


def render_table(
    places: Places,
    part: RowRange,
    finished: Iterable[FinishedRow],
    *,
    generated: Sequence[str],
    options: OutputOptions,
    folder: FileFolder,
    name: str,
    stop: threading.Event,
) -> Rendered:
    """Write the original columns, the generated ones and `error`, and put the file into its folder under its name.

    `part` is all that the run planned (see `whole`), `finished` has each of its rows once, in order: only a few of
    both are in memory. A file of that name is replaced, once the new one is whole. Raises `FatalError` where rows are
    missing, come twice or are not the table's; `SourceChanged`; `BatchStopped` after `stop` was set; what the folder
    raises.
    """
    form = parse_form(part.form)
    with tempfile.TemporaryFile(prefix="headrace-") as file:
        with _writer(form, options) as writer, open_table(places, part) as table:
            rows = failed = 0
            for failed_one in _written(table, finished, generated, options, writer):
                if stop.is_set():
                    raise BatchStopped("told to stop amid the output file")
                rows += 1
                failed += failed_one
            how = writer.finish(file)
        folder.put(name, file)
    return Rendered(name, rows, failed, how)


def output_kind(form: TableForm, options: OutputOptions) -> str:
    """`csv` or `xlsx`: the ending that the name should have."""
    return options.kind or ("csv" if isinstance(form, CsvForm) else "xlsx")


@contextmanager
def _writer(form: TableForm, options: OutputOptions) -> Iterator[TableWriter]:
    if output_kind(form, options) == "xlsx":
        with closing(SheetWriter(options)) as writer:
            yield writer
        return
    with tempfile.TemporaryFile(prefix="headrace-") as scratch:
        yield CsvWriter(CsvDialect.chosen(form, options), options, scratch)


def _written(
    table: OpenTable,
    finished: Iterable[FinishedRow],
    generated: Sequence[str],
    options: OutputOptions,
    writer: TableWriter,
) -> Iterator[bool]:
    """Writes a row, and says whether it failed."""
    kept = [place for place, name in enumerate(table.header) if options.columns is None or name in options.columns]
    writer.header([*(table.header[place] for place in kept), *generated, ERROR_COLUMN])
    for row, done in _paired(table.rows, finished):
        error = done.error or (str(row.fault) if row.fault else "")
        made = [*(done.values.get(column, "") for column in generated), error]
        writer.row([row.cells[place] for place in kept], made, row.blanks)
        yield bool(error)


def _paired(rows: Iterable[TableRow], finished: Iterable[FinishedRow]) -> Iterator[tuple[TableRow, FinishedRow]]:
    """Each row with what came of it; raises when all were looked at, so that the count is whole."""
    committed = iter(finished)
    done = next(committed, None)
    total = missing = first_missing = 0
    for row in rows:
        total += 1
        if done is not None and done.number < row.number:
            raise _foreign(done)
        if done is None or done.number > row.number:
            first_missing = first_missing or row.number
            missing += 1
            continue
        if not missing:
            yield row, done
        done = next(committed, None)
    if done is not None:
        raise _foreign(done)
    if missing:
        raise FatalError(
            f"{missing} of {total} rows are not settled, the first is row {first_missing}: "
            "clear their batches, then this task"
        )


def _foreign(done: FinishedRow) -> FatalError:
    return FatalError(f"row {done.number} is committed twice, out of order, or no row of the file")
