"""Formulas applied to the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from include.pipelines.xml.formula.language import Evaluate
from include.pipelines.xml.mapping.conversions import Unfit
from include.pipelines.xml.mapping.fitting import Check
from include.pipelines.xml.mapping.table_plan import Found, Mapped, TablePlan, Values
from include.pipelines.xml.mapping.value_chain import Tolerated


@dataclass(frozen=True, slots=True)
class Calculated:
    """A column or field with a formula."""

    slot: int
    name: str
    """Table and column, for what is counted."""
    evaluate: Evaluate
    default: Any
    fit: Check | None
    """For text that may be cut, and for fields, which no table checks; raises `Unfit`."""


@dataclass(frozen=True, slots=True)
class CalculatedRows:
    """Columns of one table whose formulas need nothing of each other."""

    table: TablePlan
    columns: tuple[Calculated, ...]
    frames: int
    """Rows that the formulas see: frame 0 is their own."""
    above: tuple[tuple[int, tuple[int, ...]], ...]
    """(frame of an ancestor's row, the slots that lead to it from the parent's row)."""
    single: tuple[tuple[int, int], ...]
    """(frame of another table's only row, position of that table)."""

    def __call__(self, found: Found, mapped: Mapped) -> None:
        """Raises `RecordRejected` for a value that cannot be calculated."""
        frames: list[Values | None] = [None] * self.frames
        for frame, index in self.single:
            if others := mapped.gathered[index]:
                frames[frame] = others[0][0]
        previous: Values | None = None
        for values, parent in found:
            frames[0] = values
            if parent is not previous:
                previous = parent
                for frame, way in self.above:
                    row = parent
                    for slot in way:
                        row = row[slot]
                    frames[frame] = row
            for column in self.columns:
                try:
                    value = column.evaluate(frames)
                    if column.fit is not None and value:
                        value = _fitted(value, column, column.fit, mapped)
                except Unfit as unfit:
                    raise self.table.rejected(column.slot, str(unfit)) from None
                values[column.slot] = column.default if value is None else value


def _fitted(value: Any, column: Calculated, fit: Check, mapped: Mapped) -> Any:  # noqa: ANN401 - of its type
    value = fit(value)
    return mapped.tolerate(value, column.name) if type(value) is Tolerated else value
