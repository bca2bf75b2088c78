"""From lines to the rows of a CSV file, where one bad row costs one row.

Where the quotes of a row do not fit, the reading begins again at the line after its first one: a quote that is never
closed would else take the rest of the file with it. A row that is too long is told from that by where its quotes end:
it is passed over to its last line, since its lines are no rows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from include.engine.errors import RecordRejected
from include.pipelines.csv.input.lines import MAX_LINE_BYTES, Line, Lines

MAX_ROW_BYTES = 4 * MAX_LINE_BYTES
"""Of all lines of a row."""
MAX_SEARCH_BYTES = 64 * MAX_LINE_BYTES
"""Within which a row that is too long must end; else one of its quotes counts as never closed."""


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A row with its place; lines without any character are none, and come as `blanks` of the next row."""

    cells: list[str]
    """Of a faulty row, as far as they can be told."""
    line: int
    """At which it begins, 1-based."""
    blanks: int
    """Empty lines before it."""
    next_line: int
    size: int
    """Bytes, those of the empty lines before it included."""
    fault: RecordRejected | None
    raw: bytes
    """Of its first line."""
    end: str
    """Text of its last line."""


def read_rows(lines: Lines, delimiter: str, first_line: int = 1) -> Iterator[CsvRow]:
    """The rows, with quotes as RFC 4180 has them. Lines are counted from `first_line`.

    A row may begin at any row's end and gives the same cells, so a file that is read in ranges gives the same rows.
    """
    _allow_cells_of_any_row()
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    at, blanks, size = first_line, 0, 0
    while True:
        feed.begin()
        try:
            cells = next(reader)
            fault = feed.fault
        except StopIteration:
            return
        except (csv.Error, _TooLongError):
            cells, fault = _as_it_is(feed.first, delimiter), _fault(feed, delimiter)
        size += feed.size
        if not cells and fault is None:
            blanks += 1
            at += feed.count
            continue
        following = at + feed.count
        yield CsvRow(cells, at, blanks, following, size, fault, feed.first.raw, feed.last.text)
        at, blanks, size = following, 0, 0


_QUOTES = RecordRejected(
    "csv.quotes", "a quote is not closed, or text follows a closing one: double the quotes within a cell"
)


def _allow_cells_of_any_row() -> None:
    """The limit is the process's, and 128 KiB at first: it is only ever raised here."""
    most = MAX_ROW_BYTES + MAX_LINE_BYTES
    if csv.field_size_limit() < most:
        csv.field_size_limit(most)


def _fault(feed: _Feed, delimiter: str) -> RecordRejected:
    """What is wrong with a row that could not be read; the feed stands behind the last line that it takes."""
    if feed.is_too_long and _ends(feed, delimiter):
        return RecordRejected("csv.too_long", f"the row has {feed.size} bytes, {MAX_ROW_BYTES} are allowed")
    feed.give_back()
    return feed.first.fault or _QUOTES


def _ends(feed: _Feed, delimiter: str) -> bool:
    """Whether the row, amid a cell in quotes so far, has an end; takes lines up to it, in flat memory."""
    while feed.size < MAX_SEARCH_BYTES:
        try:
            next(csv.reader(_amid_quotes(feed.take()), delimiter=delimiter, strict=True))
        except _GoesOnError:
            continue
        except (csv.Error, StopIteration):
            return False
        return True
    return False


def _amid_quotes(line: Line) -> Iterator[str]:
    yield f'"{line.text}'
    raise _GoesOnError


class _GoesOnError(Exception):
    pass


class _TooLongError(Exception):
    pass


class _Feed:
    """Hands the lines of a row to the reader, and takes back those that it should not have had."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._second = 0
        self.first: Line
        self.last: Line
        self.fault: RecordRejected | None
        """Of the first line that has one."""
        self.begin()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.is_too_long:
            raise _TooLongError
        return self.take().text

    @property
    def is_too_long(self) -> bool:
        """The lines that were taken are."""
        return self.size > MAX_ROW_BYTES

    def begin(self) -> None:
        """A row."""
        self.count = self.size = 0
        self.fault = None

    def take(self) -> Line:
        """One more line of the row."""
        self.last = line = next(self._lines)
        if not self.count:
            self.first, self._second = line, self._lines.at
        self.count += 1
        self.size += line.size
        self.fault = self.fault or line.fault
        return line

    def give_back(self) -> None:
        """All lines of the row but its first."""
        if self.count > 1:
            self._lines.go_to(self._second)
            self.last, self.count, self.size = self.first, 1, self.first.size


def _as_it_is(line: Line, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.text.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return []
