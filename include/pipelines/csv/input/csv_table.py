"""CSV files: what they are, where their rows begin, and the rows of a range."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from include.connections.files.pinned import PinnedFile
from include.engine.errors import FatalError, RecordRejected, SettingsError
from include.engine.model import RowRange
from include.pipelines.csv.input.delimiter import checked_delimiter, sniffed
from include.pipelines.csv.input.encodings import UTF_8, TextEncoding, guessed, marked, named, unmarked
from include.pipelines.csv.input.forms import CsvForm
from include.pipelines.csv.input.header import checked_header
from include.pipelines.csv.input.lines import Lines
from include.pipelines.csv.input.plans import RowCuts, TableOptions, TablePlan
from include.pipelines.csv.input.records import CsvRow, read_rows
from include.pipelines.csv.input.rows import OpenTable, TableRow, at_line, ragged

SAMPLE_BYTES = 64 * 1024
"""Of lines from which the delimiter is told, and of lines that show what a file's encoding is."""

_SEPARATOR_LINE = re.compile(r"sep=.", re.IGNORECASE)


def plan_csv(file: PinnedFile, path: str, head: bytes, options: TableOptions, batch_size: int) -> TablePlan:
    """Read the file once, or twice where it turns out not to be UTF-8; in flat memory.

    Without a byte order mark or a given encoding it is UTF-8, unless more rows with foreign characters speak against
    that than for it: one row that is broken does not make a file another one. Raises `SettingsError`.
    """
    encoding = named(options.encoding, head) if options.encoding else marked(head)
    how = "given" if options.encoding else "marked"
    if encoding is None:
        encoding, how = unmarked(head), "found"
    scan = _scanned(file, encoding, options, batch_size)
    if how == "found" and encoding.codec == UTF_8 and scan.against > scan.in_favour:
        encoding, how = guessed(scan.evidence), "guessed"
        scan = _scanned(file, encoding, options, batch_size)
    header, form = _header(scan.header), scan.form
    told = "given" if options.delimiter else "found"
    return TablePlan(
        header,
        form,
        file.pin,
        scan.cuts.rows,
        dict(scan.cuts.faulty),
        scan.cuts.limited,
        f"CSV in {form.codec} ({how}), cells parted by {form.delimiter!r} ({told})",
        scan.cuts.batches(path, file.pin, form),
    )


@dataclass(slots=True)
class _Scan:
    header: CsvRow
    form: CsvForm
    cuts: RowCuts
    in_favour: int = 0
    """Rows with characters beyond ASCII that could be decoded."""
    against: int = 0
    """Rows that could not."""
    evidence: list[bytes] = field(default_factory=list)
    _evidence_bytes: int = 0

    def hear(self, row: CsvRow) -> None:
        """What a row says about the encoding."""
        if row.fault is not None and row.fault.code == "csv.undecodable":
            self.against += 1
            if self._evidence_bytes < SAMPLE_BYTES:
                self.evidence.append(row.raw)
                self._evidence_bytes += len(row.raw)
        elif not row.raw.isascii():
            self.in_favour += 1


def _scanned(file: PinnedFile, encoding: TextEncoding, options: TableOptions, batch_size: int) -> _Scan:
    with file.part(0, file.pin.size) as stream:
        stream.read(encoding.mark)
        lines = Lines(stream, file.pin.size - encoding.mark, encoding)
        delimiter = checked_delimiter(options.delimiter) if options.delimiter else sniffed(lines.first(SAMPLE_BYTES))
        lines.go_to(0)
        rows = read_rows(lines, delimiter)
        header = next(rows, None)
        if header is None:
            raise SettingsError("file: it is empty, its first row must name the columns")
        body = encoding.mark + header.size
        form = CsvForm(encoding.codec, encoding.mark, delimiter, _newline(header), body)
        cuts = RowCuts(batch_size, (0, body, header.next_line), options.row_limit)
        scan = _Scan(header, form, cuts)
        scan.hear(header)
        for row in rows:
            if not cuts.takes():
                break
            cuts.add(row.size, row.next_line, row.fault or ragged(len(row.cells), len(header.cells)))
            scan.hear(row)
        return scan


def _newline(header: CsvRow) -> str:
    """That of the header's last line: a name in quotes may hold others."""
    return next((end for end in ("\r\n", "\r") if header.end.endswith(end)), "\n")


def _header(row: CsvRow) -> tuple[str, ...]:
    if _SEPARATOR_LINE.fullmatch(row.end.strip("\r\n")):
        raise SettingsError("header: its first line tells Excel the delimiter: remove that line, give it as delimiter")
    if (fault := at_line(row.fault, row.line, row.next_line - 1)) is not None:
        raise SettingsError(f"header: {fault.message}")
    return checked_header(row.cells)


@contextmanager
def open_csv(file: PinnedFile, form: CsvForm, part: RowRange) -> Iterator[OpenTable]:
    """The rows of a range; of an object in S3 no more bytes are read than theirs and the header's."""
    with file.part(0, form.body) as head:
        head.read(form.mark)
        header = _header(next(_csv_rows(head, form.body - form.mark, form, 1)))
    with file.part(part.start, part.end) as stream:
        rows = _csv_rows(stream, part.end - part.start, form, part.line)
        yield OpenTable(header, _numbered(rows, part, len(header)))


def _csv_rows(stream: BinaryIO, size: int, form: CsvForm, line: int) -> Iterator[CsvRow]:
    return read_rows(Lines(stream, size, form.encoding), form.delimiter, line)


def _numbered(rows: Iterator[CsvRow], part: RowRange, width: int) -> Iterator[TableRow]:
    number = part.first
    for number, row in enumerate(rows, part.first + 1):
        fault = row.fault or ragged(len(row.cells), width)
        yield TableRow(number, row.line, _fitted(row.cells, width), row.blanks, _at(fault, row))
    if number != part.last:
        raise FatalError(f"the range has rows up to {number}, {part.last} were planned: a bug of the reader")


def _fitted(cells: Sequence[str], width: int) -> Sequence[str]:
    return cells if len(cells) == width else [*cells, *[""] * (width - len(cells))][:width]


def _at(fault: RecordRejected | None, row: CsvRow) -> RecordRejected | None:
    return at_line(fault, row.line, row.next_line - 1)
