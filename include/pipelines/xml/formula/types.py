"""The types of formulas: which values go beside which, and what one becomes beside another.

A **form** is what values are at run time. Values of a comparison are brought to one form, those of a result to the
form of its column.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal

from include.pipelines.xml.formula.errors import FormulaError
from include.pipelines.xml.formula.tree import At
from include.pipelines.xml.language.column_types import ColumnType, Kind
from include.pipelines.xml.mapping.conversions import Unfit

Family = Literal["number", "text", "bit", "date", "datetime", "datetimeoffset", "uuid"]

Form = Literal["exact", "whole", "decimal", "float", "text", "bit", "date", "datetime", "datetimeoffset", "uuid"]
"""`exact` is int or Decimal, which Python compares exactly; `whole` is int."""

WORDS: dict[Family, str] = {
    "number": "a number",
    "text": "a text",
    "bit": "a bit",
    "date": "a date",
    "datetime": "a datetime",
    "datetimeoffset": "a datetimeoffset",
    "uuid": "a uuid",
}
"""For messages."""

MOMENTS: tuple[Form, ...] = ("date", "datetime", "datetimeoffset")
"""What DATEADD moves."""

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class FieldRef:
    """Where a named value stands at run time."""

    type: ColumnType
    frame: int
    """0 is the formula's own row."""
    slot: int


@dataclass(frozen=True, slots=True)
class Want:
    """What a value has to be, and why."""

    form: Form
    reason: str
    """For messages: what stands beside it, or which column takes it."""
    column: ColumnType | None = None
    """Where the value is a column's: literals have to fit its length, precision or range."""


def family_of(form: Form) -> Family:
    """Forms of one family compare with each other; a date also with a datetime."""
    match form:
        case "exact" | "whole" | "decimal" | "float":
            return "number"
    return form


def form_of(kind: Kind) -> Form:
    """What a column of this type holds."""
    match kind:
        case "string" | "text":
            return "text"
        case "tinyint" | "smallint" | "int" | "bigint":
            return "whole"
    return kind


def conversion(source: Form, target: Form) -> Convert | None:
    """None where values stay as they are. Raises `KeyError` where the families differ."""
    return None if source == target else _CONVERSIONS[source, target]


def midnight(value: date) -> datetime:
    """What a date is beside a datetime."""
    return datetime.combine(value, time.min)


def _whole(value: Decimal | float) -> int:
    try:
        found = int(value)
    except (OverflowError, ValueError):
        raise Unfit("is no finite number") from None
    if found != value:
        raise Unfit("is no whole number")
    return found


def _decimal(value: float) -> Decimal:
    """The shortest decimal that is this float: 0.1, not the 55 digits of its binary form."""
    found = Decimal(repr(value))
    if not found.is_finite():
        raise Unfit("is no finite number")
    return found


def mismatch(at: At, form: Form, want: Want, *, is_literal: bool) -> FormulaError:
    """Names both sides and the fix."""
    have, wanted = family_of(form), family_of(want.form)
    return at.error(f"this is {WORDS[have]}, and {want.reason}: {_fix(have, wanted, is_literal=is_literal)}")


def _fix(have: Family, wanted: Family, *, is_literal: bool) -> str:
    if "datetimeoffset" in (have, wanted) and {have, wanted} & {"date", "datetime"}:
        return "only one of them has a UTC offset, so give both the same type"
    if not is_literal:
        return "give both the same type, or take another column"
    if (have, wanted) == ("bit", "number"):
        return "write 1 or 0"
    return _WRITTEN[wanted]


_WRITTEN: dict[Family, str] = {
    "number": "write the number without quotes",
    "text": "write it in quotes",
    "bit": "a bit is TRUE, FALSE, 1 or 0",
    "date": "write DATE 'YYYY-MM-DD', or a text of that form",
    "datetime": "write a text of the form 'YYYY-MM-DDThh:mm:ss'",
    "datetimeoffset": "write a text of the form 'YYYY-MM-DDThh:mm:ss+hh:mm'",
    "uuid": "write a text of the form '00000000-0000-0000-0000-000000000000'",
}
"""How literals of a family are written."""

_CONVERSIONS: dict[tuple[Form, Form], Convert | None] = {
    ("whole", "exact"): None,
    ("decimal", "exact"): None,
    ("whole", "decimal"): Decimal,
    ("whole", "float"): float,
    ("decimal", "whole"): _whole,
    ("decimal", "float"): float,
    ("float", "whole"): _whole,
    ("float", "decimal"): _decimal,
    ("date", "datetime"): midnight,
}
