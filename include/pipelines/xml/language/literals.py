"""Values that a contract writes itself, in look-up tables and constants, read as values of a column's type."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from include.pipelines.xml.language.column_types import ColumnType
from include.pipelines.xml.mapping.conversions import MAX_DIGITS, Convert, Unfit, converter
from include.pipelines.xml.mapping.fitting import fitting

ScalarValue = bool | int | Decimal | str
"""What JSON can write; numbers with a point come as Decimal."""


def literal_reader(column_type: ColumnType) -> Callable[[object], Any]:
    """Raises `Unfit` where the literal is not of the type, or does not fit its length, range or scale.

    Dates, times, UUIDs and numbers may stand as text.
    """
    is_bit = column_type.kind == "bit"
    convert = converter(column_type.kind)
    fits = fitting(column_type)

    def read(literal: object) -> Any:  # noqa: ANN401 - of the column's type
        if isinstance(literal, bool) is not is_bit:
            raise Unfit("write true or false" if is_bit else "true and false are for bit columns")
        value = literal if is_bit else _typed(literal, convert)
        return value if fits is None else fits(value)

    return read


def _typed(literal: object, convert: Convert | None) -> Any:  # noqa: ANN401 - of the column's type
    if not isinstance(literal, ScalarValue):
        raise Unfit("write text, a number, true or false")
    if convert is None:
        if not isinstance(literal, str):
            raise Unfit("write it as text, in quotes")
        return literal
    return convert(literal if isinstance(literal, str) else _plain(literal))


def _plain(number: int | Decimal) -> str:
    """Without an exponent. `1e999999999` is eleven characters of JSON, and would be a billion digits."""
    if isinstance(number, Decimal):
        if number.is_finite() and abs(number.adjusted()) < MAX_DIGITS:
            return format(number, "f")
    elif number.bit_length() < 3 * MAX_DIGITS:
        return str(number)
    raise Unfit(f"has more than {MAX_DIGITS} digits")
