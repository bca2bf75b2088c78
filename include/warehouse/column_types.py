"""Column types that hold the same values on every dialect, exactly.

SQLite keeps numerics as binary floats and forgets a UTC offset, so both are stored there as text; a
read through SQLAlchemy gives back the very `Decimal` and aware `datetime` that were written. Text
numerics do not sort as numbers on SQLite: cast where an order matters.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mssql

_MSSQL: Any = mssql
"""Some constructors of the module carry no annotations."""

KEY_COLLATION = "Latin1_General_100_BIN2"
"""Of key columns on SQL Server: a server's usual collation would take `a` and `A` for one key."""

MAX_PRECISION = 38
"""Decimal digits of the widest numeric on SQL Server."""

MAX_SIZED_TEXT = 4000
"""UTF-16 units of the widest sized nvarchar; longer ones are nvarchar(max)."""

MAX_SIZED_BYTES = 8000
"""Bytes of the widest sized varbinary."""

EXACT = Context(prec=2 * MAX_PRECISION, traps=[Inexact, InvalidOperation])
"""Raises where a digit would be lost."""


class NumericText(sa.types.UserDefinedType[Decimal]):
    """A decimal kept as its canonical text; the affinity of the name is TEXT on SQLite."""

    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        self.precision = precision
        self.scale = scale

    def get_col_spec(self, **_: object) -> str:
        """The DDL, from which a comparison reads precision and scale back."""
        return f"NUMERIC_TEXT({self.precision}, {self.scale})"

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], str | None]:
        """Raises `decimal.Inexact` for a value with more decimals than the scale."""
        del dialect
        unit = Decimal(1).scaleb(-self.scale)
        return lambda value: None if value is None else format(Decimal(value).quantize(unit, context=EXACT), "f")

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Decimal | None]:
        """Back to the exact value."""
        del dialect, coltype
        return lambda value: None if value is None else Decimal(value)


class TimestampText(sa.types.UserDefinedType[datetime]):
    """An aware datetime kept as ISO text with its UTC offset."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The DDL; its affinity leaves text alone."""
        return "DATETIMEOFFSET_TEXT"

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], str | None]:
        """Six digits of a second, a blank between date and time."""
        del dialect
        return lambda value: None if value is None else value.isoformat(" ", "microseconds")

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Back to an aware value of the same offset."""
        del dialect, coltype
        return lambda value: None if value is None else datetime.fromisoformat(value)


class TinyInteger(sa.SmallInteger):
    """0 to 255: `tinyint` on SQL Server."""


def exact_numeric(precision: int, scale: int) -> sa.types.TypeEngine[Any]:
    """A numeric that never passes through a float."""
    return sa.Numeric(precision, scale).with_variant(NumericText(precision, scale), "sqlite")


def utc_timestamp() -> sa.types.TypeEngine[Any]:
    """A naive datetime in UTC with microseconds; plain `datetime` of SQL Server would cut them."""
    return sa.DateTime().with_variant(_MSSQL.DATETIME2(6), "mssql")


def key_text(length: int) -> sa.types.TypeEngine[Any]:
    """Text compared by code unit, as SQLite and Python compare it."""
    return sa.Unicode(length).with_variant(mssql.NVARCHAR(length, collation=KEY_COLLATION), "mssql")


def long_text() -> sa.types.TypeEngine[Any]:
    """Text without a bound; SQLAlchemy alone may render the deprecated ntext."""
    return sa.UnicodeText().with_variant(mssql.NVARCHAR(None), "mssql")


def portable(declared: sa.types.TypeEngine[Any], *, is_key: bool = False) -> sa.types.TypeEngine[Any] | None:
    """The form of a declared type that keeps its values on every dialect; None for a type not supported."""
    if isinstance(declared, sa.String) and not isinstance(declared, sa.Enum):
        return _portable_text(declared.length, is_key=is_key)
    return next((make(declared) for family, make in _FAMILIES if isinstance(declared, family)), None)


def _portable_text(length: int | None, *, is_key: bool) -> sa.types.TypeEngine[Any]:
    if length is None:
        return long_text()
    if is_key:
        return key_text(length)
    sized = length if length <= MAX_SIZED_TEXT else None
    return sa.Unicode(length).with_variant(mssql.NVARCHAR(sized), "mssql")


def _portable_numeric(declared: sa.Numeric[Any]) -> sa.types.TypeEngine[Any] | None:
    precision, scale = declared.precision, declared.scale or 0
    if precision is None or not 0 < precision <= MAX_PRECISION or not 0 <= scale <= precision:
        return None
    return exact_numeric(precision, scale)


def _portable_datetime(declared: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    if isinstance(declared, mssql.DATETIMEOFFSET) or getattr(declared, "timezone", False):
        aware = sa.DateTime(timezone=True).with_variant(TimestampText(), "sqlite")
        return aware.with_variant(_MSSQL.DATETIMEOFFSET(6), "mssql")
    return utc_timestamp()


def _portable_binary(length: int | None) -> sa.types.TypeEngine[Any]:
    sized: int | str = length if length is not None and length <= MAX_SIZED_BYTES else "max"
    return sa.LargeBinary(length).with_variant(_MSSQL.VARBINARY(sized), "mssql")


_FAMILIES: tuple[tuple[Any, Callable[[Any], sa.types.TypeEngine[Any] | None]], ...] = (
    ((sa.Enum, sa.Interval), lambda _: None),
    ((TinyInteger, mssql.TINYINT), lambda _: TinyInteger().with_variant(mssql.TINYINT(), "mssql")),
    (sa.SmallInteger, lambda _: sa.SmallInteger()),
    (sa.BigInteger, lambda _: sa.BigInteger()),
    (sa.Integer, lambda _: sa.Integer()),
    (sa.Float, lambda _: sa.Float(53)),
    (sa.Numeric, _portable_numeric),
    ((sa.Boolean, mssql.BIT), lambda _: sa.Boolean(create_constraint=False)),
    ((sa.DateTime, mssql.DATETIMEOFFSET), _portable_datetime),
    (sa.Date, lambda _: sa.Date()),
    (sa.Uuid, lambda _: sa.Uuid()),
    ((sa.LargeBinary, sa.VARBINARY, sa.BINARY), lambda declared: _portable_binary(declared.length)),
)
"""The first family that fits decides: subclasses stand before what they extend."""
