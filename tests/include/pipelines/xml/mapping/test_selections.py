from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.engine.model import Rows

MapDocument = Callable[..., Rows]

PEOPLE = """<Doc>
  <Person role="owner"><Name>Ann</Name>
    <Home old="yes"><City>Oslo</City></Home><Home><City>Rome</City></Home></Person>
  <Person role="guarantor" state="left"><Name>Bob</Name><Age>none</Age></Person>
  <Person role="guarantor"><Name> Cid </Name></Person>
  <Person><Name/></Person>
</Doc>"""


def table(*columns: Any, **more: Any) -> dict[str, Any]:
    return {"name": "base", "columns": list(columns), **more}


def of(selection: str, path: str, type_: str = "string(20)", **more: Any) -> dict[str, Any]:
    return {"name": "v", "from": selection, "path": path, "type": type_, **more}


def condition(path: str, *values: str) -> dict[str, Any]:
    return {"path": path, "in": list(values)} if values else {"path": path, "present": True}


@pytest.mark.parametrize(
    ("where", "take", "name"),
    [
        ([], "first", "Ann"),
        ([], "last", None),
        ([condition("Name")], "last", "Cid"),
        ([condition("@role", "guarantor")], "first", "Bob"),
        ([condition("@role", "guarantor")], "last", "Cid"),
        ([condition("@role", "guarantor"), condition("@state")], "last", "Bob"),
        ([condition("@role", "Guarantor")], "first", None),
        ([condition("Name", "Cid")], "first", "Cid"),
        ([condition("Home/City", "Oslo")], "first", "Ann"),
        ([condition("Home/City", "Rome")], "first", None),
        ([condition("Home/@old", "yes")], "first", "Ann"),
        ([condition("@role", "guarantor", "owner")], "priority", "Bob"),
        ([condition("@role", "owner", "guarantor")], "priority", "Ann"),
        ([condition("@role", "guarantor"), condition("Name", "Cid", "Bob")], "priority", "Cid"),
        ([condition("@role", "owner", "guarantor"), condition("Name", "Cid", "Ann")], "priority", "Ann"),
    ],
)
def test_a_selection_is_the_first_the_last_or_the_best_element_that_meets_all_conditions(
    rows_of: MapDocument, where: list[dict[str, Any]], take: str, name: str | None
) -> None:
    selections = {"one": {"path": "Person", "where": where, "take": take}}
    assert rows_of(PEOPLE, table(of("one", "Name"), selections=selections)) == {"base": [(1, name)]}


def test_a_selection_may_start_from_another_whatever_their_order(rows_of: MapDocument) -> None:
    selections = {
        "home": {"from": "owner", "path": "Home", "take": "last"},
        "owner": {"path": "Person", "where": [condition("@role", "owner")]},
    }
    assert rows_of(PEOPLE, table(of("home", "City"), selections=selections)) == {"base": [(1, "Rome")]}


def test_selections_are_chosen_for_each_row_anew_and_where_there_is_none_there_is_no_value(
    rows_of: MapDocument,
) -> None:
    home = {"home": {"path": "Home", "where": [condition("@old", "yes")]}}
    people = table(("name", "Name"), of("home", "City", default="none"), selections=home, rows="Person", row_number="n")
    assert rows_of(PEOPLE, people) == {
        "base": [(1, 1, "Ann", "Oslo"), (1, 2, "Bob", "none"), (1, 3, "Cid", "none"), (1, 4, None, "none")]
    }


def test_an_element_that_is_not_chosen_can_reject_nothing(rows_of: MapDocument) -> None:
    owner = {"one": {"path": "Person", "where": [condition("@role", "owner", "guarantor")]}}
    assert rows_of(PEOPLE, table(of("one", "Age", "int"), selections=owner)) == {"base": [(1, None)]}
    other = {"one": {"path": "Person", "where": [condition("@role", "guarantor")]}}
    with pytest.raises(RecordRejected, match=r"base\.v \(Person/Age\): is no whole number"):
        rows_of(PEOPLE, table(of("one", "Age", "int"), selections=other))


def test_the_rows_own_element_can_be_selected_by_condition(rows_of: MapDocument) -> None:
    own = {"owner": {"path": ".", "where": [condition("@role", "owner")]}}
    people = table(of("owner", "Name"), selections=own, rows="Person", row_number="n")
    assert [row[2] for row in rows_of(PEOPLE, people)["base"]] == ["Ann", None, None, None]


def test_paths_of_selections_and_conditions_know_namespaces(rows_of: MapDocument) -> None:
    document = """<Doc xmlns:z="urn:z"><z:P z:k="1" k="2"><z:N>x</z:N></z:P><z:P k="1"><z:N>y</z:N></z:P></Doc>"""
    selections = {"one": {"path": "q:P", "where": [condition("@q:k", "1"), condition("q:N")]}}
    rows = rows_of(document, table(of("one", "q:N"), selections=selections), namespaces={"q": "urn:z"})
    assert rows == {"base": [(1, "x")]}


def test_a_row_whose_element_fails_a_condition_is_not_there_nor_are_its_children_nor_their_faults(
    rows_of: MapDocument,
) -> None:
    document = """<Doc><C t="no" v="x"><D>bad</D></C><C t="yes" v="7"><D>1</D><D>2</D></C><C v="x"/></Doc>"""
    parent = {
        "name": "parent", "rows": "C", "row_number": "n", "where": [condition("@t", "yes")],
        "columns": [("v", "@v", "int")],
    }  # fmt: skip
    child = {"name": "child", "parent": "parent", "rows": "D", "row_number": "m", "columns": [("d", ".", "int")]}
    assert rows_of(document, parent, child) == {"parent": [(1, 1, 7)], "child": [(1, 1, 1, 1), (1, 1, 2, 2)]}
