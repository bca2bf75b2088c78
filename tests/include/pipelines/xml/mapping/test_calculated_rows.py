from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.engine.model import NotedRows

MapDocument = Callable[..., NotedRows]


def formula(name: str, text: str, type_: str = "int", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "calculate": text, **more}


def test_formulas_use_columns_fields_defaults_and_each_other_in_whatever_order_they_stand(
    rows_of: MapDocument,
) -> None:
    table = {
        "name": "t",
        "columns": [
            formula("c", "CASE WHEN b = 1 THEN 10 ELSE 20 END"),
            formula("b", "CASE WHEN A IS NULL THEN NULL WHEN f = 'y' THEN 1 ELSE 2 END", default=1),
            ("a", "A", "int", {"default": 5}),
        ],
        "fields": [("f", "F")],
    }
    assert rows_of("<Doc><F>y</F></Doc>", table) == {"t": [(1, 10, 1, 5)]}
    assert rows_of("<Doc><F>n</F></Doc>", table) == {"t": [(1, 20, 2, 5)]}


def test_a_formula_sees_the_rows_of_all_ancestors_and_the_keys_that_come_down(rows_of: MapDocument) -> None:
    document = """<Doc v="d"><A v="1"><B v="p"><C/></B></A><A v="2"><B v="q"><C/><C/></B></A></Doc>"""
    tables = (
        {"name": "base", "columns": [("v", "@v")]},
        {"name": "a", "parent": "base", "rows": "A", "row_number": "a_no", "columns": [("v", "@v")]},
        {"name": "b", "parent": "a", "rows": "B", "row_number": "b_no", "columns": [("v", "@v")]},
        {
            "name": "c", "parent": "b", "rows": "C", "row_number": "c_no",
            "columns": [
                formula("from_base", "base.v", "string(5)"),
                formula("from_a", "a.v", "string(5)"),
                formula("from_b", "B.V", "string(5)"),
                formula("numbers", "CASE WHEN a_no = 2 AND b.b_no = 1 THEN doc_id END", "bigint"),
            ],
        },
    )  # fmt: skip
    assert rows_of(document, *tables, record_key=9)["c"] == [
        (9, 1, 1, 1, "d", "1", "p", None), (9, 2, 1, 1, "d", "2", "q", 9), (9, 2, 1, 2, "d", "2", "q", 9),
    ]  # fmt: skip


def test_a_table_of_one_row_a_record_can_be_used_everywhere_and_is_null_where_it_has_none(
    rows_of: MapDocument,
) -> None:
    side = {"name": "side", "write": "filled", "columns": [("v", "Side", "int"), ("w", "W", "int", {"default": 4})]}
    other = {"name": "other", "columns": [formula("v", "side.v"), formula("w", "side.w")]}
    assert rows_of("<Doc><Side>7</Side></Doc>", other, side)["other"] == [(1, 7, 4)]
    assert rows_of("<Doc/>", other, side) == {"other": [(1, None, None)]}


def test_the_row_that_is_kept_of_several_can_be_used(rows_of: MapDocument) -> None:
    main = {
        "name": "main", "rows": "C", "primary_key": ["doc_id"], "duplicates": "priority",
        "where": [{"path": "@t", "in": ["a", "b"]}],
        "columns": [("v", "V"), formula("upper", "CASE WHEN v = 'x' THEN 1 ELSE 2 END")],
    }  # fmt: skip
    other = {"name": "other", "columns": [formula("v", "main.v", "string(5)"), formula("u", "main.upper")]}
    document = "<Doc><C t='b'><V>x</V></C><C t='a'><V>y</V></C><C t='a'><V>z</V></C></Doc>"
    assert rows_of(document, other, main) == {"other": [(1, "y", 2)], "main": [(1, "y", 2)]}
    assert rows_of("<Doc/>", other, main) == {"other": [(1, None, None)]}


def test_parents_may_use_a_childs_only_row_and_the_child_its_parents_formula(rows_of: MapDocument) -> None:
    base = {"name": "base", "columns": [formula("up", "detail.down"), ("a", "A", "int")]}
    detail = {"name": "detail", "parent": "base", "columns": [formula("down", "base.a")]}
    assert rows_of("<Doc><A>3</A></Doc>", base, detail) == {"base": [(1, 3, 3)], "detail": [(1, 3)]}


def test_a_calculated_key_is_carried_down(rows_of: MapDocument) -> None:
    parent = {
        "name": "p", "rows": "P", "primary_key": ["doc_id", "code"],
        "columns": [formula("code", "CASE WHEN v = 'x' THEN 1 ELSE 2 END", required=True), ("v", "@v")],
    }  # fmt: skip
    child = {"name": "c", "parent": "p", "rows": "C", "row_number": "n", "columns": [formula("same", "code")]}
    rows = rows_of("<Doc><P v='y'><C/></P><P v='x'><C/></P></Doc>", parent, child)
    assert rows["c"] == [(1, 2, 1, 2), (1, 1, 1, 1)]


def test_a_calculated_value_that_is_required_and_missing_rejects_by_column(rows_of: MapDocument) -> None:
    table = {"name": "t", "columns": [formula("v", "a", required=True), ("a", "A", "int")]}
    with pytest.raises(RecordRejected, match=r"t\.v: required"):
        rows_of("<Doc/>", table)


def test_what_cannot_be_calculated_rejects_by_column_and_quotes_nothing(rows_of: MapDocument) -> None:
    table = {"name": "t", "columns": [formula("v", "DATEADD(year, 9000, a)", "date"), ("a", "A", "date")]}
    assert rows_of("<Doc/>", table) == {"t": [(1, None, None)]}
    with pytest.raises(RecordRejected) as raised:
        rows_of("<Doc><A>2024-02-29</A></Doc>", table)
    assert raised.value.message.startswith("t.v: ")
    assert "2024" not in raised.value.message
    table = {"name": "t", "columns": [formula("v", "DATEADD(year, 1, a)", "date"), ("a", "A", "date")]}
    assert rows_of("<Doc><A>2024-02-29</A></Doc>", table)["t"][0][1] == date(2025, 2, 28)


def test_calculated_text_that_is_too_long_is_cut_and_counted_where_the_column_says_so(rows_of: MapDocument) -> None:
    table = {"name": "t", "columns": [formula("v", "a", "string(2)", too_long="truncate"), ("a", "A")]}
    rows = rows_of("<Doc><A>xyz</A></Doc>", table)
    assert rows == {"t": [(1, "xy", "xyz")]}
    assert rows.warnings == {"truncated t.v": 1}


def test_where_a_cut_leaves_nothing_the_default_is_taken(rows_of: MapDocument) -> None:
    table = {
        "name": "t",
        "columns": [
            formula("c", "a", "string(1)", too_long="truncate", default="-", nullable=False),
            ("a", "A", "string(9)"),
        ],
    }
    rows = rows_of("<Doc><A>\U0001f600x</A></Doc>", table)
    assert rows == {"t": [(1, "-", "\U0001f600x")]}
    assert rows.warnings == {"truncated t.c": 1}
