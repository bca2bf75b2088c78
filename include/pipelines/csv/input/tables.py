"""Tables in files, on disk or in S3: planned once, and read by range. The bytes tell whether one is CSV or XLSX."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from include.connections.files.pinned import FilePin, PinnedFile, pinned_now, pinned_then
from include.connections.files.places import Places
from include.engine.errors import SettingsError
from include.engine.model import RowRange
from include.pipelines.csv.input.csv_table import open_csv, plan_csv
from include.pipelines.csv.input.forms import CsvForm, parse_form
from include.pipelines.csv.input.plans import TableOptions, TablePlan
from include.pipelines.csv.input.rows import OpenTable
from include.pipelines.csv.input.sheet_table import open_sheet, plan_sheet

MAX_PATH_BYTES = 600
"""Of a path as JSON: a batch names its file, and takes 1 KB at most."""

_HEAD_BYTES = 64 * 1024
_ARCHIVE = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0"
"""Of old workbooks (.xls), and of those with a password."""


def plan_table(places: Places, path: str, options: TableOptions, batch_size: int) -> TablePlan:
    """Read a table once, and split its rows into batches.

    Raises `SettingsError`, which begins with `file:`, `header:` or an option's name, and `TransientError`.
    """
    if len(json.dumps(path)) > MAX_PATH_BYTES:
        raise SettingsError(f"file: the path takes more than {MAX_PATH_BYTES} bytes as JSON: shorten it")
    if options.row_limit is not None and options.row_limit < 1:
        raise SettingsError(f"row_limit is {options.row_limit}: give a whole number of at least 1")
    with pinned_now(places, path, options.max_bytes) as file:
        head = _head(file)
        if head.startswith(_COMPOUND):
            raise SettingsError("file: an old or an encrypted workbook: save it as .xlsx, without a password")
        if head.startswith(_ARCHIVE):
            return plan_sheet(file, path, options, batch_size)
        return plan_csv(file, path, head, options, batch_size)


def _head(file: PinnedFile) -> bytes:
    size = min(_HEAD_BYTES, file.pin.size)
    with file.part(0, size) as stream:
        return stream.read(size)


@contextmanager
def open_table(places: Places, part: RowRange) -> Iterator[OpenTable]:
    """The header and the rows of a range of a planned table.

    Faulty rows come with their fault; reading goes on behind them. Raises `SourceChanged` where the file is not the
    one that was planned, at the latest when the context ends, and `TransientError`.
    """
    form = parse_form(part.form)
    with pinned_then(places, part.uri, FilePin.parse(part.pin)) as file:
        opening = open_csv(file, form, part) if isinstance(form, CsvForm) else open_sheet(file, form, part)
        with opening as table:
            yield table
