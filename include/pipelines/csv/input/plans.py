"""What planning asks for and finds out, whatever the table is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.connections.files.pinned import FilePin
from include.engine.errors import RecordRejected
from include.engine.model import Batch, RowRange
from include.engine.plan import MAX_BATCHES, Bounds
from include.pipelines.csv.input.forms import TableForm, form_text

SMALL_ROWS = 100
"""A table of fewer rows is one batch."""

Place = tuple[int, int, int]
"""Rows, bytes, and lines plus 1, before a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """What somebody knows about a table better than its bytes tell."""

    encoding: str | None = None
    """As Python names it; None detects it."""
    delimiter: str | None = None
    """None detects it."""
    sheet: str | None = None
    """Name of the worksheet; None takes the first that is visible."""
    row_limit: int | None = None
    """Rows to read at most, from the first one on."""
    max_bytes: int = 2 * 1024**3
    """A larger file is refused."""


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A table that was read once, from its beginning to its end or to the row limit."""

    header: tuple[str, ...]
    form: TableForm
    pin: FilePin
    rows: int
    faulty: Mapping[str, int]
    """Rows that will be rejected as they are read, by code; `rows` counts them too."""
    limited: bool
    """There are rows beyond the limit."""
    found: str
    """How the table is read, in words, for the log."""
    batches: list[Batch]
    warnings: Sequence[str] = ()
    """What is odd about it, for the log; no value of a row."""


class RowCuts:
    """Counts rows while they pass, and cuts them into batches."""

    def __init__(self, batch_size: int, start: Place, limit: int | None, most: int = MAX_BATCHES) -> None:
        self._bounds = Bounds(batch_size, start, "rows", most)
        self._start = self._at = start
        self._limit = limit
        self.faulty: Counter[str] = Counter()
        self.limited = False

    @property
    def rows(self) -> int:
        """So far."""
        return self._at[0]

    def takes(self) -> bool:
        """Whether there is room for one more row, which is there."""
        self.limited = self._limit is not None and self.rows >= self._limit
        return not self.limited

    def add(self, size: int, next_line: int, fault: RecordRejected | None) -> None:
        """The next row: its bytes, the line after it, and what is wrong with it."""
        if self._bounds.is_due(self.rows):
            self._bounds.cut(self._at)
        self._at = (self.rows + 1, self._at[1] + size, next_line)
        if fault is not None:
            self.faulty[fault.code] += 1

    def batches(self, path: str, pin: FilePin, form: TableForm) -> list[Batch]:
        """Over all rows."""
        small = self.rows < SMALL_ROWS
        spans = [(self._start, self._at)] * bool(self.rows) if small else self._bounds.between(self._at)
        return [
            Batch(
                index,
                RowRange(path, str(pin), form_text(form), first[0], last[0], first[1], last[1], first[2]),
                last[0] - first[0],
            )
            for index, (first, last) in enumerate(spans)
        ]


def whole(parts: list[RowRange]) -> RowRange:
    """All rows of a plan, from the parts of its batches."""
    first, last = min(parts, key=lambda part: part.first), max(parts, key=lambda part: part.last)
    ends = last.last, first.start, last.end, first.line
    return RowRange(first.uri, first.pin, first.form, first.first, *ends)
