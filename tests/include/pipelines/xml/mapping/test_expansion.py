from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.engine.model import NotedRows

MapDocument = Callable[..., NotedRows]

NAME = {"name": "score_name", "type": "string(20)", "take": "item_name"}
VALUE = {"name": "score", "type": "int", "take": "item_value"}


def scores(*items: dict[str, Any], columns: tuple[Any, ...] = (NAME, VALUE), **more: Any) -> dict[str, Any]:
    return {"name": "scores", "row_number": "n", "items": list(items), "columns": list(columns), **more}


def item(name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "path": path, **more}


def test_each_item_with_a_value_is_a_row_in_the_contracts_order_numbered_without_gaps(rows_of: MapDocument) -> None:
    table = scores(item("FICO", "S/Fico"), item("None", "S/None"), item("Bureau", "S/@b", steps=["digits"]))
    document = "<Doc><S b='no 7'><None/><Fico>650</Fico></S></Doc>"
    assert rows_of(document, table) == {"scores": [(1, 1, "FICO", 650), (1, 2, "Bureau", 7)]}
    assert rows_of("<Doc><S b='no'/></Doc>", table) == {}


def test_items_are_taken_for_each_row_element_and_other_columns_repeat(rows_of: MapDocument) -> None:
    table = scores(item("a", "A"), item("b", "B"), rows="P", columns=(("who", "@who"), NAME, VALUE))
    document = "<Doc><P who='x'><A>1</A><B>2</B></P><P who='y'/><P who='z'><B>3</B></P></Doc>"
    assert rows_of(document, table) == {"scores": [(1, 1, "x", "a", 1), (1, 2, "x", "b", 2), (1, 3, "z", "b", 3)]}


def test_items_say_themselves_what_is_done_to_them_and_where_they_start(rows_of: MapDocument) -> None:
    last = {"one": {"path": "P", "take": "last"}}
    table = scores(
        item("first", "A", repeated="first"),
        item("known", "B", steps=[{"lookup": {"x": 1}, "otherwise": "null"}]),
        item("chosen", "C", **{"from": "one"}),
        selections=last,
        columns=(NAME, {**VALUE, "unparsable": "null"}),
    )
    document = "<Doc><A>1</A><A>2</A><B>y</B><P><C>3</C></P><P><C>4</C></P></Doc>"
    rows = rows_of(document, table)
    assert rows == {"scores": [(1, 1, "first", 1), (1, 2, "chosen", 4)]}
    assert rows.warnings == {"unknown scores.score": 1}
    assert rows_of("<Doc><A>x</A></Doc>", table).warnings == {"unparsable scores.score": 1}


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        ("<Doc><A>x</A></Doc>", "xml.value", "scores.score (A): is no whole number"),
        ("<Doc><A>1</A><A>2</A></Doc>", "xml.repeated", "scores.score (A): the path finds several"),
    ],
)
def test_an_item_that_cannot_be_taken_rejects_with_its_own_path(
    rows_of: MapDocument, document: str, code: str, words: str
) -> None:
    with pytest.raises(RecordRejected) as raised:
        rows_of(document, scores(item("a", "A")))
    assert raised.value.code == code
    assert words in raised.value.message


def collateral(*columns: Any, **more: Any) -> dict[str, Any]:
    number = {"name": "no", "type": "tinyint", "take": "group_name"}
    groups = ["1", "2", {"name": "3", "element": "Three"}]
    return {"name": "c", "groups": groups, "primary_key": ["doc_id", "no"], "columns": [number, *columns], **more}


def test_each_group_that_holds_a_value_is_a_row_and_a_default_alone_makes_none(rows_of: MapDocument) -> None:
    table = collateral(("kind", "C{group}Kind"), ("value", "C{group}/@v", "decimal(9,2)", {"default": 0}))
    document = "<Doc><C1Kind>car</C1Kind><C2 v=''/><CThree v='0.50'/></Doc>"
    assert rows_of(document, table) == {"c": [(1, 1, "car", Decimal(0)), (1, 3, None, Decimal("0.50"))]}
    assert rows_of("<Doc/>", table) == {}


def test_a_column_that_does_not_fill_makes_no_group_worth_writing(rows_of: MapDocument) -> None:
    table = collateral(("kind", "C{group}Kind"), ("state", "C{group}State", "string(5)", {"fills": False}))
    assert rows_of("<Doc><C1State>new</C1State><C2State>old</C2State><C2Kind>x</C2Kind></Doc>", table) == {
        "c": [(1, 2, "x", "old")]
    }


def test_columns_without_the_placeholder_are_the_same_in_every_group_and_fill_them_all(rows_of: MapDocument) -> None:
    document = "<Doc><Date>d</Date><C2Kind>x</C2Kind></Doc>"
    shared = collateral(("kind", "C{group}Kind"), ("date", "Date", "string(5)", {"fills": False}))
    assert rows_of(document, shared) == {"c": [(1, 2, "x", "d")]}
    filling = collateral(("kind", "C{group}Kind"), ("date", "Date"))
    assert [row[1:] for row in rows_of(document, filling)["c"]] == [(1, None, "d"), (2, "x", "d"), (3, None, "d")]


def test_selections_may_be_another_element_for_each_group(rows_of: MapDocument) -> None:
    table = collateral(
        {"name": "kind", "type": "string(5)", "from": "part", "path": "Kind"},
        {"name": "city", "type": "string(5)", "from": "site", "path": "."},
        {"name": "owner", "type": "string(5)", "from": "all", "path": "Owner", "fills": False},
        selections={
            "site": {"from": "part", "path": "Site", "take": "last"},
            "part": {"path": "C/Part{group}", "where": [{"path": "@on{group}", "present": True}]},
            "all": {"path": "C"},
        },
    )
    document = """<Doc><C><Part1 on1="x"><Kind>a</Kind></Part1><Part2 on1="x"><Kind>b</Kind></Part2>
      <PartThree onThree="x"><Site>p</Site><Site>q</Site></PartThree><Owner>o</Owner></C></Doc>"""
    assert rows_of(document, table) == {"c": [(1, 1, "a", None, "o"), (1, 3, None, "q", "o")]}


def test_a_value_of_a_group_rejects_with_the_groups_path_and_is_counted_for_its_column(rows_of: MapDocument) -> None:
    with pytest.raises(RecordRejected, match=r"c\.v \(CThree\): is no whole number"):
        rows_of("<Doc><CThree>x</CThree></Doc>", collateral(("v", "C{group}", "int")))
    tolerant = collateral(("v", "C{group}", "int", {"unparsable": "null"}), ("w", "W{group}"))
    rows = rows_of("<Doc><C1>x</C1><C2>x</C2><W2>y</W2></Doc>", tolerant)
    assert rows == {"c": [(1, 2, None, "y")]}
    assert rows.warnings == {"unparsable c.v": 2}


def test_formulas_see_the_row_of_their_item_or_group(rows_of: MapDocument) -> None:
    big = {"name": "big", "type": "bit", "calculate": "CASE WHEN raw > 1 AND no <> 3 THEN TRUE ELSE FALSE END"}
    table = collateral(big, fields=[("raw", "C{group}", "int")], write="always")
    grouped = {**table, "columns": [*table["columns"], ("w", "W{group}")]}
    document = "<Doc><C1>2</C1><W1>x</W1><C2>1</C2><W2>y</W2><CThree>2</CThree><WThree>z</WThree></Doc>"
    assert rows_of(document, grouped) == {"c": [(1, 1, True, "x"), (1, 2, False, "y"), (1, 3, False, "z")]}
