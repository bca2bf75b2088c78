from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.engine.model import NotedRows
from include.pipelines.xml.language.column_types import parse_type
from include.pipelines.xml.mapping.conversions import Unfit
from include.pipelines.xml.mapping.fitting import fitting

MapDocument = Callable[..., NotedRows]


@pytest.mark.parametrize(
    ("type_", "fits", "beyond", "message"),
    [
        ("string(3)", ["", "abc", "a\U0001f600"], ["7391", "ab\U0001f600"], "takes 3 UTF-16 units, got 4"),
        ("tinyint", [0, 255], [-1, 256, 10**30], "takes 0 to 255"),
        ("bigint", [-(2**63), 2**63 - 1], [2**64], "takes -9223372036854775808 to 9223372036854775807"),
        ("decimal(4,2)", [Decimal("-99.99"), Decimal(5)], [Decimal(100)], "takes finite numbers of 2 digits before"),
        ("decimal(4,2)", [Decimal("1.50")], [Decimal("1.501")], "takes 2 digits after the point"),
        ("float", [1e308], [float("inf")], "takes finite numbers"),
        (
            "datetimeoffset",
            [datetime(1, 1, 1, tzinfo=UTC)],
            [datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))],
            "takes datetimes whose UTC form is in the years 1 to 9999",
        ),
    ],
)
def test_what_fits_comes_back_and_what_does_not_is_unfit_and_not_quoted(
    type_: str, fits: list[Any], beyond: list[Any], message: str
) -> None:
    check = fitting(parse_type(type_))
    assert check is not None
    assert [check(value) for value in fits] == fits
    for value in beyond:
        with pytest.raises(Unfit, match=f"^{message}") as raised:
            check(value)
        assert str(value) not in str(raised.value)
        assert raised.value.__context__ is None


@pytest.mark.parametrize("type_", ["bit", "date", "datetime", "uuid"])
def test_types_that_hold_whatever_was_parsed_cost_nothing(type_: str) -> None:
    assert fitting(parse_type(type_)) is None


FLAG = {"name": "flag", "type": "bit", "calculate": "TRUE"}


def with_field(*field: Any) -> dict[str, Any]:
    return {"name": "t", "fields": [field[0] if len(field) == 1 else ("f", *field)], "columns": [("a", "A"), FLAG]}


CALCULATED = {"name": "f", "type": "string(3)", "calculate": "a"}
ITEMS = {
    "name": "t", "row_number": "n", "items": [{"name": "one", "path": "A"}, {"name": "two", "path": "B/@c"}],
    "fields": [{"name": "v", "type": "tinyint", "take": "item_value"}], "columns": [FLAG],
}  # fmt: skip
GROUPS = {
    "name": "t", "row_number": "n", "groups": ["1", "2"],
    "fields": [("v", "G{group}/V", "string(3)")], "columns": [("a", "A"), FLAG],
}  # fmt: skip


@pytest.mark.parametrize(
    ("document", "table", "message"),
    [
        ("<Doc><F>7391</F></Doc>", with_field("F", "string(3)"), "t.f (F): takes 3 UTF-16 units, got 4"),
        ("<Doc><F>7391</F></Doc>", with_field("F", "tinyint"), "t.f (F): takes 0 to 255"),
        ("<Doc><F>7.391</F></Doc>", with_field("F", "decimal(9,2)"), "t.f (F): takes 2 digits after the point"),
        (
            "<Doc><F>7391</F></Doc>",
            with_field("F", "tinyint", {"unparsable": "null"}),
            "t.f (F): takes 0 to 255",
        ),
        (
            "<Doc><F>7391</F></Doc>",
            with_field("F", "string(3)", {"steps": ["digits", {"lookup": {"1": "x"}, "otherwise": "keep"}]}),
            "t.f (F): takes 3 UTF-16 units, got 4",
        ),
        ("<Doc><A>7391</A></Doc>", with_field(CALCULATED), "t.f: takes 3 UTF-16 units, got 4"),
        ('<Doc><A>1</A><B c="7391"/></Doc>', ITEMS, "t.v (B/@c): takes 0 to 255"),
        (
            "<Doc><A>x</A><G1><V>abc</V></G1><G2><V>7391</V></G2></Doc>",
            GROUPS,
            "t.v (G2/V): takes 3 UTF-16 units, got 4",
        ),
    ],
)
def test_a_value_that_no_table_checks_is_a_reject_that_names_field_and_path(
    rows_of: MapDocument, document: str, table: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecordRejected) as raised:
        rows_of(document, table)
    assert raised.value.code == "xml.value"
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("document", "table"),
    [
        ("<Doc><F>7391</F></Doc>", with_field("F", "string(3)", {"too_long": "truncate"})),
        ("<Doc><A>7391</A></Doc>", with_field({**CALCULATED, "too_long": "truncate"})),
    ],
)
def test_a_field_that_may_be_cut_is_cut_and_counted(rows_of: MapDocument, document: str, table: dict[str, Any]) -> None:
    rows = rows_of(document, table)
    assert rows["t"][0][-1] is True
    assert rows.warnings == {"truncated t.f": 1}
