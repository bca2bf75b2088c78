from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.engine.model import NotedRows

MapDocument = Callable[..., NotedRows]

FILLED = {"name": "t", "write": "filled"}


@pytest.mark.parametrize(
    ("document", "columns", "rows"),
    [
        ("<Doc/>", [("a", "A")], []),
        ("<Doc><A/></Doc>", [("a", "A", "int", {"default": 7})], []),
        ("<Doc><A>0</A></Doc>", [("a", "A", "int", {"default": 0})], [(1, 0)]),
        ("<Doc><A>1</A></Doc>", [("a", "A", "int", {"fills": False}), ("b", "B")], []),
        ("<Doc><A>x</A></Doc>", [("a", "A", "int", {"unparsable": "null", "default": 3})], []),
        ("<Doc><A/></Doc>", [("a", "A", "text", {"empty": "text"})], [(1, "")]),
        ("<Doc/>", [{"name": "c", "type": "int", "constant": 1}, ("a", "A")], []),
        ("<Doc/>", [{"name": "c", "type": "int", "calculate": "5"}, ("a", "A")], []),
        ("<Doc/>", [("a", "A", "int", {"required": True})], []),
    ],
)
def test_a_row_is_filled_by_values_of_the_document_alone(
    rows_of: MapDocument, document: str, columns: list[Any], rows: list[Any]
) -> None:
    assert rows_of(document, {**FILLED, "columns": columns}) == ({"t": rows} if rows else {})


def test_only_rows_that_are_written_are_numbered(rows_of: MapDocument) -> None:
    table = {**FILLED, "rows": "C", "row_number": "n", "columns": [("a", "A")]}
    assert rows_of("<Doc><C/><C><A>x</A></C><C/><C><A>y</A></C></Doc>", table) == {"t": [(1, 1, "x"), (1, 2, "y")]}


def test_a_field_is_no_column_and_fills_nothing(rows_of: MapDocument) -> None:
    table = {**FILLED, "columns": [("a", "A")], "fields": [("b", "B")]}
    assert rows_of("<Doc><B>x</B></Doc>", table) == {}
    assert rows_of("<Doc><A>y</A><B>x</B></Doc>", table) == {"t": [(1, "y")]}


DOUBLES = """<Doc><C k="1" t="b"><V>one</V><D>x</D></C><C k="2" t="c"><V>two</V><D>y</D></C>
  <C k="1" t="a"><V>three</V><D>z</D><D>z2</D></C><C k="1" t="a"><V>four</V></C></Doc>"""


def doubles(keep: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "t", "rows": "C", "primary_key": ["doc_id", "k"], "duplicates": keep,
        "columns": [("k", "@k", "int", {"required": True}), ("v", "V")], **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("keep", "more", "rows"),
    [
        ("first", {}, [(1, 1, "one"), (1, 2, "two")]),
        ("last", {}, [(1, 2, "two"), (1, 1, "four")]),
        ("priority", {"where": [{"path": "@t", "in": ["a", "b", "c"]}]}, [(1, 2, "two"), (1, 1, "three")]),
        ("priority", {"where": [{"path": "@t", "in": ["b", "a", "c"]}]}, [(1, 1, "one"), (1, 2, "two")]),
        ("last", {"where": [{"path": "@t", "in": ["b"]}]}, [(1, 1, "one")]),
    ],
)
def test_of_rows_with_one_key_one_is_kept_in_the_order_of_the_document(
    rows_of: MapDocument, keep: str, more: dict[str, Any], rows: list[Any]
) -> None:
    assert rows_of(DOUBLES, doubles(keep, **more)) == {"t": rows}


def test_duplicates_are_rejected_unless_the_contract_says_which_to_keep(rows_of: MapDocument) -> None:
    with pytest.raises(RecordRejected) as raised:
        rows_of(DOUBLES, doubles("reject"))
    assert raised.value.code == "xml.duplicate_key"


def test_the_children_of_a_row_that_is_not_kept_are_not_written_nor_theirs(rows_of: MapDocument) -> None:
    child = {"name": "c", "parent": "t", "rows": "D", "row_number": "n", "columns": [("d", ".")]}
    leaf = {"name": "l", "parent": "c", "columns": [("again", ".")]}
    found = rows_of(DOUBLES, doubles("first"), child, leaf)
    assert found["c"] == [(1, 1, 1, "x"), (1, 2, 1, "y")]
    assert found["l"] == [(1, 1, 1, "x"), (1, 2, 1, "y")]
    better = doubles("priority", where=[{"path": "@t", "in": ["a", "b", "c"]}])
    assert rows_of(DOUBLES, better, child)["c"] == [(1, 2, 1, "y"), (1, 1, 1, "z"), (1, 1, 2, "z2")]


def test_rows_are_numbered_after_duplicates_are_settled(rows_of: MapDocument) -> None:
    numbered = doubles("last", row_number="n")
    assert rows_of(DOUBLES, numbered) == {"t": [(1, 1, 2, "two"), (1, 2, 1, "four")]}


def test_what_was_wrong_and_tolerated_is_counted_by_column(rows_of: MapDocument) -> None:
    table = {
        "name": "t", "rows": "C", "row_number": "n",
        "columns": [
            ("a", "A", "string(3)", {"too_long": "truncate"}),
            ("b", "B", "int", {"unparsable": "null", "default": 9}),
            ("c", "C", "int", {"steps": [{"lookup": {"x": 1}, "otherwise": {"value": 0}}]}),
        ],
    }  # fmt: skip
    document = "<Doc><C><A>abcd</A><B>?</B><C>x</C></C><C><A>\U0001f600\U0001f600</A><B>2</B><C>z</C></C></Doc>"
    rows = rows_of(document, table)
    assert rows == {"t": [(1, 1, "abc", 9, 1), (1, 2, "\U0001f600", 2, 0)]}
    assert rows.warnings == {"truncated t.a": 2, "unparsable t.b": 1, "unknown t.c": 1}


@pytest.mark.parametrize(("rule", "value", "counted"), [("first", "x", 1), ("last", "z", 0)])
def test_of_several_values_only_the_one_that_is_taken_is_counted(
    rows_of: MapDocument, rule: str, value: str, counted: int
) -> None:
    column = ("b", "B", "string(1)", {"too_long": "truncate", "repeated": rule})
    rows = rows_of("<Doc><B>xy</B><B>z</B></Doc>", {"name": "t", "columns": [column]})
    assert rows == {"t": [(1, value)]}
    assert sum(rows.warnings.values()) == counted


def test_a_value_that_steps_leave_empty_is_none_and_replaces_nothing(rows_of: MapDocument) -> None:
    for rule in ("reject", "first", "last"):
        column = ("a", "A", "string(9)", {"steps": ["digits"], "repeated": rule})
        assert rows_of("<Doc><A>x</A><A>a1</A><A>y</A></Doc>", {"name": "t", "columns": [column]}) == {"t": [(1, "1")]}
