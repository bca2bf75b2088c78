"""What completes and checks the rows of one table, once the document has been walked.

A table that asks for no more than paths, constants, defaults and keys is finished in one pass. Others are staged
(see `staged_plan`): their rows are prepared, then calculated, then completed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.engine.errors import RecordRejected
from include.engine.model import Key, NotedRows, Row
from include.pipelines.xml.language.columns import Repeated
from include.pipelines.xml.mapping.value_chain import Tolerated

Values = list[Any]
Found = list[tuple[Values, Values]]
"""Rows of a table in document order, each with its parent's."""


@dataclass(slots=True)
class Mapped:
    """One record while its rows are completed."""

    key: Key
    gathered: list[Found]
    """By table."""
    rows: NotedRows = field(default_factory=NotedRows)

    def tolerate(self, tolerated: Tolerated, column: str) -> Any:  # noqa: ANN401 - of the column's type
        """The value; what was wrong with it is counted."""
        self._count(f"{tolerated.warning} {column}")
        if tolerated.also is not None:
            self._count(f"{tolerated.also} {column}")
        return tolerated.value

    def _count(self, name: str) -> None:
        warnings = self.rows.warnings
        warnings[name] = warnings.get(name, 0) + 1


@dataclass(frozen=True, slots=True)
class TablePlan:
    """Of a table that needs one pass; positions count within the row."""

    name: str
    blank: Values
    """A new row: empty but for constants. Copied, never changed."""
    inherited: tuple[tuple[int, int], ...] = ()
    """(position, position in the parent's row); the positions are the first ones, in order."""
    take_inherited: Callable[[Values], Sequence[Any]] = tuple
    """Of a parent's row, where there are several."""
    number_slot: int | None = None
    defaults: tuple[tuple[int, Any], ...] = ()
    """Of columns with a path."""
    required: tuple[int, ...] = ()
    unique: tuple[int, ...] = ()
    """The primary key, where its values come from the document."""
    key_of: Callable[[Sequence[Any]], Any] = tuple
    """The values of the primary key, where that is declared."""
    places: tuple[str, ...] = ()
    """By position: column and path, for messages."""
    repeated: tuple[Repeated, ...] = ()
    """By position: what several values of one path mean."""
    marked: tuple[int, ...] = ()
    """Positions of columns with a path."""
    bits: tuple[int, ...] = ()
    """By position: the bit of such a column."""
    all_bits: int = 0

    def rejected(self, slot: int, fault: str, code: str = "xml.value") -> RecordRejected:
        """Names column and path, never a value."""
        return RecordRejected(code, f"{self.places[slot]}: {fault}")

    def finish(self, found: Found, mapped: Mapped) -> None:
        """Complete rows in document order; the parents' must be complete."""
        rows: list[Row] = []
        previous: Values | None = None
        number = 0
        empty: Sequence[int] = self.marked
        self.inherit(found)
        for values, parent in found:
            if self.number_slot is not None:
                number = number + 1 if parent is previous else 1
                previous = parent
                values[self.number_slot] = number
            if empty:
                empty = [slot for slot in empty if values[slot] is None]
            for slot, default in self.defaults:
                if values[slot] is None:
                    values[slot] = default
            for slot in self.required:
                if values[slot] is None:
                    raise self.missing(slot)
            rows.append(tuple(values))
        if self.unique and len(rows) > 1:
            self.check_unique(rows)
        mapped.rows[self.name] = rows
        mapped.rows.marks |= self.bits_but(empty)

    def inherit(self, found: Found) -> None:
        """Carry the keys of the parents' rows down."""
        width, take = len(self.inherited), self.take_inherited
        if width == 1:
            ((slot, parent_slot),) = self.inherited
            for values, parent in found:
                values[slot] = parent[parent_slot]
            return
        for values, parent in found:
            values[:width] = take(parent)

    def bits_but(self, empty: Sequence[int]) -> int:
        """The bits of all marked columns without those at these positions."""
        bits, marks = self.bits, self.all_bits
        for slot in empty:
            marks ^= bits[slot]
        return marks

    def missing(self, slot: int) -> RecordRejected:
        """Of a required column."""
        return self.rejected(slot, "required, and the document has no value", "xml.required")

    def check_unique(self, rows: Sequence[Row]) -> None:
        """Raises `RecordRejected` for two rows of one key."""
        if len(set(map(self.key_of, rows))) < len(rows):
            raise self.rejected(self.unique[-1], f"two rows of {self.name} have one primary key", "xml.duplicate_key")
