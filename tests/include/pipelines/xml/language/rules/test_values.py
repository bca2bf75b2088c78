from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.pipelines.xml.language.contract import Contract

MistakesOf = Callable[..., list[tuple[str, str]]]

NAME = {"name": "name", "type": "string(3)", "take": "item_name"}
VALUE = {"name": "v", "type": "int", "take": "item_value"}


def plain(steps: list[Any], type_: str = "int") -> dict[str, Any]:
    return {"name": "t", "columns": [("v", "V", type_, {"steps": steps})]}


def items(item: dict[str, Any], *columns: Any) -> dict[str, Any]:
    return {"name": "t", "row_number": "n", "items": [{"name": "a", "path": "A", **item}], "columns": list(columns)}


@pytest.mark.parametrize(
    ("table", "place", "words"),
    [
        (plain([{"lookup": "rolls"}]), "tables[0].columns[0].steps[0].lookup", "roles"),
        (plain([{"lookup": "roles"}]), "tables[0].columns[0].steps[0].lookup", "int"),
        (plain(["digit"]), "tables[0].columns[0].steps[0]", "did you mean digits?"),
        (plain([{"constant": "x"}]), "tables[0].columns[0].steps[0].constant", "int"),
        (plain([{"constant": 1}, "digits"]), "tables[0].columns[0].steps[0].constant", "text"),
        (items({"steps": [{"constant": "x"}]}, VALUE), "tables[0].items[0].steps[0].constant", "int"),
        (items({"name": "four"}, VALUE, NAME), "tables[0].items[0]", "its name does not fit name (string(3))"),
        (items({"name": ""}, VALUE, NAME), "tables[0].items[0].name", "must not be empty"),
        (
            {
                "name": "t", "row_number": "n", "groups": ["1", "A"],
                "columns": [("v", "V{group}"), {"name": "no", "type": "tinyint", "take": "group_name"}],
            },
            "tables[0].groups[1]",
            "does not fit no (tinyint): is no whole number",
        ),
    ],
)  # fmt: skip
def test_a_single_mistake_is_refused_with_its_place(
    mistakes_of: MistakesOf, table: dict[str, Any], place: str, words: str
) -> None:
    ((there, message),) = mistakes_of(table, enumerations={"roles": {"x": "text"}})
    assert there.startswith(place)
    assert words in message


def test_enumerations_hold_plain_values(mistakes_of: MistakesOf) -> None:
    mistakes = mistakes_of({"name": "t", "columns": []}, enumerations={"a": {"x": None}, "b": {"x": [1]}, "c": 1})
    assert [place for place, _ in mistakes] == ["enumerations.a.x", "enumerations.b.x", "enumerations.c"]


def named(names: list[str], type_: str, taking: str = "group_name", **more: Any) -> dict[str, Any]:
    kind = {"name": "kind", "type": type_, "take": taking}
    groups = [{"name": name, "element": element} for name, element in zip(names, "AB", strict=True)]
    parts: dict[str, Any] = {"groups": groups, "columns": [kind, ("v", "V{group}")]}
    if taking == "item_name":
        parts = {"items": [{"name": name, "path": "A"} for name in names], "columns": [kind, VALUE]}
    return {"name": "t", "primary_key": ["doc_id", "kind"], **parts, **more}


@pytest.mark.parametrize(
    ("names", "type_"),
    [(["1", "01"], "tinyint"), (["1", "+1"], "int"), (["a", "A"], "string(3)"), (["a", "a "], "string(9)")],
)
@pytest.mark.parametrize("taking", ["group_name", "item_name"])
def test_names_that_are_one_value_of_a_key_are_refused(
    mistakes_of: MistakesOf, names: list[str], type_: str, taking: str
) -> None:
    ((place, message),) = mistakes_of(named(names, type_, taking))
    assert place == f"tables[0].{taking.removesuffix('_name')}s[1]"
    assert f"{names[1]} and {names[0]} are one value of kind ({type_}), a part of the primary key" in message


def test_names_of_one_value_that_is_no_key_are_told_apart_by_their_rows_numbers(
    contract_of: Callable[..., Contract],
) -> None:
    assert contract_of(named(["1", "01"], "tinyint", primary_key=[], row_number="n")).tables[0].row_number == "n"


def looking_up(keys: list[str], *before: Any, **more: Any) -> dict[str, Any]:
    step = {"lookup": dict.fromkeys(keys, "x"), "otherwise": "null"}
    return {"name": "t", "columns": [("v", "V", "text", {"steps": [*before, step], **more})]}


@pytest.mark.parametrize(
    ("table", "place", "words"),
    [
        (looking_up([" a", "b"]), "steps[0].lookup. a", "white space at an end"),
        (looking_up(["b\t"], "collapse", trim=False), "steps[1].lookup", "white space at an end"),
        (looking_up(["", "b"], trim=False), "steps[0].lookup", "an empty key matches nothing"),
        (looking_up(["ca", "ny"], "upper"), "steps[1].lookup", "none of its keys matches: upper"),
        (looking_up(["A"], "digits"), "steps[1].lookup", "none of its keys matches: digits"),
        (looking_up(["1.1.2026"], {"date": ["%d.%m.%Y"]}), "steps[1].lookup", "none of its keys matches: date"),
        (looking_up(["1,234"], "first_number"), "steps[1].lookup", "none of its keys matches: first_number"),
    ],
)
def test_a_key_that_no_text_can_match_is_refused_at_its_place(
    mistakes_of: MistakesOf, table: dict[str, Any], place: str, words: str
) -> None:
    ((where, message),) = mistakes_of(table)
    assert where.startswith(f"tables[0].columns[0].{place}")
    assert words in message


@pytest.mark.parametrize(
    "table",
    [
        looking_up([" a"], trim=False),
        looking_up([" x"], {"lookup": {"q": " x"}}),
        looking_up([" x"], "lower", {"constant": " x"}),
        looking_up(["CA", "ny"], "upper"),
        looking_up(["2026-01-31"], {"date": ["%d.%m.%Y"]}),
    ],
)
def test_a_key_that_some_text_can_match_is_right(contract_of: Callable[..., Contract], table: dict[str, Any]) -> None:
    assert contract_of(table).tables[0].name == "t"


def test_a_key_of_an_enumeration_is_named_once_for_all_columns(mistakes_of: MistakesOf) -> None:
    column = ("v", "V", "text", {"steps": [{"lookup": "kinds"}]})
    table = {"name": "t", "columns": [column, ("w", *column[1:])]}
    ((place, message),) = mistakes_of(table, enumerations={"kinds": {"a ": "x", "b": "y"}})
    assert place == "enumerations.kinds.a "
    assert "white space" in message
