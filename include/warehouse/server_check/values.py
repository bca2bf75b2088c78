"""Values at the ends of what columns hold: by type, those that must come back exactly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from include.warehouse.column_types import TinyInteger, portable
from include.warehouse.encoders import value_encoder
from include.warehouse.loaders.mssql import MssqlLoader
from include.warehouse.loaders.mssql_rivals import unqualified
from include.warehouse.loaders.mssql_server import drop_temporary

Type = sa.types.TypeEngine[Any]

INDIA = timezone(timedelta(hours=5, minutes=30))
WIDE = Decimal("12345678901234567890123456789012345.678")
PLANES = "".join(chr((plane << 16) + 0x0A01) for plane in range(17))
"""A character of each of Unicode's planes."""
CONTROLS = "".join(map(chr, range(1, 32))) + "\x7f\x85\u2028\ufffe\uffff"
"""All but NUL, which no column of text keeps for sure: it is rejected."""
TEN_MEGABYTES = "<a b='c'>ten megabytes, two bytes a letter</a>\r\n" * 111_107

NAIVE = [
    datetime.fromisoformat(text)
    for text in ("0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "2024-02-29T23:59:59.000003")
]
"""Python has six digits of a second: a seventh, which datetime2(7) could hold, cannot come."""

EXACT: list[tuple[Type, list[Any]]] = [
    (sa.String(4), ["", "abcd", "é😀x", "a'b", "%s%d", " x ", "\r\n\t", "\x01\x1f", "[]{}", '"\\', "z  ", "😀😀"]),
    (sa.String(4000), ["x" * 4000, "😀" * 2000]),
    (sa.Text(), ["", PLANES, CONTROLS, "x" * 100_000, "😀" * 3000, "﷽\U0010ffff", "<a>&amp;</a>", TEN_MEGABYTES]),
    (TinyInteger(), [0, 255]),
    (sa.SmallInteger(), [-32768, 32767]),
    (sa.Integer(), [-(2**31), 2**31 - 1]),
    (sa.BigInteger(), [-(2**63), 2**63 - 1, 2**53 + 1]),
    (sa.Numeric(12, 2), [Decimal("9999999999.99"), Decimal("-0.01"), Decimal("1E+3"), Decimal("1.500"), 7]),
    (sa.Numeric(38, 3), [WIDE, -WIDE, Decimal("0.001")]),
    (sa.Numeric(38, 0), [Decimal(10**38 - 1), Decimal(1 - 10**38)]),
    (sa.Numeric(38, 38), [Decimal("0." + "1" * 38)]),
    (sa.Boolean(), [True, False]),
    (sa.Date(), [date(1, 1, 1), date(9999, 12, 31)]),
    (sa.DateTime(), NAIVE),
    (
        sa.DateTime(timezone=True),
        [
            datetime(2024, 5, 6, 7, 8, 9, 123456, INDIA),
            datetime(1, 1, 1, 14, tzinfo=timezone(timedelta(hours=14))),
            datetime(9999, 12, 31, 9, 59, 59, 999999, tzinfo=timezone(timedelta(hours=-14))),
        ],
    ),
    (sa.Uuid(), [UUID(int=0), UUID("12345678-1234-5678-1234-567812345678"), UUID(int=2**128 - 1)]),
    (sa.LargeBinary(), [b"", b"\x00\xff'%s", bytes(range(256)) * 40]),
    (sa.LargeBinary(8000), [b"\xff" * 8000]),
    (sa.Float(), [0.1, -1e300, 2.2250738585072014e-308, 1.7976931348623157e308, 0.0]),
]

TOO_MUCH: list[tuple[Type, Any]] = [
    (sa.String(4), "abcde"),
    (sa.String(4), "😀😀x"),
    (TinyInteger(), 256),
    (sa.SmallInteger(), 32768),
    (sa.Integer(), 2**31),
    (sa.BigInteger(), 2**63),
    (sa.Numeric(4, 2), "100.00"),
    (sa.Date(), "10000-01-01"),
    (sa.LargeBinary(3), "MTIzNA=="),
]
"""Wire values one over the limit: workers reject them before, and the server must refuse them rather than cut."""


def matrix(type_: Type) -> sa.Table:
    """A temporary table of one column of this type."""
    value = sa.Column("value", portable(type_) or type_, nullable=True)
    return sa.Table("#headrace_matrix", sa.MetaData(), sa.Column("id", sa.Integer, nullable=False), value)


def differences(type_: Type, values: Sequence[Any], connection: sa.Connection) -> list[str]:
    """What did not come back as it was sent, in words: a value may be megabytes."""
    table = matrix(type_)
    encode = value_encoder(table.c.value, "mssql")
    sent = [*values, None]
    rows = [(at, None if value is None else encode(value)) for at, value in enumerate(sent)]
    table.create(connection)
    MssqlLoader(unqualified).insert(connection, table, rows)
    found = dict(connection.execute(sa.select(table.c.id, table.c.value)).all())
    connection.exec_driver_sql(drop_temporary(table.name))
    wrong = [value for at, value in enumerate(sent) if at not in found or not _same(value, found[at])]
    return [f"{described(type_, connection.dialect)}: {_kind(value)} came back otherwise" for value in wrong]


def _same(sent: Any, found: Any) -> bool:  # noqa: ANN401 - values of any type
    # An integer in a column of numerics comes back as a Decimal.
    return bool(found == sent) and (type(sent) is int or type(found) is type(sent))


def is_refused(type_: Type, wire: Any, connection: sa.Connection) -> bool:  # noqa: ANN401 - a wire value of any type
    """Whether the server takes no value that is larger than its column. The table goes with the session."""
    table = matrix(type_)
    table.create(connection)
    try:
        MssqlLoader(unqualified).insert(connection, table, [(1, wire)])
    except sa.exc.DBAPIError:
        return True
    return False


def described(type_: Type, dialect: sa.Dialect) -> str:
    """As DDL has it."""
    return str(matrix(type_).c.value.type.compile(dialect=dialect))


def _kind(value: Any) -> str:  # noqa: ANN401 - a value of any type
    if isinstance(value, str | bytes):
        return f"{type(value).__name__} of {len(value)}" + ("" if len(value) > 20 else f" ({value!a})")
    return repr(value)
