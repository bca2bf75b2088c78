"""From Python values to what a driver is given, checked: one closure a column, made once."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal, Inexact, InvalidOperation
from math import isfinite
from sys import float_info
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from include.engine.errors import RecordRejected
from include.warehouse.column_types import EXACT, TinyInteger

Wire = None | int | str | float | bytes
"""What loaders take: JSON scalars, and bytes on SQLite."""

Encoder = Callable[[Any], Wire]

SOURCE_PATH = "source_path"
"""In a declared column's `info`: where its values stand in the source's records, for messages."""

_INTEGER_BOUNDS: tuple[tuple[type[Any], int, int], ...] = (
    (TinyInteger, 0, 255),
    (sa.SmallInteger, -(2**15), 2**15 - 1),
    (sa.BigInteger, -(2**63), 2**63 - 1),
    (sa.Integer, -(2**31), 2**31 - 1),
)


def timestamp_separator(dialect: str) -> str:
    """SQLAlchemy reads a blank on SQLite; the ISO form means the same under every language of SQL Server."""
    return " " if dialect == "sqlite" else "T"


def wire_timestamp(moment: datetime, dialect: str) -> str:
    """Of the house's own tables."""
    return moment.isoformat(timestamp_separator(dialect), "microseconds")


def encoder(column: sa.Column[Any], dialect: str) -> Encoder:
    """Checks one column's values and turns them into wire values; raises `RecordRejected` (`fit.…`).

    Text and integers stay as they are. Safe to call from many threads at once.
    """
    encode = value_encoder(column, dialect)
    if column.nullable:
        return lambda value: None if value is None else encode(value)
    place = _place(column)

    def required(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if value is None:
            raise RecordRejected("fit.null", f"{place} is required")
        return encode(value)

    return required


def value_encoder(column: sa.Column[Any], dialect: str) -> Encoder:
    """As `encoder`, for values that are known not to be None."""
    for family, make in _MAKERS:
        if isinstance(column.type, family):
            return make(column.type, _place(column), dialect)
    raise AssertionError(f"{_place(column)}: Target accepts no {column.type!r}")


def integer_bounds(type_: sa.types.TypeEngine[Any]) -> tuple[int, int]:
    """The lowest and the highest value."""
    return next((low, high) for family, low, high in _INTEGER_BOUNDS if isinstance(type_, family))


def text_limit(type_: sa.String) -> int:
    """In UTF-16 units."""
    return type_.length if type_.length is not None else 2**30


def _place(column: sa.Column[Any]) -> str:
    path = column.info.get(SOURCE_PATH)
    return f"{column.table.name}.{column.name}{f' ({path})' if path else ''}"


def _wrong_type(place: str, wanted: str, value: object) -> RecordRejected:
    return RecordRejected("fit.type", f"{place} takes {wanted}, not {type(value).__name__}")


def _out_of_range(place: str, wanted: str) -> RecordRejected:
    return RecordRejected("fit.out_of_range", f"{place} takes {wanted}")


def _integer(type_: sa.types.TypeEngine[Any], place: str, dialect: str) -> Encoder:
    del dialect
    low, high = integer_bounds(type_)

    def encode(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if type(value) is int:
            if low <= value <= high:
                return value
            raise _out_of_range(place, f"{low} to {high}")
        raise _wrong_type(place, "int", value)

    return encode


def _text(type_: sa.String, place: str, dialect: str) -> Encoder:
    del dialect
    limit = text_limit(type_)

    def encode(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if type(value) is not str:
            raise _wrong_type(place, "str", value)
        if value.isascii():
            units = len(value)
        else:
            try:
                units = len(value.encode("utf-16-le")) // 2
            except UnicodeEncodeError:
                raise RecordRejected("fit.surrogate", f"{place} has half of a surrogate pair") from None
        if units > limit:
            raise RecordRejected("fit.too_long", f"{place} takes {limit} UTF-16 units, got {units}")
        if "\0" in value:
            raise RecordRejected("fit.nul", f"{place} has a NUL character")
        return value

    return encode


def _numeric(type_: sa.Numeric[Any], place: str, dialect: str) -> Encoder:
    del dialect
    precision, scale = type_.precision or 0, type_.scale or 0
    unit = Decimal(1).scaleb(-scale)
    above = Decimal(10) ** (precision - scale)
    below = -above
    zero = format(unit - unit, "f")
    quantize = EXACT.quantize
    # `str` costs half, and writes an exponent only where more than six zeros follow the point.
    to_text: Callable[[Decimal], str] = str if scale <= 6 else lambda value: format(value, "f")

    def encode(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if type(value) is int:
            value = Decimal(value)
        elif type(value) is not Decimal:
            raise _wrong_type(place, "Decimal", value)
        if not value.is_finite() or not below < value < above:
            raise _out_of_range(place, f"finite numbers of {precision - scale} digits before the point")
        if not value:
            return zero  # also for minus zero
        try:
            return to_text(quantize(value, unit))
        except (Inexact, InvalidOperation):
            raise RecordRejected("fit.scale", f"{place} takes {scale} digits after the point") from None

    return encode


def _boolean(type_: sa.Boolean, place: str, dialect: str) -> Encoder:
    del type_, dialect

    def encode(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if value is True:
            return 1
        if value is False:
            return 0
        raise _wrong_type(place, "bool", value)

    return encode


def _date(type_: sa.Date, place: str, dialect: str) -> Encoder:
    del type_, dialect

    def encode(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if type(value) is date:
            return value.isoformat()
        raise _wrong_type(place, "date", value)

    return encode


def _datetime(type_: sa.DateTime, place: str, dialect: str) -> Encoder:
    separator = timestamp_separator(dialect)
    if type_.timezone:
        return _aware(place, separator)

    def encode(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if not isinstance(value, datetime):
            raise _wrong_type(place, "datetime", value)
        if value.tzinfo is not None:
            raise _wrong_type(place, "a datetime without a UTC offset", value)
        return value.isoformat(separator, "microseconds")

    return encode


def _aware(place: str, separator: str) -> Encoder:
    minute, most = timedelta(minutes=1), timedelta(hours=14)

    def encode(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if not isinstance(value, datetime):
            raise _wrong_type(place, "datetime", value)
        offset = value.utcoffset()
        if offset is None:
            raise _wrong_type(place, "a datetime with a UTC offset", value)
        if offset % minute or not -most <= offset <= most:
            raise _out_of_range(place, "UTC offsets of whole minutes up to 14 hours")
        try:
            value - offset  # SQL Server holds the UTC form, which has the same ends
        except OverflowError:
            raise _out_of_range(place, "datetimes whose UTC form is in the years 1 to 9999") from None
        return value.isoformat(separator, "microseconds")

    return encode


def _uuid(type_: sa.Uuid[Any], place: str, dialect: str) -> Encoder:
    del type_
    as_hex = dialect == "sqlite"

    def encode(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if type(value) is not UUID:
            raise _wrong_type(place, "UUID", value)
        return value.hex if as_hex else str(value)

    return encode


def _binary(type_: sa.LargeBinary, place: str, dialect: str) -> Encoder:
    limit = type_.length if type_.length is not None else 2**31 - 1
    as_bytes = dialect == "sqlite"

    def encode(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if not isinstance(value, bytes | bytearray | memoryview):
            raise _wrong_type(place, "bytes", value)
        content = bytes(value)
        if len(content) > limit:
            raise RecordRejected("fit.too_long", f"{place} takes {limit} bytes, got {len(content)}")
        return content if as_bytes else base64.b64encode(content).decode("ascii")

    return encode


def _float(type_: sa.Float[Any], place: str, dialect: str) -> Encoder:
    del type_
    # SQL Server has no subnormal numbers, and takes one for 0 or refuses its statement.
    smallest = 0.0 if dialect == "sqlite" else float_info.min

    def encode(value: Any) -> Wire:  # noqa: ANN401 - any value may come
        if type(value) is not float:
            raise _wrong_type(place, "float", value)
        if not isfinite(value):
            raise _out_of_range(place, "finite numbers")
        if value and abs(value) < smallest:
            raise _out_of_range(place, "0 and numbers from 2.23E-308 on")
        return value

    return encode


_MAKERS: tuple[tuple[Any, Callable[[Any, str, str], Encoder]], ...] = (
    (sa.String, _text),
    (sa.Integer, _integer),
    (sa.Float, _float),
    (sa.Numeric, _numeric),
    (sa.Boolean, _boolean),
    (sa.DateTime, _datetime),
    (sa.Date, _date),
    (sa.Uuid, _uuid),
    (sa.LargeBinary, _binary),
)
