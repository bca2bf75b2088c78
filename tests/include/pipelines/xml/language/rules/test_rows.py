from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.pipelines.xml.language.contract import Contract

MistakesOf = Callable[..., list[tuple[str, str]]]

KEY = ("k", "@k", "int", {"required": True})
VALUE = {"name": "v", "type": "int", "take": "item_value"}
ITEMS = [{"name": "a", "path": "A"}]
IN = [{"path": "@t", "in": ["x"]}]
NUMBER = {"name": "c", "type": "int", "constant": 1}
UNFILLING = ("u", "U", "int", {"fills": False})
PRESENT = [{"path": "@t", "present": True}]


def table(*columns: Any, **more: Any) -> dict[str, Any]:
    return {"name": "t", "columns": list(columns), **more}


def items(*columns: Any, **more: Any) -> dict[str, Any]:
    return table(*columns, **{"items": ITEMS, "row_number": "n", **more})


def groups(*columns: Any, **more: Any) -> dict[str, Any]:
    return table(*columns, **{"groups": ["1", "2"], "row_number": "n", **more})


def kept(keep: str, **more: Any) -> dict[str, Any]:
    return table(KEY, rows="C", **{"primary_key": ["doc_id", "k"], "duplicates": keep, **more})


@pytest.mark.parametrize(
    ("found", "place", "words"),
    [
        (
            items(VALUE, groups=["1"], columns=[VALUE, ("g", "G{group}")]),
            "tables[0].groups",
            "items or groups, not both",
        ),
        (items(), "tables[0].items", 'no column has "take": "item_value"'),
        (items(VALUE, {**VALUE, "name": "w"}), "tables[0].columns[1].take", "v does already"),
        (items(VALUE, items=[*ITEMS, *ITEMS]), "tables[0].items[1]", "a is there already: tables[0].items[0]"),
        (items(VALUE, row_number=None), "tables[0]", "give it a row_number, or a primary_key"),
        (groups(("g", "G{group}"), row_number=None), "tables[0]", "give it a row_number, or a primary_key"),
        (groups(("g", "G{group}"), groups=["1", {"name": "1"}]), "tables[0].groups[1]", "1 is there already"),
        (table(VALUE), "tables[0].columns[0].take", "item_value is for tables with items"),
        (table({**VALUE, "take": "item_name"}), "tables[0].columns[0].take", "item_name is for tables with items"),
        (table({**VALUE, "take": "group_name"}), "tables[0].columns[0].take", "group_name is for tables with groups"),
        (kept("first", primary_key=[], row_number="n"), "tables[0].duplicates", "name its columns"),
        (kept("last", primary_key=["doc_id", "n"], row_number="n"), "tables[0].duplicates", "no two rows have one n"),
        (kept("priority"), "tables[0].duplicates", "give where one with in"),
        (kept("priority", where=PRESENT), "tables[0].duplicates", "give where one with in"),
        (kept("best"), "tables[0].duplicates", "'reject', 'first', 'last' or 'priority'"),
        (table(write="full"), "tables[0].write", "'always' or 'filled'"),
        (table(selections={"a": {"path": "A", "take": "priority"}}), "tables[0].selections.a.take", "one with in"),
        (table(selections={"a": {"path": "A", "from": "a"}}), "tables[0].selections.a.from", "go round: a to a"),
        (
            table(selections={"a": {"path": "A", "from": "b"}, "b": {"path": "A", "from": "a"}}),
            "tables[0].selections.a.from",
            "go round",
        ),
        (table(selections={"a b": {"path": "A"}}), "tables[0].selections.a b", "letters, digits and _"),
        (table(selections={"a": {"path": "A/@x"}}), "tables[0].selections.a.path", "the path of rows is"),
        (
            table(("v", "V", "int", {"from": "hme"}), selections={"home": {"path": "A"}}),
            "tables[0].columns[0].from",
            "no selection hme in this table; did you mean home?",
        ),
        (table(("v", "V", "int", {"from": "x"})), "tables[0].columns[0].from", "there are none"),
        (items(VALUE, items=[{**ITEMS[0], "from": "x"}]), "tables[0].items[0].from", "no selection x"),
        (table(NUMBER, write="filled"), "tables[0].write", "never be a row"),
        (table(UNFILLING, write="filled"), "tables[0].write", "never be a row"),
        (table(NUMBER, write="filled", fields=[("f", "F")]), "tables[0].write", "never be a row"),
        (items({**VALUE, "fills": False}, write="filled"), "tables[0].write", "never be a row"),
        (groups(NUMBER, fields=[("g", "G{group}")]), "tables[0].groups", "never be a row"),
        (groups(("g", "G{group}", "int", {"fills": False})), "tables[0].groups", "never be a row"),
        (table(groups=[]), "tables[0].groups", "must not be empty"),
        (table(items=[]), "tables[0].items", "must not be empty"),
        (table(where=[{"in": ["x"]}]), "tables[0].where[0].path", "is required"),
        (table(where=[{"path": "@t"}]), "tables[0].where[0]", 'either "in": [values] or "present": true'),
        (table(where=[{"path": "@t", "in": ["x"], "present": True}]), "tables[0].where[0]", "either"),
        (table(where=[{"path": "@t", "in": []}]), "tables[0].where[0].in", "must not be empty"),
        (table(where=[{"path": "@t", "in": [" x"]}]), "tables[0].where[0]", "can match nothing"),
        (table(where=[{"path": "@t", "in": ["x", "x"]}]), "tables[0].where[0]", "twice"),
        (table(where=[{"path": "@t", "present": False}]), "tables[0].where[0].present", "True"),
        (table(where=[{"path": "@t", "is": "x"}]), "tables[0].where[0].is", "no such setting"),
    ],
)
def test_a_single_mistake_is_refused_with_its_place(
    mistakes_of: MistakesOf, found: dict[str, Any], place: str, words: str
) -> None:
    ((there, message),) = mistakes_of(found)
    assert there == place
    assert words in message


@pytest.mark.parametrize(
    "parent",
    [items(VALUE), groups(("g", "G{group}")), table(("a", "A"), write="filled")],
    ids=("items", "groups", "filled"),
)
def test_a_table_that_may_not_write_its_row_is_nobodys_parent(mistakes_of: MistakesOf, parent: dict[str, Any]) -> None:
    child = {"name": "c", "parent": "t", "columns": [("v", "V")]}
    assert [place for place, _ in mistakes_of(parent, child)] == ["tables[1].parent"]


@pytest.mark.parametrize(
    "found",
    [
        table(UNFILLING, ("a", "A"), write="filled"),
        items(VALUE, write="filled"),
        items({**VALUE, "fills": False}),
        groups(("g", "G{group}", "int", {"fills": False}), ("a", "A")),
    ],
)
def test_a_table_with_one_column_that_may_fill_a_row_is_right(
    contract_of: Callable[..., Contract], found: dict[str, Any]
) -> None:
    assert contract_of(found).tables[0].name == "t"
