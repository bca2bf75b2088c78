"""Rows of tables that ask for more than one pass: prepared, then calculated, then completed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from include.engine.model import Key
from include.pipelines.xml.mapping.expansion import Expansion
from include.pipelines.xml.mapping.table_plan import Found, Mapped, TablePlan, Values
from include.pipelines.xml.mapping.value_chain import Tolerated


@dataclass(frozen=True, slots=True)
class StagedPlan(TablePlan):
    """Further positions are those of values that are not written; None stands for what the table does not need."""

    written: int = 0
    """Positions that are."""
    tolerant: tuple[tuple[int, str], ...] = ()
    """(position of a value that may come with a warning, column that it is counted for)."""
    expand: Expansion | None = None
    """To the rows of items or groups."""
    filled_by: tuple[int, ...] | None = None
    """Positions, one of which must hold a value from the document; None writes every row."""
    keep: Literal["reject", "first", "last", "priority"] = "reject"
    """Of several rows with one primary key."""
    rank_slot: int | None = None
    """Of what `priority` compares."""
    lost_slot: int | None = None
    """True in rows that are not written after all; their children are not either."""
    parent_lost_slot: int | None = None
    marks_slot: int | None = None
    """Of the bits of columns with a default that had a value all the same, where the row may still be lost."""
    undefaulted: tuple[int, ...] = ()
    """Positions of marked columns without a default: they tell to the end whether the document had a value."""
    undefaulted_bits: int = 0
    is_used: bool = False
    """By formulas, its own or others'."""
    parent_slot: int | None = None
    """Of the parent's row, where formulas of children look further up."""

    def prepare(self, found: Found, mapped: Mapped) -> None:
        """All that the document says; nothing here looks at other tables' rows."""
        if self.tolerant:
            self._tolerate(found, mapped)
        if self.expand is not None:
            found[:] = [(row, parent) for values, parent in found for row in self.expand(values)]
        if self.filled_by is not None:
            found[:] = [pair for pair in found if not _is_empty(pair[0], self.filled_by)]
        if self.marks_slot is None:
            self._mark(found, mapped)
        if self.is_used:
            self._link(found, mapped.key)
        if self.defaults:
            self._default(found)

    def _tolerate(self, found: Found, mapped: Mapped) -> None:
        for values, _ in found:
            for slot, column in self.tolerant:
                if type(value := values[slot]) is Tolerated:
                    values[slot] = mapped.tolerate(value, column)

    def _link(self, found: Found, key: Key) -> None:
        for values, parent in found:
            values[0] = key
            if self.parent_slot is not None:
                values[self.parent_slot] = parent

    def _mark(self, found: Found, mapped: Mapped) -> None:
        empty: Sequence[int] = self.marked
        for values, _ in found:
            if not empty:
                break
            empty = [slot for slot in empty if values[slot] is None]
        if found:
            mapped.rows.marks |= self.bits_but(empty)

    def _default(self, found: Found) -> None:
        bits = self.bits
        for values, _ in found:
            marks = 0
            for slot, default in self.defaults:
                if values[slot] is None:
                    values[slot] = default
                else:
                    marks |= bits[slot]
            if self.marks_slot is not None:
                values[self.marks_slot] = marks

    def complete(self, found: Found, mapped: Mapped) -> None:
        """Keys, required values, duplicates and row numbers; parents must be complete, formulas calculated."""
        self._check(found)
        if self.keep != "reject" and len(found) > 1:
            self._keep(found, self._settled(found))
        if self.number_slot is not None:
            _number(found, self.number_slot)
        if self.marks_slot is not None:
            self._mark_kept(found, mapped, self.marks_slot)
        written = self.written
        rows = [tuple(values[:written]) for values, _ in found]
        if self.unique and self.keep == "reject" and len(rows) > 1:
            self.check_unique(rows)
        if rows:
            mapped.rows[self.name] = rows

    def _mark_kept(self, found: Found, mapped: Mapped, marks_slot: int) -> None:
        marks = self.undefaulted_bits
        empty: Sequence[int] = self.undefaulted
        for values, _ in found:
            marks |= values[marks_slot]
            if empty:
                empty = [slot for slot in empty if values[slot] is None]
        for slot in empty:
            marks ^= self.bits[slot]
        if found:
            mapped.rows.marks |= marks

    def _check(self, found: Found) -> None:
        """Carry the parents' keys down, and look for what is missing."""
        if self.parent_lost_slot is not None:
            self._keep(found, [pair for pair in found if not pair[1][self.parent_lost_slot]])
        self.inherit(found)
        for slot in self.required:
            for values, _ in found:
                if values[slot] is None:
                    raise self.missing(slot)

    def _keep(self, found: Found, kept: Found) -> None:
        if len(kept) == len(found):
            return
        if self.lost_slot is not None:
            staying = {id(values) for values, _ in kept}
            for values, _ in found:
                values[self.lost_slot] = id(values) not in staying
        found[:] = kept

    def _settled(self, found: Found) -> Found:
        best: dict[Any, int] = {}
        key_of = self.key_of
        for position, (values, _) in enumerate(found):
            rival = best.setdefault(key_of(values), position)
            if rival != position and self._wins(values, found[rival][0]):
                best[key_of(values)] = position
        return [found[position] for position in sorted(best.values())]

    def _wins(self, later: Values, earlier: Values) -> bool:
        if self.rank_slot is not None:
            return bool(later[self.rank_slot] < earlier[self.rank_slot])
        return self.keep == "last"


def _number(found: Found, slot: int) -> None:
    previous: Values | None = None
    number = 0
    for values, parent in found:
        number = number + 1 if parent is previous else 1
        previous = parent
        values[slot] = number


def _is_empty(values: Values, slots: Iterable[int]) -> bool:
    return all(values[slot] is None for slot in slots)
