"""Cells as they were read: text of a CSV file, typed values of a worksheet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

SheetValue = str | int | float | bool | datetime | date | time | timedelta | None

SheetKind = Literal["s", "n", "b", "d", "e"]
"""As worksheets name types: text, number or nothing, boolean, date or time, error (`#N/A`)."""


@dataclass(frozen=True, slots=True)
class SheetCell:
    """A cell of a worksheet; of a formula, the value that was stored with it."""

    value: SheetValue
    kind: SheetKind
    number_format: str
    """`General`, `0.00 %`, `yyyy-mm-dd`."""


Cell = str | SheetCell

NOTHING = SheetCell(None, "n", "General")


def cell_text(cell: Cell) -> str:
    """The cell as CSV has it. A value comes back from its text exactly, once its type is known.

    Numbers are in their shortest form that loses nothing, whole ones without a point; dates and times as ISO 8601 has
    them, without a time where it is midnight; durations as `26:03:04.5`; booleans as TRUE and FALSE.
    """
    value = cell if isinstance(cell, str) else cell.value
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case date() | time():
            return _moment(value)
        case timedelta():
            return _duration(value)
    return str(value)


def _moment(value: date | time) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    return value.date().isoformat() if value.time() == time.min else value.isoformat(" ")


def _duration(value: timedelta) -> str:
    sign = "-" if value < timedelta() else ""
    seconds, fraction = divmod(abs(value), timedelta(seconds=1))
    text = f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction.microseconds:06}".rstrip("0") if fraction else text
