"""From lines to the rows of a CSV file, where one bad row costs one row.

Where the quotes of a row do not fit, the reading begins again at the line after its first one: a quote that is never
closed would else take the rest of the file with it.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from include.engine.errors import RecordRejected
from include.pipelines.csv.input.lines import MAX_LINE_BYTES, Line

MAX_ROW_BYTES = 4 * MAX_LINE_BYTES
"""Of all lines of a row."""


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


def read_rows(lines: Iterable[Line], delimiter: str, first_line: int = 1) -> Iterator[CsvRow]:
    """The rows, with quotes as RFC 4180 has them. Lines are counted from `first_line`.

    A row may begin at any row's end and gives the same cells, so a file that is read in ranges gives the same rows.
    """
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    at, blanks, size = first_line, 0, 0
    while True:
        feed.begin()
        try:
            cells = next(reader)
            fault = next((line.fault for line in feed.taken if line.fault is not None), None)
        except StopIteration:
            return
        except (csv.Error, _TooLongError):
            feed.give_back()
            cells, fault = _as_it_is(feed.taken[0], delimiter), feed.taken[0].fault or _QUOTES
        size += sum(line.size for line in feed.taken)
        if not cells and fault is None:
            blanks += 1
            at += len(feed.taken)
            continue
        following = at + len(feed.taken)
        yield CsvRow(cells, at, blanks, following, size, fault, feed.taken[0].raw)
        at, blanks, size = following, 0, 0


_QUOTES = RecordRejected(
    "csv.quotes", "a quote is not closed, or text follows a closing one: double the quotes within a cell"
)


class _TooLongError(Exception):
    pass


class _Feed:
    """Hands lines to the reader, and takes back those that it should not have had."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._back: deque[Line] = deque()
        self.taken: list[Line] = []
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._size > MAX_ROW_BYTES:
            raise _TooLongError
        line = self._back.popleft() if self._back else next(self._lines)
        self.taken.append(line)
        self._size += line.size
        return line.text

    def begin(self) -> None:
        """A row."""
        self.taken.clear()
        self._size = 0

    def give_back(self) -> None:
        """All lines of the row but its first."""
        self._back.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def _as_it_is(line: Line, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.text.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return []
