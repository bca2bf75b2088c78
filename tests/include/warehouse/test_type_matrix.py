# ruff: noqa: DTZ001 - naive datetimes are among the values under test
from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

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
from include.warehouse.server_check.check import ServerCheck
from include.warehouse.server_check.values import EXACT, INDIA, TOO_MUCH
from include.warehouse.target import Target
from tests.fixtures.t_sql_server import is_babelfish, server_warehouse
from tests.include.warehouse.toy_people import Loading, people, person_rows

# SQL Server has no subnormal floats; SQLite does.
GOOD = [*EXACT, (sa.Float(), [5e-324])]
BAD: list[tuple[sa.types.TypeEngine[Any], Any, str]] = [
    (sa.String(4), "abcde", "fit.too_long"),
    (sa.String(4), "😀😀x", "fit.too_long"),
    (sa.String(4), 5, "fit.type"),
    (sa.String(4), "a\0b", "fit.nul"),
    (sa.Text(), "\ud800", "fit.surrogate"),
    (TinyInteger(), -1, "fit.out_of_range"),
    (TinyInteger(), 256, "fit.out_of_range"),
    (sa.String(4000), "x" * 4001, "fit.too_long"),
    (sa.SmallInteger(), 32768, "fit.out_of_range"),
    (sa.SmallInteger(), -32769, "fit.out_of_range"),
    (sa.Integer(), 2**31, "fit.out_of_range"),
    (sa.Integer(), -(2**31) - 1, "fit.out_of_range"),
    (sa.Integer(), True, "fit.type"),
    (sa.Integer(), "1", "fit.type"),
    (sa.BigInteger(), 2**63, "fit.out_of_range"),
    (sa.BigInteger(), -(2**63) - 1, "fit.out_of_range"),
    (sa.Numeric(38, 0), Decimal(10**38), "fit.out_of_range"),
    (sa.Numeric(38, 38), Decimal("0." + "1" * 39), "fit.scale"),
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
    (sa.DateTime(timezone=True), datetime(2024, 1, 1, tzinfo=timezone(timedelta(minutes=841))), "fit.out_of_range"),
    (sa.DateTime(timezone=True), datetime(1, 1, 1, tzinfo=INDIA), "fit.out_of_range"),
    (sa.Uuid(), "12345678-1234-5678-1234-567812345678", "fit.type"),
    (sa.LargeBinary(3), b"1234", "fit.too_long"),
    (sa.LargeBinary(), "text", "fit.type"),
    (sa.Float(), float("nan"), "fit.out_of_range"),
    (sa.Float(), float("-inf"), "fit.out_of_range"),
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
    if warehouse.name == "mssql":
        values = [value for value in values if value != 5e-324]
        if is_babelfish(warehouse):
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


@pytest.mark.parametrize("value", [5e-324, -2.2250738585072009e-308])
def test_a_float_too_small_for_sql_server_is_rejected_rather_than_made_zero(value: float) -> None:
    assert Fitter(matrix(sa.Float()), "sqlite")({"matrix": [(1, value)]})["matrix"] == [(1, value)]
    with pytest.raises(RecordRejected, match=r"matrix\.value takes 0 and numbers from 2\.23E-308 on") as caught:
        Fitter(matrix(sa.Float()), "mssql")({"matrix": [(1, value)]})
    assert caught.value.code == "fit.out_of_range"


@pytest.mark.parametrize("control", [chr(code) for code in (0, 1, 8, 9, 10, 13, 31, 127)], ids=ascii)
def test_of_control_characters_nul_alone_is_rejected_and_named(control: str) -> None:
    rows = {"matrix": [(1, f"a{control}b")]}
    if control != "\0":
        assert Fitter(matrix(sa.String(4)), "mssql")(rows) == rows | {"matrix": [(1, f"a{control}b")]}
        return
    with pytest.raises(RecordRejected, match=r"matrix\.value has a NUL character") as caught:
        Fitter(matrix(sa.String(4)), "mssql")(rows)
    assert caught.value.code == "fit.nul"


@pytest.mark.mssql
@pytest.mark.parametrize(("type_", "wire"), TOO_MUCH, ids=repr)
def test_the_server_refuses_what_is_over_a_limit_and_never_cuts(type_: sa.types.TypeEngine[Any], wire: Any) -> None:
    """The second guard: workers reject all of these before."""
    server = server_warehouse()
    if isinstance(type_, sa.Date) and is_babelfish(server):
        pytest.skip("Babelfish's dates go on after the year 9999")
    if isinstance(type_, sa.LargeBinary) and is_babelfish(server):
        pytest.skip("Babelfish's OPENJSON leaves base64 as it is")
    assert ServerCheck(server, io.StringIO()).refuses(type_, wire)


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
