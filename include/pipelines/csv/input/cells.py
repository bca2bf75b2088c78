"""Cells as they were read: text of a CSV file, typed values of a worksheet."""

from __future__ import annotations

import re
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
UNCALCULATED = SheetCell(None, "n", "General")
"""A formula without a stored value, as programs that calculate nothing write it; told by its identity."""

_ESCAPED = re.compile(r"_x(?![dD][89a-fA-F])([0-9a-fA-F]{4})_")
"""As worksheets write characters that XML has no place for: `_x000D_`, and `_x005F_` for the first underscore of a text
that only looks like that. Halves of pairs stay."""
_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA|FIELD!|BLOCKED!)")


def cell_text(cell: Cell) -> str:
    """The cell as CSV has it. A value comes back from its text exactly, once its type is known.

    Numbers are in their shortest form that loses nothing, whole ones without a point; dates and times as ISO 8601 has
    them, without a time where it is midnight; durations as `26:03:04.5`; booleans as TRUE and FALSE.
    """
    value = cell if isinstance(cell, str) else _unescaped(cell.value)
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


def field_text(cell: Cell) -> str:
    """What a step reads of it: the text without spaces around it; nothing of an error that a spreadsheet put there."""
    if isinstance(cell, SheetCell) and cell.kind == "e":
        return ""
    text = cell_text(cell).strip()
    return "" if _ERROR.fullmatch(text) else text


def _unescaped(value: SheetValue) -> SheetValue:
    return _ESCAPED.sub(_character, value) if isinstance(value, str) and "_x" in value else value


def _character(escaped: re.Match[str]) -> str:
    code = int(escaped[1], 16)
    return chr(code) if code >= ord(" ") or chr(code) in "\t\n\r" else "\ufffd"


def _moment(value: date | time) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    return value.date().isoformat() if value.time() == time.min else value.isoformat(" ")


def _duration(value: timedelta) -> str:
    sign = "-" if value < timedelta() else ""
    seconds, fraction = divmod(abs(value), timedelta(seconds=1))
    text = f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction.microseconds:06}".rstrip("0") if fraction else text
