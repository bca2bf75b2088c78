# ruff: noqa: DTZ001 - naive datetimes are among the values under test
from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from include.engine.errors import RecordRejected
from include.engine.model import Outcome, Settlement
from include.warehouse.column_types import TinyInteger
from include.warehouse.connection import Warehouse
from include.warehouse.encoders import encoder
from include.warehouse.fit import Fitter
from include.warehouse.target import Target
from tests.include.warehouse.toy_people import Loading, fetch, people, person_rows

INDIA = timezone(timedelta(hours=5, minutes=30))
WIDE = Decimal("12345678901234567890123456789012345.678")

GOOD: list[tuple[sa.types.TypeEngine[Any], list[Any]]] = [
    (sa.String(4), ["", "abcd", "é😀x", "a'b", "%s%d", " x ", "\r\n\t", "\x01\x1f", "[]{}", '"\\', "z  "]),
    (sa.Text(), ["", "x" * 100_000, "😀" * 3000, "﷽\U0010ffff", "<a>&amp;</a>"]),
    (TinyInteger(), [0, 255]),
    (sa.SmallInteger(), [-32768, 32767]),
    (sa.Integer(), [-(2**31), 2**31 - 1]),
    (sa.BigInteger(), [-(2**63), 2**63 - 1, 2**53 + 1]),
    (sa.Numeric(12, 2), [Decimal("9999999999.99"), Decimal("-0.01"), Decimal("1E+3"), Decimal("1.500"), 7]),
    (sa.Numeric(38, 3), [WIDE, -WIDE, Decimal("0.001")]),
    (sa.Numeric(38, 38), [Decimal("0." + "1" * 38)]),
    (sa.Boolean(), [True, False]),
    (sa.Date(), [date(1, 1, 1), date(9999, 12, 31)]),
    (sa.DateTime(), [datetime(1, 1, 1), datetime(2024, 2, 29, 23, 59, 59, 999999), datetime(2024, 1, 1, 0, 0, 0, 3)]),
    (sa.DateTime(timezone=True), [datetime(2024, 5, 6, 7, 8, 9, 123456, INDIA)]),
    (sa.Uuid(), [UUID(int=0), UUID("12345678-1234-5678-1234-567812345678")]),
    (sa.LargeBinary(), [b"", b"\x00\xff'%s", bytes(range(256)) * 40]),
    (sa.Float(), [0.1, -1e300, 5e-324, 0.0]),
]
BAD: list[tuple[sa.types.TypeEngine[Any], Any, str]] = [
    (sa.String(4), "abcde", "fit.too_long"),
    (sa.String(4), "😀😀x", "fit.too_long"),
    (sa.String(4), 5, "fit.type"),
    (sa.String(4), "a\0b", "fit.nul"),
    (sa.Text(), "\ud800", "fit.surrogate"),
    (TinyInteger(), -1, "fit.out_of_range"),
    (TinyInteger(), 256, "fit.out_of_range"),
    (sa.SmallInteger(), 32768, "fit.out_of_range"),
    (sa.Integer(), 2**31, "fit.out_of_range"),
    (sa.Integer(), True, "fit.type"),
    (sa.Integer(), "1", "fit.type"),
    (sa.BigInteger(), 2**63, "fit.out_of_range"),
    (sa.Numeric(4, 2), Decimal("100"), "fit.out_of_range"),
    (sa.Numeric(4, 2), Decimal("1.005"), "fit.scale"),
    (sa.Numeric(4, 2), Decimal("NaN"), "fit.out_of_range"),
    (sa.Numeric(4, 2), Decimal("-Infinity"), "fit.out_of_range"),
    (sa.Numeric(4, 2), 1.5, "fit.type"),
    (sa.Boolean(), 1, "fit.type"),
    (sa.Date(), datetime(2024, 1, 1), "fit.type"),
    (sa.DateTime(), date(2024, 1, 1), "fit.type"),
    (sa.DateTime(), datetime(2024, 1, 1, tzinfo=INDIA), "fit.type"),
    (sa.DateTime(timezone=True), datetime(2024, 1, 1), "fit.type"),
    (sa.DateTime(timezone=True), datetime(2024, 1, 1, tzinfo=timezone(timedelta(seconds=30))), "fit.out_of_range"),
    (sa.DateTime(timezone=True), datetime(1, 1, 1, tzinfo=INDIA), "fit.out_of_range"),
    (sa.Uuid(), "12345678-1234-5678-1234-567812345678", "fit.type"),
    (sa.LargeBinary(3), b"1234", "fit.too_long"),
    (sa.LargeBinary(), "text", "fit.type"),
    (sa.Float(), float("nan"), "fit.out_of_range"),
    (sa.Float(), 1, "fit.type"),
]


def babelfish_mangles(value: Any) -> bool:
    """Its OPENJSON leaves escapes and base64 as they are, and cuts nvarchar(max) at 4,000; SQL Server's does not."""
    if isinstance(value, str):
        return len(value) > 2000 or json.dumps(value, ensure_ascii=False) != f'"{value}"'
    return isinstance(value, bytes)


def matrix(type_: sa.types.TypeEngine[Any], *, nullable: bool = True) -> Target:
    columns = [sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", type_, nullable=nullable)]
    return Target("matrix", "id", [sa.Table("matrix", sa.MetaData(), *columns)])


@pytest.mark.parametrize(("type_", "values"), GOOD, ids=lambda case: repr(case)[:30])
def test_every_value_and_null_come_back_exactly(
    warehouse: Warehouse, load: Callable[..., Loading], type_: sa.types.TypeEngine[Any], values: list[Any]
) -> None:
    if warehouse.name == "mssql" and "Babelfish" in str(fetch(warehouse, "SELECT @@version")):
        values = [value for value in values if not babelfish_mangles(value)]
    target = matrix(type_)
    fitter = Fitter(target, warehouse.name)
    rows = list(enumerate([*values, None]))
    settled = [Settlement(key, Outcome.WRITTEN, rows=fitter({"matrix": [(key, value)]}, key)) for key, value in rows]
    receipt = load(target).commit(*settled)
    assert receipt.written == len(rows)
    table = target.table("matrix")
    query = sa.select(table).order_by(table.c.id)
    found = warehouse.transact("read", lambda connection: connection.execute(query).all(), write=False)
    assert [tuple(row) for row in found] == rows
    kinds = [type(row.value) for row, (_, value) in zip(found, rows, strict=True) if type(value) is not int]
    assert kinds == [type(value) for _, value in rows if type(value) is not int]


@pytest.mark.parametrize("dialect", ["sqlite", "mssql"])
@pytest.mark.parametrize(("type_", "value", "code"), BAD)
def test_what_a_column_cannot_hold_is_rejected_by_name(
    dialect: str, type_: sa.types.TypeEngine[Any], value: Any, code: str
) -> None:
    with pytest.raises(RecordRejected, match=r"matrix\.value") as caught:
        Fitter(matrix(type_), dialect)({"matrix": [(1, value)]})
    assert caught.value.code == code


def test_a_required_column_refuses_null() -> None:
    with pytest.raises(RecordRejected, match=r"matrix\.value is required"):
        Fitter(matrix(sa.Integer(), nullable=False), "sqlite")({"matrix": [(1, None)]})


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ({"unknown": [(1,)]}, "fit.unknown_table"),
        ({"person": [(1, "Ada")]}, "fit.row_width"),
        (person_rows(2), "fit.key"),
    ],
)
def test_rows_that_do_not_fit_their_tables_are_rejected(rows: Any, code: str) -> None:
    with pytest.raises(RecordRejected) as caught:
        Fitter(people(), "sqlite")(rows, 1)
    assert caught.value.code == code


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_a_decimal_is_kept_exactly_or_rejected(value: Decimal) -> None:
    encode = encoder(matrix(sa.Numeric(20, 3)).table("matrix").c.value, "sqlite")
    try:
        wire = encode(value)
    except RecordRejected:
        assert abs(value) >= Decimal(10) ** 17 or value != value.quantize(Decimal("0.001"))
    else:
        assert Decimal(str(wire)) == value


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12))
def test_text_is_counted_in_utf_16_units(value: str) -> None:
    encode = encoder(matrix(sa.String(8)).table("matrix").c.value, "sqlite")
    fits = len(value.encode("utf-16-le")) <= 16
    if fits:
        assert encode(value) == value
    else:
        with pytest.raises(RecordRejected, match="takes 8 UTF-16 units"):
            encode(value)
